"""``newt openloop``: what an agent keeps of its return without feedback."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, evaluations, options
from newt_cli.commands import command_app
from newt_cli.counts import count_display
from newt_cli.numbers import number_option, real_option
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.workflows.open_loop import OpenLoop, TaskOpenLoop

app = command_app()

DEPTHS = (1, 3, 6, 12, 24, 48)
"""Imagined steps whose errors are printed."""


@app.command("openloop")
def openloop(
    checkpoint: Annotated[str, typer.Argument(metavar="CKPT", help="A checkpoint, or a run.")],
    tasks: options.MaybeTasks = None,
    horizon: Annotated[
        int,
        number_option(
            1, limits.HORIZON, "Steps that are planned at once and executed without looking."
        ),
    ] = 48,
    episodes: Annotated[int, number_option(1, limits.EPISODES, "Episodes of each task.")] = 20,
    closed_steps: Annotated[
        int | None,
        number_option(
            1,
            limits.HORIZON,
            "Steps of each closed-loop episode, along which imagination is measured; by default "
            "96, or the horizon if that is more.",
        ),
    ] = None,
    prior_weight: Annotated[
        float | None,
        real_option(
            0,
            1,
            "Plan near the policy: 1 around it alone, 0 freely. By default as in its run.",
        ),
    ] = None,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes.")] = 0,
    envs: Annotated[
        int,
        number_option(
            1, limits.ENVIRONMENTS, "Environments side by side; no result depends on it."
        ),
    ] = 5,
    text_weights: options.TextWeights = None,
    image_weights: options.ImageWeights = None,
    device: options.Device = "auto",
    specs: options.Specs = None,
    strict: options.Strict = False,
    runs_dir: options.RunsDir = Path("runs"),
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for pictures and results; by default the run's openloop."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Plan once, execute without looking, and compare with acting closed loop.

    \b
    newt openloop balance
    newt openloop last.pt --tasks 'walker-*' --horizon 24
    newt openloop last.pt --task walker-run --horizon 48 --out pictures --json

    Both begin with the same states. Shown are the fractions of the closed-loop return after a
    third, two thirds and all of the horizon, and how far the model's imagination is off after so
    many steps, along the agent's own closed-loop actions. A picture of each task, one of the
    imagination and a JSON file go into the folder.
    """
    from newt_core.envs.availability import runnable
    from newt_core.specs import load_specs
    from newt_core.workflows.find_checkpoint import specs_for

    if out is not None:
        evaluations.require_folder_place(out)
    library = load_specs(specs_for(checkpoint, specs, runs_dir))
    if tasks is not None:
        tasks = runnable(library, tasks, strict=strict, notice=console.notice)

    from newt_core.agents.base import Acting
    from newt_core.encoders import TextOptions
    from newt_core.workflows import open_loop
    from newt_core.workflows.evaluate import EvaluationRequest

    request = open_loop.OpenLoopRequest(
        EvaluationRequest(
            Path(checkpoint),
            tasks,
            episodes,
            how=Acting(prior_weight=prior_weight),
            seeds=(seed,),
            envs=envs,
            device=device,
            text=TextOptions(weights=text_weights),
            image_weights=image_weights,
        ),
        horizon,
        closed_steps,
        out,
    )
    with console.quiet_stdout(), count_display("steps") as show:
        found = open_loop.compare_open_loop(
            request,
            library=library,
            runs=runs_dir,
            on_step=evaluations.EvaluationForecast(show, console.notice),
            notice=console.notice,
        )
    if as_json:
        console.write_json(found.to_json())
    else:
        _write(found)


def _write(found: OpenLoop) -> None:
    """Print the fractions, then the errors of imagination."""
    first = next(iter(found.tasks.values()))
    steps = [f"{part.steps} steps" for part in first.fractions.values()]
    numbers = ("closed", "open", "predicted", *dict.fromkeys(steps))
    gives_way = ("predicted", "open", *steps[:-1], "closed")
    rows = [(task, *_cells(result, len(numbers) - 3)) for task, result in found.tasks.items()]
    mean = found.average
    shares = [mean[name] for name in first.fractions][-(len(numbers) - 3) :]
    label = f"average ({mean['tasks']} task{'s' if mean['tasks'] != 1 else ''})"
    rows.append((label, "", "", "", *(_percent(share) for share in shares)))
    console.write_table(("task", *numbers), rows, right=numbers, gives_way=gives_way)
    if mean["tasks"] != len(found.tasks):
        console.notice(
            "a dash: the closed-loop return is not positive there, so that a fraction says nothing"
        )
    console.write("")
    errors = [result.imagination.relative() for result in found.tasks.values()]
    deepest = max(len(each["reward"]) for each in errors)
    depths = [depth for depth in DEPTHS if depth <= deepest]
    labels = {
        "reward": "error in reward / always the mean's",
        "value": "error in value / its magnitude",
        "latent": "error in latent / standing still",
    }
    console.write_table(
        ("imagined steps", *(str(depth) for depth in depths)),
        [
            (label, *(_mean([each[name] for each in errors], depth) for depth in depths))
            for name, label in labels.items()
        ],
        right=[str(depth) for depth in depths],
        folds=["imagined steps"],
        gives_way=[str(depth) for depth in depths[-2::-1]],
    )
    plural = "s" if found.episodes != 1 else ""
    console.notice(f"mode: {found.mode}; {found.episodes} episode{plural} of each task")
    console.notice(f"pictures and numbers: {found.folder}/")


def _cells(result: TaskOpenLoop, count: int) -> list[str]:
    whole = result.fractions["t3"]
    parts = list(result.fractions.values())[-count:]
    return [
        console.number(whole.closed),
        console.number(whole.open),
        console.number(result.predicted),
        *(_percent(part.ratio, part.ci95) for part in parts),
    ]


def _percent(share: float | None, half: float | None = None) -> str:
    if share is None:
        return console.NO_VALUE
    return f"{share:.0%}" if half is None else f"{share:.0%} ± {half:.0%}"


def _mean(shares: Iterable[list[float | None]], depth: int) -> str:
    """Return the geometric mean over the tasks that have a share above 0 at this depth."""
    held = [each[depth - 1] for each in shares if len(each) >= depth]
    known = [math.log(share) for share in held if share]
    return f"{math.exp(sum(known) / len(known)):.3g}" if known else console.NO_VALUE
