"""``newt collect-demos``: experts play, good episodes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import task_display
from newt_cli.display import training_display
from newt_cli.failures import FAILED, INTERRUPTED, StopRequest
from newt_cli.forecasts import duration
from newt_cli.numbers import number_option, real_option
from newt_cli.run_settings import resume_command
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.demos.collect import Collection
    from newt_core.specs import SpecLibrary, TaskSpec
    from newt_core.workflows.collect_demos import Collected

app = command_app()


@app.command("collect-demos")
def collect_demos(
    tasks: options.Tasks,
    expert: Annotated[
        str,
        typer.Option(
            metavar="WHO",
            help="Who plays: auto, scripted, a checkpoint, a run, or a folder of checkpoints or "
            "runs, such as that of newt train --each.",
        ),
    ] = "auto",
    episodes: Annotated[
        int | None,
        number_option(
            1,
            limits.EPISODES,
            "Episodes to keep of each task; by default 10 to 40, depending on the domain.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write the files, <task>.h5.")
    ] = Path("demos"),
    noise: Annotated[
        float,
        real_option(
            0,
            1,
            "Standard deviation of the noise added to actions, to record how the expert recovers.",
        ),
    ] = 0.0,
    rgb: Annotated[bool, typer.Option("--rgb", help="Record visual observations, too.")] = False,
    train_expert: Annotated[
        bool,
        typer.Option(
            "--train-expert",
            help="Train an expert for each task that has none; says how long that will take.",
        ),
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to existing files.")] = False,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes.")] = 0,
    device: options.Device = "auto",
    specs: options.Specs = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Collect demonstrations of an expert, good episodes only.

    \b
    newt collect-demos --task pygame-pong
    newt collect-demos --tasks miniarcade --episodes 5 --out arcade
    newt collect-demos --task cartpole-balance --noise 0.3 --out shaken
    newt collect-demos --task walker-run --expert runs/walker --append
    newt collect-demos --task acrobot-swingup --train-expert

    An episode is kept if its return exceeds 0.75 times the median return and, where the task has a
    success signal, if it succeeds. Ctrl-C keeps the episodes collected so far.
    """
    from newt_core.specs import load_specs
    from newt_core.workflows import collect_demos as workflow

    library = load_specs(specs or ())
    chosen = library.select(tasks)
    if train_expert:
        if expert != workflow.AUTO:
            raise typer.BadParameter(
                f"--expert {expert} says who plays; leave it out", param_hint="'--train-expert'"
            )
        _train_experts(chosen, library, specs or (), seed, device, runs_dir)
    elif expert == workflow.AUTO:
        _say_what_training_costs(chosen, library, seed, device, runs_dir)
    with console.quiet_stdout(), task_display("episodes") as display:
        stop = StopRequest(console.notice)
        with stop.listening():
            collected = workflow.collect_demos(
                workflow.CollectionRequest(
                    chosen,
                    out,
                    expert=expert,
                    episodes=episodes,
                    append=append,
                    rgb=rgb,
                    noise=noise,
                    seed=seed,
                    device=device,
                    runs=runs_dir,
                ),
                library=library,
                should_stop=stop,
                on_progress=display,
            )
    for task, reason in collected.left_out.items():
        console.notice(f"left out {task}: {reason}")
    if as_json:
        console.write_json(_document(collected))
    else:
        _write_table(collected.tasks)
    if collected.interrupted:
        console.notice("Stopped. What was collected is kept; go on with --append.")
        raise typer.Exit(INTERRUPTED)
    for result in collected.tasks:
        if 0 < result.kept < result.wanted:
            console.notice(
                f"{result.task}: {result.kept} of the {result.wanted} episodes wanted: no more of "
                f"{result.episodes} were good enough."
            )
    failed = [result.task for result in collected.tasks if not result.kept]
    if failed:
        console.notice(f"no episode of {', '.join(failed)} was good enough to keep.")
        raise typer.Exit(FAILED)


def _say_what_training_costs(
    chosen: list[TaskSpec], library: SpecLibrary, seed: int, device: str, runs: Path
) -> None:
    """Say what --train-expert would cost, where it is for: timed on the first such task."""
    from newt_core.workflows.collect_demos import without_expert
    from newt_core.workflows.forecast import forecast
    from newt_core.workflows.train_expert import expert_config

    missing = without_expert(chosen, library=library, device=device, runs=runs)
    if not missing:
        return
    spec, config = missing[0], expert_config(missing[0], seed=seed, device=device)
    with console.quiet_stdout():
        seconds = forecast(config, [spec]).seconds or 0.0
    count = len(missing)
    who = f"{spec.id} has" if count == 1 else f"{count} tasks have"
    each, of = (" for each", f" for {spec.id}") if count > 1 else ("", "")
    console.notice(
        f"{who} no expert: --train-expert would first train one{each}, in {config.steps:,} steps, "
        f"about {duration(seconds)}{of} on this machine."
    )


def _train_experts(
    chosen: list[TaskSpec],
    library: SpecLibrary,
    specs: Sequence[Path],
    seed: int,
    device: str,
    runs: Path,
) -> None:
    """Train an expert for each task without one, having said what it costs."""
    from newt_core.workflows import train_expert
    from newt_core.workflows.collect_demos import without_expert
    from newt_core.workflows.forecast import forecast

    missing = without_expert(chosen, library=library, device=device, runs=runs)
    configs = [train_expert.expert_config(spec, seed=seed, device=device) for spec in missing]
    total = 0.0
    with console.quiet_stdout():
        for spec, config in zip(missing, configs, strict=True):
            seconds = forecast(config, [spec]).seconds or 0.0
            total += seconds
            console.notice(
                f"{spec.id} has no expert: training one takes {config.steps:,} steps, about "
                f"{duration(seconds)} on this machine."
            )
        if len(missing) > 1:
            console.notice(f"In all about {duration(total)}.")
        for spec, config in zip(missing, configs, strict=True):
            with training_display(f"expert-{spec.id}") as display:
                stop = StopRequest(display.note)
                with stop.listening():
                    result = train_expert.train_expert(
                        config,
                        spec,
                        library=library,
                        runs=runs,
                        progress=display,
                        should_stop=stop,
                    )
            if result.interrupted:
                go_on = resume_command("train", result.run, specs)
                console.notice(f"Stopped and saved. Go on with: {go_on}")
                raise typer.Exit(INTERRUPTED)


def _document(collected: Collected) -> dict[str, Any]:
    return {
        "tasks": {
            result.task: {
                "wanted": result.wanted,
                "episodes": result.episodes,
                "kept": result.kept,
                "rejected": result.rejected,
                "mean_return": result.mean_return,
                "success": result.success,
                "score": result.score,
                "path": str(result.path),
            }
            for result in collected.tasks
        },
        "left_out": collected.left_out,
    }


def _write_table(results: list[Collection]) -> None:
    numbers = ("episodes", "kept", "rejected", "return", "success", "score")
    rows = [
        (
            result.task,
            str(result.episodes),
            str(result.kept),
            str(result.rejected),
            console.number(result.mean_return),
            console.number(result.success, 2),
            console.number(result.score, 3),
            str(result.path) if result.kept else console.NO_VALUE,
        )
        for result in results
    ]
    console.write_table(
        ("task", *numbers, "file"),
        rows,
        right=numbers,
        folds=("file",),
        gives_way=("success", "return", "rejected", "episodes", "file", "score"),
    )
