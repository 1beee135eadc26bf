"""``newt collect-demos``: experts play, good episodes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.display import task_display, training_display
from newt_cli.failures import FAILED, INTERRUPTED, StopRequest
from newt_cli.numbers import number_option, real_option
from newt_cli.run_settings import resume_command
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.demos.collect import Collection
    from newt_core.specs import SpecLibrary, TaskSpec
    from newt_core.workflows.collect_demos import Collected

app = typer.Typer(add_completion=False)


@app.command("collect-demos")
def collect_demos(
    tasks: options.Tasks,
    expert: Annotated[
        str,
        typer.Option(
            metavar="auto|scripted|CKPT|FOLDER",
            help="Who plays: a scripted player, a checkpoint, or the best fit in a folder of them.",
        ),
    ] = "auto",
    episodes: Annotated[
        int | None,
        number_option(
            1, limits.EPISODES, "Good episodes of each task; 10 to 40 by domain if left out."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the files <task>.h5 go.")
    ] = Path("demos"),
    noise: Annotated[
        float,
        real_option(
            0,
            1,
            "Std of noise on the actions, so that the files show how the expert recovers.",
        ),
    ] = 0.0,
    rgb: Annotated[bool, typer.Option("--rgb", help="Record a picture of every state.")] = False,
    train_expert: Annotated[
        bool,
        typer.Option(
            "--train-expert",
            help="Where a task has no expert, train one first; says how long that will take.",
        ),
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to the files there.")] = False,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes.")] = 0,
    device: options.Device = "auto",
    specs: options.Specs = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Collect demonstrations: an expert plays, good episodes are kept.

    \b
    newt collect-demos --task pygame-pong
    newt collect-demos --tasks miniarcade --episodes 5 --out arcade
    newt collect-demos --task cartpole-balance --noise 0.3 --out shaken
    newt collect-demos --task walker-run --expert runs/walker --append
    newt collect-demos --task cheetah-jump --train-expert

    An episode is kept if its return beats 0.75 of the median return and, where the task has a
    success signal, if it succeeds. Ctrl-C keeps what was collected by then.
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
    failed = [result.task for result in collected.tasks if not result.kept]
    if failed:
        console.notice(f"no episode of {', '.join(failed)} was good enough to keep.")
        raise typer.Exit(FAILED)


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

    missing = without_expert(chosen, library=library, device=device, runs=runs)
    configs = [train_expert.expert_config(spec, seed=seed, device=device) for spec in missing]
    total = 0.0
    with console.quiet_stdout():
        for spec, config in zip(missing, configs, strict=True):
            seconds = train_expert.forecast(config, spec)
            total += seconds
            console.notice(
                f"{spec.id} has no expert: training one takes {config.steps:,} steps, about "
                f"{_duration(seconds)} on this machine."
            )
        if len(missing) > 1:
            console.notice(f"In all about {_duration(total)}.")
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


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def _document(collected: Collected) -> dict[str, Any]:
    return {
        "tasks": {
            result.task: {
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
    console.write_table(("task", *numbers, "file"), rows, right=numbers)
