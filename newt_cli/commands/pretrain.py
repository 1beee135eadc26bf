"""``newt pretrain``: learn from demonstrations alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.run_settings import existing_run, new_run, resume_command

if TYPE_CHECKING:
    from newt_core.training.config import RunConfig
    from newt_core.workflows.pretrain import Pretrained

app = typer.Typer(add_completion=False)


@app.command()
def pretrain(
    tasks: options.MaybeTasks = None,
    demos: options.Demos = None,
    updates: Annotated[
        int | None, typer.Option(help="Gradient steps; 200,000 if neither preset nor you say.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Model size: 2M, 5M, 20M or 80M.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings to begin with: paper, cpu or smoke, among others.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A YAML file of settings, such as a run's config.yaml."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="One setting, such as update.lr=1e-4; repeatable."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="The run's name; by default date and tasks.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with that run, or with the newest one.")
    ] = False,
    specs: options.Specs = None,
    obs: options.Obs = None,
    text_encoder: options.TextEncoder = None,
    text_weights: options.TextWeights = None,
    image_encoder: options.ImageEncoder = None,
    image_weights: options.ImageWeights = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Pretrain an agent on demonstrations, without any interaction.

    \b
    newt pretrain --tasks miniarcade --preset cpu --run arcade
    newt pretrain --tasks pygame-cowboy --demos demos --updates 2000 --size 2M
    newt pretrain --run arcade --resume

    Demonstrations come from the folder demos, if you name no other. At the end, the agent is
    evaluated acting by its policy alone, by planning, and by planning near the policy; losses.png
    in the run's folder shows the losses. Ctrl-C and SIGTERM save the run and say how to go on.
    """
    from newt_core.specs import load_specs
    from newt_core.workflows import pretrain as workflow
    from newt_core.workflows.context import RunContext

    flags = {
        "tasks": tasks,
        "demos": None if demos is None else str(demos),
        "updates": updates,
        "size": size,
        "seed": seed,
        "device": device,
        "obs": obs,
        "text_encoder": text_encoder,
        "text_weights": str(text_weights) if text_weights is not None else None,
        "image_encoder": image_encoder,
        "image_weights": str(image_weights) if image_weights is not None else None,
    }
    library = load_specs(specs or ())
    parts = None
    if resume:
        settings, folder = existing_run(
            run, preset, config, set_ or (), flags, runs_dir, pretraining=True
        )
    else:
        settings, folder, parts = new_run(
            run,
            preset,
            config,
            set_ or (),
            flags,
            library,
            runs_dir,
            strict=False,
            demos="demos",
            check=_check,
        )
    go_on = resume_command("pretrain", folder, specs or ())
    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            context = RunContext(settings, folder, library, display, stop, parts)
            outcome = workflow.pretrain(context, resume=resume)
    _say(outcome, as_json)
    if outcome.interrupted:
        console.notice(f"Stopped and saved. Go on with: {go_on}")
        raise typer.Exit(INTERRUPTED)


def _check(settings: RunConfig) -> None:
    """See that it begins from nothing."""
    from newt_core.errors import ConfigError

    if settings.pretrained is not None:
        raise ConfigError(
            "pretraining begins with random weights: leave the setting 'pretrained' out, or go on "
            "by interaction with newt train --pretrained."
        )


def _say(outcome: Pretrained, as_json: bool) -> None:
    if as_json:
        console.write_json(
            {
                "run": str(outcome.run),
                "checkpoint": str(outcome.checkpoint),
                "steps": 0,
                "updates": outcome.updates,
                "score": outcome.scores.get("policy"),
                "scores": dict(outcome.scores),
                "curves": str(outcome.curves),
            }
        )
        return
    scores = ", ".join(f"{mode} {score:.3f}" for mode, score in outcome.scores.items())
    console.write(f"{outcome.updates:,} updates: {outcome.checkpoint}")
    console.write(f"scores: {scores or '-'}")
    console.notice(f"losses: {outcome.curves}")
