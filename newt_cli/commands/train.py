"""``newt train``: learn tasks online, from scratch."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.selection import runnable

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary, TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.training.run_folder import RunFolder

app = typer.Typer(add_completion=False)


@app.command()
def train(
    tasks: options.MaybeTasks = None,
    steps: Annotated[
        int | None, typer.Option(help="Agent steps, summed over all tasks and environments.")
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
    text_encoder: options.TextEncoder = None,
    text_weights: options.TextWeights = None,
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
    newt train --run balance --resume

    Options win over --set, --set over --config, --config over --preset.
    Ctrl-C and SIGTERM save the run and say how to go on with it.
    """
    from newt_core.specs import load_specs

    flags = {
        "tasks": tasks,
        "steps": steps,
        "size": size,
        "seed": seed,
        "device": device,
        "text_encoder": text_encoder,
        "text_weights": str(text_weights) if text_weights is not None else None,
        "envs_per_task": envs_per_task,
        "save_replay": save_replay,
    }
    library = load_specs(specs or ())
    if resume:
        if preset is not None or config is not None:
            raise typer.BadParameter(
                "a run goes on with its own settings; leave --preset and --config out",
                param_hint="'--resume'",
            )
        settings, folder = _existing_run(run, set_ or (), flags, runs_dir)
    else:
        settings, folder = _new_run(
            run, preset, config, set_ or (), flags, library, runs_dir, strict=strict
        )
    go_on = ["newt", "train", "--run", str(folder.path), "--resume"]
    for extra in specs or ():
        go_on += ["--specs", str(extra)]
    _train(settings, folder, library, resume=resume, as_json=as_json, go_on=shlex.join(go_on))


def _new_run(
    name: str | None,
    preset: str | None,
    config: Path | None,
    overrides: Sequence[str],
    flags: dict[str, Any],
    library: SpecLibrary,
    runs_dir: Path,
    *,
    strict: bool,
) -> tuple[RunConfig, RunFolder]:
    """Check what the user said, and only then make a folder."""
    from newt_core.agents.newt.setup import choose_device
    from newt_core.errors import ConfigError
    from newt_core.training.config import resolve_config
    from newt_core.training.run_folder import RunFolder, run_label

    settings = resolve_config(preset, config, overrides, **flags)
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    label = run_label(settings.tasks, preset)
    # With what is left out spelled out, a resumed run trains the same tasks wherever it is.
    settings = settings.model_copy(
        update={"tasks": runnable(library, settings.tasks, strict=strict)}
    )
    choose_device(settings.device)
    settings = _with_text_encoder(settings, library.select(settings.tasks))
    return settings, RunFolder.create(name, settings.to_yaml(), label=label, root=runs_dir)


def _with_text_encoder(settings: RunConfig, tasks: Sequence[TaskSpec]) -> RunConfig:
    """Decide what ``auto`` is, for good, and see that the encoder can embed the tasks."""
    from newt_core.encoders import choose_text_encoder, make_text_encoder

    if settings.text_encoder == "auto" and settings.text_weights is None:
        chosen = choose_text_encoder(console.notice)
        settings = settings.model_copy(update={"text_encoder": chosen})
    weights = Path(settings.text_weights) if settings.text_weights is not None else None
    make_text_encoder(settings.text_encoder, weights).encode_tasks(tasks)
    return settings


def _existing_run(
    name: str | None, overrides: Sequence[str], flags: dict[str, Any], runs_dir: Path
) -> tuple[RunConfig, RunFolder]:
    """Find the run, and note the settings that change from here on."""
    from newt_core.files import write_text
    from newt_core.training.resume import resumed_config
    from newt_core.training.run_folder import RunFolder

    if name is None:
        folder = RunFolder.newest(root=runs_dir)
    else:
        folder = RunFolder.open(name, root=runs_dir)
    if flags["text_encoder"] == "auto":  # what it was is already decided
        flags = flags | {"text_encoder": None}
    settings = resumed_config(folder, overrides, **flags)
    with folder.lock():
        write_text(folder.config_file, settings.to_yaml())
    return settings, folder


def _train(
    settings: RunConfig,
    folder: RunFolder,
    library: SpecLibrary,
    *,
    resume: bool,
    as_json: bool,
    go_on: str,
) -> None:
    """Train, showing how it goes, and print the result; ``go_on`` is the command to resume."""
    from newt_core import build

    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            result = build.train(
                settings,
                folder,
                specs=library,
                resume=resume,
                progress=display,
                should_stop=stop,
            )
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
