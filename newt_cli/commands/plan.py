"""``newt plan``: what a run would cost, before it is begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli import setting_options as settings
from newt_cli.commands import command_app
from newt_cli.forecasts import duration
from newt_cli.numbers import number_option, real_option
from newt_core.settings import limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newt_core.specs import TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.workflows.cost import Cost
    from newt_core.workflows.profile import Profile

app = command_app()

MOST_GPUS = 1_024
"""Of one run."""


@app.command()
def plan(
    context: typer.Context,
    tasks: options.MaybeTasks = None,
    steps: settings.Steps = None,
    gpus: Annotated[
        int | None,
        number_option(1, MOST_GPUS, "GPUs that train together; by default one, if there is one."),
    ] = None,
    price: Annotated[
        float | None, real_option(0, limits.NUMBER, "What the machine costs per hour.")
    ] = None,
    watts: Annotated[
        float | None, real_option(0, limits.NUMBER, "Power that the machine takes.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A machine's speed that --save-profile wrote there; by default this machine is "
            "measured, which takes seconds to minutes.",
        ),
    ] = None,
    save_profile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the speed that was measured.")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="One run for each task, one after the other.")
    ] = False,
    demos: settings.Demos = None,
    agent: settings.Agent = None,
    size: settings.Size = None,
    preset: settings.Preset = None,
    config: settings.Config = None,
    set_: settings.Set = None,
    device: settings.Device = None,
    obs: settings.Obs = None,
    envs_per_task: settings.EnvsPerTask = None,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Say what a run would take: time, memory, disk, energy and money.

    \b
    newt plan --tasks all --steps 100M
    newt plan --tasks 'walker-*' --preset cpu --price 0.4 --watts 90
    newt plan --tasks walker-run --save-profile here.json
    newt plan --tasks all --steps 100M --gpus 2 --profile there.json
    newt plan --tasks dmcontrol --each --agent tdmpc2 --profile there.json

    The machine's speed is measured on a few steps and updates of the run itself, or read from a
    profile and scaled by the operations that the run takes. Memory is worked out, not measured.
    """
    from newt_core.errors import ConfigError
    from newt_core.specs import load_specs
    from newt_core.workflows import profile as profiles
    from newt_core.workflows.cost import Prices, cost, require_counted
    from newt_core.workflows.cost_of_each import cost_of_each
    from newt_core.workflows.settings import for_machine

    if profile is not None and save_profile is not None:
        raise typer.BadParameter("--profile is read and --save-profile is measured: choose one")
    known = profiles.read_profile(profile) if profile is not None else None
    asked = for_machine(settings.asked(context), None if known is None else known.device)
    chosen, library = asked.settings(), load_specs(specs or ())
    if "tasks" not in chosen.model_fields_set:
        raise ConfigError("nothing says which tasks: name some with --tasks, such as all.")
    found = library.select(chosen.tasks)
    require_counted(chosen, 1 if each else len(found))
    if known is None and gpus is not None:
        profiles.require_gpus(gpus, chosen)
    elif known is not None and gpus is not None and known.device == "cpu":
        raise ConfigError(f"{profile} is of a machine without a GPU: leave --gpus out.")
    if each and save_profile is not None:
        raise typer.BadParameter("--each measures a run of each domain: leave --save-profile out")
    prices, measured = Prices(gpus or 1, price, watts), []

    def speed(config: RunConfig, specs: Sequence[TaskSpec]) -> Profile:
        if known is None:
            with console.quiet_stdout():
                measured.append(profiles.measure_profile(config, specs))
        return known or measured[-1]

    if each:
        made = cost_of_each(chosen, found, speed, prices)
    else:
        made = cost(chosen, found, speed(chosen, found), prices)
    if save_profile is not None:
        profiles.save_profile(measured[0], save_profile)
        console.notice(f"wrote {save_profile}")
    used = known or measured[0]
    if as_json:
        console.write_json(
            {
                **made.to_json(),
                "tasks": len(found),
                "preset": asked.preset,
                "gpus": gpus,
                "measured": profile is None,
                "profile": used.model_dump(mode="json"),
            }
        )
        return
    _write(made, used, measured=profile is None)


def _write(made: Cost, profile: Profile, *, measured: bool) -> None:
    names = {"total": "in all"}
    total = made.seconds["total"]
    rows = [
        (names.get(stage, stage), duration(seconds), f"{seconds / total:.0%}" if total else "")
        for stage, seconds in made.seconds.items()
        if seconds
    ]
    if made.hidden_seconds:
        saved = made.hidden_seconds
        rows.insert(-1, ("at the same time", f"-{duration(saved)}", f"-{saved / total:.0%}"))
    console.write_table(("stage", "time", "share"), rows, right=("time", "share"))
    console.write("")
    sizes = [("memory", name, size) for name, size in made.memory.items()]
    sizes += [("disk", name, size) for name, size in made.disk.items()]
    console.write_table(
        ("for", "takes", "GB"),
        [(name, where, f"{size / 1e9:,.2f}") for where, name, size in sizes if size],
        right=("GB",),
    )
    console.write("")
    console.write(
        f"{made.steps:,} steps and {made.updates:,} updates, {made.steps_per_s:,.1f} steps/s"
    )
    if made.kwh is not None:
        console.write(f"{_amount(made.kwh)} kWh")
    if made.price is not None:
        console.write(f"{_amount(made.price)} to pay")
    how = "measured here" if measured else "from a profile"
    console.notice(
        f"speed {how}: {profile.measured_on}, on {profile.machine.get('processor', 'a processor')}"
        f", {profile.cores} cores, {profile.machine.get('gpu', 'no GPU')}; memory is worked out"
    )


def _amount(number: float) -> str:
    """Write a number with two decimals, and a small one with two digits that are not zeros."""
    return f"{number:,.2f}" if number >= 0.1 or not number else f"{number:.2g}"
