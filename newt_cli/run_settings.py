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
    from newt_core.demos.opened import OpenDemos
    from newt_core.specs import SpecLibrary
    from newt_core.training.config import RunConfig
    from newt_core.training.run_folder import RunFolder
    from newt_core.workflows.run_parts import RunParts


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
) -> tuple[RunConfig, RunFolder, RunParts]:
    """Check what the user said, and only then make a folder.

    ``demos`` is the folder of the demonstrations where nothing else says which; ``check`` raises
    for what else is wrong with the settings. What was made for the checks is what the run then
    uses.
    """
    from newt_core.encoders.text.choose import short_name
    from newt_core.errors import ConfigError
    from newt_core.training.checkpoint import load_checkpoint
    from newt_core.training.config import resolve_config
    from newt_core.training.run_folder import RunFolder, run_label
    from newt_core.workflows.run_parts import RunParts
    from newt_core.workflows.take_weights import require_encoders

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
    origin = Path(settings.pretrained) if settings.pretrained is not None else None
    pretrained = load_checkpoint(origin) if origin is not None else {}
    files = None
    if origin is not None:
        asked = resolve_config(None, config, overrides, **flags)
        settings, files = _continued(settings, asked, origin, pretrained, library)
    check(settings)
    specs = library.select(settings.tasks)
    parts = RunParts(settings, specs, files=files, notice=console.notice)
    parts.check()
    if settings.text_encoder == "auto":  # Decided for good, now that it was found.
        chosen = short_name(parts.texts.encoder)
        parts.config = settings = settings.model_copy(update={"text_encoder": chosen})
    if origin is not None:
        require_encoders(pretrained, origin, parts.texts.encoder, parts.image_encoder)
    folder = RunFolder.create(name, settings.to_yaml(), label=label, root=runs_dir)
    return settings, folder, parts


def _continued(
    settings: RunConfig,
    asked: RunConfig,
    checkpoint: Path,
    payload: Mapping[str, Any],
    library: SpecLibrary,
) -> tuple[RunConfig, OpenDemos | None]:
    """Take over from a pretrained checkpoint what the user did not ask for himself.

    That is the model's size, what it sees, the text encoder, and the demonstrations that it
    learned from. Returns the files of these, too, if they had to be opened.
    """
    from newt_core.demos.opened import OpenDemos
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
    theirs, files = Path(learned.demos), None
    if learned.demos and "demos" not in asked.model_fields_set and theirs.is_dir():
        if changes["model"].feature_stack:
            files = OpenDemos(theirs, library.select(settings.tasks))
        if files is not None and files.without_pictures():
            files.close()
            files = None
            console.notice("going on without demonstrations: they hold no pictures")
        else:
            changes["demos"] = learned.demos
            console.notice(f"going on with the demonstrations in {theirs}; --set demos= ends that")
    return settings.model_copy(update=changes), files


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
    if learned.model.feature_stack:
        for name in {"obs", "frame_stack"} - asked.model.model_fields_set:
            model[name] = getattr(learned.model, name)
        for name in {"image_encoder", "image_weights"} - asked.model_fields_set:
            changes[name] = getattr(learned, name)
    wanted = settings.model.model_copy(update=model)
    begins_to_see = (learned.model.obs, wanted.obs) == ("state", "both")
    if not begins_to_see and (learned.model.obs, learned.model.feature_stack) != (
        wanted.obs,
        wanted.feature_stack,
    ):
        raise ConfigError(
            f"{checkpoint} was trained with --obs {learned.model.obs} and "
            f"model.frame_stack={learned.model.frame_stack}: leave both as they are. Only an "
            "agent of states can begin to see, with --obs both."
        )
    return changes | {"model": wanted}


def existing_run(
    name: str | None,
    preset: str | None,
    config: Path | None,
    overrides: Sequence[str],
    flags: dict[str, Any],
    runs_dir: Path,
    *,
    pretraining: bool = False,
) -> tuple[RunConfig, RunFolder]:
    """Find the run, and note the settings that change from here on.

    ``pretraining`` says that the run is one of ``newt pretrain``.

    Raises:
        ConfigError: a setting is wrong, or cannot change in a run that has begun.
        RunFolderError: there is no such run, or another process is at work in it. Its settings
            are as they were.
    """
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
    with folder.lock():
        settings = resumed_config(folder, overrides, pretraining=pretraining, **flags)
        write_text(folder.config_file, settings.to_yaml())
    return settings, folder


def resume_command(command: str, folder: RunFolder, specs: Sequence[Path]) -> str:
    """Return what to type to go on with a run that was stopped."""
    parts = ["newt", command, "--run", str(folder.path), "--resume"]
    for extra in specs:
        parts += ["--specs", str(extra)]
    return shlex.join(parts)
