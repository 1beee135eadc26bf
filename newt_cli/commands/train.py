"""``newt train``: learn tasks by interaction, after demonstrations where there are some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.run_settings import existing_run, new_run, resume_command

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary
    from newt_core.training.config import RunConfig
    from newt_core.training.run_folder import RunFolder
    from newt_core.workflows.run_parts import RunParts

app = typer.Typer(add_completion=False)


@app.command()
def train(
    tasks: options.MaybeTasks = None,
    demos: options.Demos = None,
    steps: Annotated[
        int | None, typer.Option(help="Agent steps, summed over all tasks and environments.")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="What learns: newt, or an agent that a package adds."),
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
            "--set", metavar="KEY=VALUE", help="One setting, such as planner.horizon=5; repeatable."
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
    strict: options.Strict = False,
    obs: options.Obs = None,
    text_encoder: options.TextEncoder = None,
    text_weights: options.TextWeights = None,
    instruction: options.Instruction = None,
    embodiment: options.Embodiment = None,
    image_encoder: options.ImageEncoder = None,
    image_weights: options.ImageWeights = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(
            metavar="CKPT",
            help="Begin with these weights. An agent of states can begin to see: --obs both.",
        ),
    ] = None,
    envs_per_task: Annotated[int | None, typer.Option(help="Environments of each task.")] = None,
    save_replay: Annotated[
        bool | None,
        typer.Option(
            "--save-replay/--no-save-replay", help="Whether a resumed run finds its replay again."
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Train one agent on one or many tasks.

    \b
    newt train --tasks cartpole-balance --preset cpu --run balance
    newt train --tasks 'cheetah-*' --preset cpu --seed 1
    newt train --tasks walker-run --preset smoke --set planner.horizon=2
    newt train --tasks pygame-pong --preset cpu --obs both
    newt train --tasks pygame-pong --preset cpu --obs both --pretrained last.pt
    newt train --tasks pygame-cowboy --preset cpu --demos demos
    newt train --tasks pygame-cowboy --preset cpu --pretrained last.pt
    newt train --task pygame-pong --pretrained last.pt --instruction "Win."
    newt train --run balance --resume

    With --demos, the agent first learns from demonstrations alone, in the folder pretraining of its
    run; --pretrained begins with what 'newt pretrain' has made. Their four uses can be left out one
    by one: --set demo_use.pretraining=false, demo_use.constrained_planning=false,
    demo_use.batch_share=0, demo_use.cloning=false (and demo_use.seeding=false).

    Options win over --set, --set over --config, --config over --preset.
    Ctrl-C and SIGTERM save the run and say how to go on with it.
    """
    from newt_core.specs import load_specs

    flags = {
        "tasks": tasks,
        "demos": str(demos) if demos is not None else None,
        "steps": steps,
        "agent": agent,
        "size": size,
        "seed": seed,
        "device": device,
        "obs": obs,
        "text_encoder": text_encoder,
        "text_weights": str(text_weights) if text_weights is not None else None,
        "instruction": instruction,
        "embodiment": embodiment,
        "image_encoder": image_encoder,
        "image_weights": str(image_weights) if image_weights is not None else None,
        "pretrained": str(pretrained) if pretrained is not None else None,
        "envs_per_task": envs_per_task,
        "save_replay": save_replay,
    }
    library = load_specs(specs or ())
    parts = None
    if resume:
        settings, folder = existing_run(run, preset, config, set_ or (), flags, runs_dir)
    else:
        settings, folder, parts = new_run(
            run, preset, config, set_ or (), flags, library, runs_dir, strict=strict
        )
    go_on = resume_command("train", folder, specs or ())
    _train(settings, folder, library, parts, resume=resume, as_json=as_json, go_on=go_on)


def _train(
    settings: RunConfig,
    folder: RunFolder,
    library: SpecLibrary,
    parts: RunParts | None,
    *,
    resume: bool,
    as_json: bool,
    go_on: str,
) -> None:
    """Train, showing how it goes, and print the result; ``go_on`` is the command to resume."""
    from newt_core.workflows import train as workflow
    from newt_core.workflows.context import RunContext

    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            context = RunContext(settings, folder, library, display, stop, parts)
            result = workflow.train(context, resume=resume)
    if as_json:
        console.write_json(
            {
                "run": str(result.run),
                "checkpoint": str(result.checkpoint),
                "steps": result.steps,
                "score": result.score,
            }
        )
    else:
        console.write(
            f"{result.steps:,} steps, score {console.number(result.score, 3)}: {result.checkpoint}"
        )
    if result.interrupted:
        console.notice(f"Stopped and saved. Go on with: {go_on}")
        raise typer.Exit(INTERRUPTED)
