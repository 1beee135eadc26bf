"""``newt finetune``: learn unseen tasks from a checkpoint's weights, each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli import setting_options as settings
from newt_cli.commands import command_app
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.forecasts import say_forecast_of_runs
from newt_cli.numbers import number_option
from newt_cli.run_settings import require_own_settings, resume_command

if TYPE_CHECKING:
    from newt_core.workflows.finetune import Finetuned

app = command_app()

MOST_SEEDS = 1_000
"""A run each: more would be a slip of the finger."""


@app.command()
def finetune(
    context: typer.Context,
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="CKPT",
            help="A checkpoint, or a run for its best one; not needed with --resume.",
            show_default=False,
        ),
    ] = None,
    tasks: options.MaybeTasks = None,
    steps: settings.Steps = None,
    seeds: Annotated[
        int | None,
        number_option(1, MOST_SEEDS, "Training seeds, from --seed on: a run each; by default 5."),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Run the control from random weights beside it.")
    ] = False,
    demos: settings.Demos = None,
    preset: settings.Preset = None,
    config: settings.Config = None,
    set_: settings.Set = None,
    seed: settings.Seed = None,
    device: settings.Device = None,
    run: settings.Run = None,
    resume: settings.Resume = False,
    specs: options.Specs = None,
    strict: options.Strict = False,
    obs: settings.Obs = None,
    text_encoder: settings.TextEncoder = None,
    text_weights: settings.TextWeights = None,
    instruction: settings.Instruction = None,
    embodiment: settings.Embodiment = None,
    image_encoder: settings.ImageEncoder = None,
    image_weights: settings.ImageWeights = None,
    envs_per_task: settings.EnvsPerTask = None,
    save_replay: settings.SaveReplay = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Finetune a trained agent on unseen tasks, each by itself, and say what that was worth.

    \b
    newt finetune last.pt --task walker-run --scratch --run unseen
    newt finetune last.pt --task my-task --specs my_specs --preset cpu --seeds 2
    newt finetune last.pt --tasks pygame-pong,pygame-cowboy --steps 50000
    newt finetune --run unseen --resume

    First the checkpoint is evaluated as it is: its zero-shot score. Then a run of its own for each
    task and seed learns from its weights by interaction, without demonstrations; with --scratch, a
    second one learns from random weights beside it. The runs lie in the finetuning's folder, with
    finetune.json and report.html. A run takes 100,000 steps, or those of the preset if they are
    fewer.

    Options win over --set, --set over --config, --config over --preset.
    Ctrl-C and SIGTERM save the run that is at work and say how to go on.
    """
    from newt_core.workflows import finetune as workflow
    from newt_core.workflows.finetune_settings import (
        FinetuneRequest,
        existing_finetuning,
        new_finetuning,
    )

    request = FinetuneRequest(
        settings.asked(context),
        checkpoint,
        seeds,
        scratch=scratch,
        specs=specs or (),
        name=run,
        runs=runs_dir,
        strict=strict,
    )
    if resume:
        require_own_settings(preset, config)
        made = existing_finetuning(request)
    else:
        made = new_finetuning(request, console.notice)
        plan = made.finetuning.plan
        first = made.library[plan.tasks[0]]
        seconds = say_forecast_of_runs(made.finetuning.config, first, len(plan.members))
        made = replace(made, run_seconds=seconds)
    folder = made.finetuning.path
    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            outcome = workflow.finetune(replace(made, progress=display, should_stop=stop))
    if as_json:
        console.write_json(_document(outcome))
    else:
        _write_table(outcome.scores)
        console.write(str(made.finetuning.report))
    if outcome.interrupted:
        go_on = resume_command("finetune", folder)
        console.notice(f"Stopped and saved. Go on with: {go_on}")
        raise typer.Exit(INTERRUPTED)


def _document(outcome: Finetuned) -> dict[str, Any]:
    average = outcome.scores["average"]
    final = average["pretrained"]["100"]
    return {
        "run": str(outcome.run),
        "checkpoint": str(outcome.checkpoint),
        "steps": outcome.steps,
        "score": final["score"] if final else None,
        **outcome.scores,
    }


def _write_table(scores: Mapping[str, Any]) -> None:
    """Print two rows per task, or one without the control, then the average."""
    found = dict(scores["tasks"])
    if len(found) > 1:
        found["average"] = scores["average"]
    moments = list(scores["average"]["pretrained"])
    rows = []
    for name, its in found.items():
        label = f"{name} (seen)" if its.get("seen") else name
        before = {"0": its["zero_shot"], **its["pretrained"]}
        rows.append((label, "checkpoint", *(_cell(before[at]) for at in ("0", *moments))))
        if "scratch" in its:
            control = its["scratch"]
            rows.append(("", "scratch", *(_cell(control[at]) for at in ("0", *moments))))
    numbers = [f"{at} %" for at in ("0", *moments)]
    console.write_table(
        ("task", "begun from", *numbers), rows, right=numbers, gives_way=numbers[1:-1]
    )


def _cell(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return console.NO_VALUE
    score, half = estimate["score"], estimate["ci95"]
    return f"{score:.3f}" + (f" ± {half:.3f}" if half is not None else "")
