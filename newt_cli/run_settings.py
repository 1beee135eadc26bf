"""Run folders for the commands that learn: a new one, or one to go on with."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from newt_cli import console
from newt_cli.selection import runnable

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary, TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.training.run_folder import RunFolder


def new_run(
    name: str | None,
    preset: str | None,
    config: Path | None,
    overrides: Sequence[str],
    flags: dict[str, Any],
    library: SpecLibrary,
    runs_dir: Path,
    *,
    strict: bool,
    demos: str = "",
    check: Callable[[RunConfig], None] = lambda settings: None,
) -> tuple[RunConfig, RunFolder]:
    """Check what the user said, and only then make a folder.

    ``demos`` is the folder of the demonstrations where nothing else says which; ``check`` raises
    for what else is wrong with the settings.
    """
    from newt_core.agents.newt.setup import choose_device
    from newt_core.errors import ConfigError
    from newt_core.restore import image_encoder, require_encoders
    from newt_core.training.checkpoint import load_checkpoint
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
        update={
            "tasks": runnable(library, settings.tasks, strict=strict),
            "demos": settings.demos or demos,
        }
    )
    device = choose_device(settings.device)
    origin = Path(settings.pretrained) if settings.pretrained is not None else None
    pretrained = load_checkpoint(origin) if origin is not None else {}
    if origin is not None:
        asked = resolve_config(None, config, overrides, **flags)
        settings = _continued(settings, asked, origin, pretrained, library)
    check(settings)
    sight = image_encoder(settings, device)  # Raises now what is wrong with its weights.
    settings, texts = _with_text_encoder(settings, library.select(settings.tasks))
    if origin is not None:
        require_encoders(pretrained, origin, texts, sight)
    return settings, RunFolder.create(name, settings.to_yaml(), label=label, root=runs_dir)


def _continued(
    settings: RunConfig,
    asked: RunConfig,
    checkpoint: Path,
    payload: Mapping[str, Any],
    library: SpecLibrary,
) -> RunConfig:
    """Take over from a pretrained checkpoint what the user did not ask for himself.

    That is the model's size, what it sees, the text encoder, and the demonstrations that it
    learned from.
    """
    from newt_core.demos.sight import files_without_pictures
    from newt_core.errors import CheckpointError, ConfigError
    from newt_core.training.config import RunConfig

    try:
        learned = RunConfig.model_validate(payload["config"])
        texts = payload["text_encoder"]
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{checkpoint}: incomplete: its settings are missing.") from error
    if "size" in asked.model.model_fields_set and asked.model.size != learned.model.size:
        raise ConfigError(
            f"{checkpoint} is a {learned.model.size} model and stays one: leave the size "
            f"{asked.model.size} out, or begin without --pretrained."
        )
    changes = _seeing_as_before(settings, asked, learned, checkpoint)
    if settings.text_encoder == "auto" and settings.text_weights is None:
        changes |= {"text_encoder": texts, "text_weights": learned.text_weights}
    theirs = Path(learned.demos)
    if learned.demos and "demos" not in asked.model_fields_set and theirs.is_dir():
        sees = changes["model"].images > 0
        if sees and files_without_pictures(theirs, library.select(settings.tasks)):
            console.notice("going on without demonstrations: they hold no pictures")
        else:
            changes["demos"] = learned.demos
            console.notice(f"going on with the demonstrations in {theirs}; --set demos= ends that")
    return settings.model_copy(update=changes)


def _seeing_as_before(
    settings: RunConfig, asked: RunConfig, learned: RunConfig, checkpoint: Path
) -> dict[str, Any]:
    """The model that goes on with a checkpoint's weights, and the encoder of its pictures.

    Raises:
        ConfigError: the user wants it to see what it cannot begin to see.
    """
    from newt_core.errors import ConfigError

    model: dict[str, Any] = {"size": learned.model.size}
    changes: dict[str, Any] = {}
    if learned.model.images:
        for name in {"obs", "frame_stack"} - asked.model.model_fields_set:
            model[name] = getattr(learned.model, name)
        for name in {"image_encoder", "image_weights"} - asked.model_fields_set:
            changes[name] = getattr(learned, name)
    wanted = settings.model.model_copy(update=model)
    begins_to_see = (learned.model.obs, wanted.obs) == ("state", "both")
    if not begins_to_see and (learned.model.obs, learned.model.images) != (
        wanted.obs,
        wanted.images,
    ):
        raise ConfigError(
            f"{checkpoint} was trained with --obs {learned.model.obs} and "
            f"model.frame_stack={learned.model.frame_stack}: leave both as they are. Only an "
            "agent of states can begin to see, with --obs both."
        )
    return changes | {"model": wanted}


def require_usable_demos(settings: RunConfig, library: SpecLibrary) -> None:
    """See that the run's demonstrations, if it has any, are there and are what it can use.

    Raises:
        DemoError: none of the tasks has any, or the agent sees and a task's hold no pictures.
    """
    from newt_core.demos.folder import require_demos
    from newt_core.demos.sight import REMEDY, files_without_pictures
    from newt_core.errors import DemoError

    if not settings.demos:
        return
    folder, tasks = Path(settings.demos), library.select(settings.tasks)
    require_demos(folder, tasks)
    blind = files_without_pictures(folder, tasks) if settings.model.images else []
    if blind:
        raise DemoError(f"{blind[0]} holds no pictures. {REMEDY}")


def _with_text_encoder(settings: RunConfig, tasks: Sequence[TaskSpec]) -> tuple[RunConfig, str]:
    """Decide what ``auto`` is, for good, and see that the encoder can embed the tasks.

    Returns the settings and the encoder's recorded name.
    """
    from newt_core.encoders import choose_text_encoder, make_text_encoder

    if settings.text_encoder == "auto" and settings.text_weights is None:
        chosen = choose_text_encoder(console.notice)
        settings = settings.model_copy(update={"text_encoder": chosen})
    weights = Path(settings.text_weights) if settings.text_weights is not None else None
    encoder = make_text_encoder(settings.text_encoder, weights)
    encoder.encode_worded(tasks, settings.wording)
    return settings, encoder.name


def existing_run(
    name: str | None,
    preset: str | None,
    config: Path | None,
    overrides: Sequence[str],
    flags: dict[str, Any],
    runs_dir: Path,
) -> tuple[RunConfig, RunFolder]:
    """Find the run, and note the settings that change from here on."""
    if preset is not None or config is not None:
        raise typer.BadParameter(
            "a run goes on with its own settings; leave --preset and --config out",
            param_hint="'--resume'",
        )
    from newt_core.files import write_text
    from newt_core.training.resume import resumed_config
    from newt_core.training.run_folder import RunFolder

    if name is None:
        folder = RunFolder.newest(root=runs_dir)
    else:
        folder = RunFolder.open(name, root=runs_dir, advice="Leave --resume out to start one.")
    if flags["text_encoder"] == "auto":  # what it was is already decided
        flags = flags | {"text_encoder": None}
    settings = resumed_config(folder, overrides, **flags)
    with folder.lock():
        write_text(folder.config_file, settings.to_yaml())
    return settings, folder


def resume_command(command: str, folder: RunFolder, specs: Sequence[Path]) -> str:
    """Return what to type to go on with a run that was stopped."""
    parts = ["newt", command, "--run", str(folder.path), "--resume"]
    for extra in specs:
        parts += ["--specs", str(extra)]
    return shlex.join(parts)
