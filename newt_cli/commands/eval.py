"""``newt eval``: scores of a checkpoint, or of random actions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.counts import count_display
from newt_cli.numbers import number_option, real_option
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.evaluation import GroupSummary, Summary

app = typer.Typer(add_completion=False, rich_markup_mode=None)

RANDOM = "random"
"""The word that takes a checkpoint's place for the random baseline."""


@app.command("eval")
def evaluate(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CKPT",
            help=f"A checkpoint, a run, or the word '{RANDOM}' for uniform actions.",
        ),
    ],
    tasks: options.MaybeTasks = None,
    episodes: Annotated[int, number_option(1, limits.EPISODES, "Episodes of each task.")] = 10,
    policy_only: Annotated[
        bool, typer.Option("--policy-only", help="Act with the policy alone, without planning.")
    ] = False,
    prior_weight: Annotated[
        float | None,
        real_option(
            0,
            1,
            "How close planning stays to the policy: 0 plans freely, 1 only around the policy. By "
            "default as in training.",
        ),
    ] = None,
    instruction: options.Instruction = None,
    embodiment: options.Embodiment = None,
    text_encoder: options.TextEncoder = None,
    text_weights: options.TextWeights = None,
    image_weights: options.ImageWeights = None,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes.")] = 0,
    device: options.Device = "auto",
    specs: options.Specs = None,
    strict: options.Strict = False,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Evaluate an agent: return, success and score, with 95 % confidence intervals.

    \b
    newt eval balance
    newt eval runs/balance/checkpoints/best.pt --episodes 20 --policy-only --json
    newt eval last.pt --task walker-run --instruction "Run ahead, fast."
    newt eval random --tasks 'walker-*'

    Of a run, the best checkpoint is evaluated. Without --tasks, these are the tasks that it was
    trained on. Texts that are new to it are embedded by the text encoder of its training.
    """
    from newt_core.envs.availability import runnable
    from newt_core.errors import ConfigError
    from newt_core.specs import Wording, load_specs

    wording = Wording(instruction, embodiment)
    library = load_specs(specs or ())
    if checkpoint == RANDOM and tasks is None:
        raise ConfigError(f"'{RANDOM}' has no tasks of its own: name some with --tasks.")
    if policy_only and prior_weight is not None:
        raise ConfigError("--policy-only does not plan: leave --prior-weight out.")
    if checkpoint == RANDOM and prior_weight is not None:
        raise ConfigError(f"'{RANDOM}' does not plan: leave --prior-weight out.")
    if checkpoint == RANDOM and policy_only:
        raise ConfigError(f"--policy-only makes no sense for '{RANDOM}': it has no policy.")
    if checkpoint == RANDOM and (wording or text_encoder or text_weights):
        raise ConfigError(f"'{RANDOM}' reads no texts: leave the wording and its encoder out.")
    if checkpoint == RANDOM and image_weights is not None:
        raise ConfigError(f"'{RANDOM}' observes no pictures: leave --image-weights out.")
    if tasks is not None:
        tasks = runnable(library, tasks, strict=strict, notice=console.notice)

    from newt_core.encoders import TextOptions
    from newt_core.workflows import evaluate

    with console.quiet_stdout(), count_display("steps") as on_progress:
        if checkpoint == RANDOM:
            summary = evaluate.evaluate_random(
                tasks or "", episodes, seed=seed, library=library, on_progress=on_progress
            )
        else:
            summary = evaluate.evaluate_checkpoint(
                evaluate.EvaluationRequest(
                    Path(checkpoint),
                    tasks,
                    episodes,
                    policy_only=policy_only,
                    prior_weight=prior_weight,
                    seed=seed,
                    device=device,
                    image_weights=image_weights,
                    text=TextOptions(wording, text_encoder, text_weights),
                    runs=runs_dir,
                ),
                library=library,
                on_progress=on_progress,
            )
    if as_json:
        console.write_json(summary.to_json())
    else:
        _write_tables(summary)


def _write_tables(summary: Summary) -> None:
    """Print a row per task, then one per domain, then the total."""
    numbers = ("episodes", "return", "success", "score", "± 95 %")
    rows = [
        (
            task,
            str(result.episodes),
            console.number(result.mean_return),
            console.number(result.success, 2),
            console.number(result.score, 3),
            console.number(result.ci95, 3),
        )
        for task, result in summary.tasks.items()
    ]
    rows.append(("", "", "", "", "", ""))
    rows += [_group_row(domain, group) for domain, group in summary.domains.items()]
    rows.append(_group_row("total", summary.total))
    console.write_table(
        ("task", *numbers), rows, right=numbers, gives_way=("episodes", "return", "success")
    )
    console.notice(f"mode: {summary.mode}")


def _group_row(name: str, group: GroupSummary) -> tuple[str, str, str, str, str, str]:
    label = f"{name} ({group.tasks} task{'s' if group.tasks > 1 else ''})"
    return (label, "", "", "", console.number(group.score, 3), console.number(group.ci95, 3))
