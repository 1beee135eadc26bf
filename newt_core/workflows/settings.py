"""From what a user asks for to a run: its settings, its folder, and the parts that were checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from newt_core.demos.opened import OpenDemos
from newt_core.encoders.text.choose import Notice, short_name
from newt_core.envs.availability import runnable
from newt_core.errors import CheckpointError, ConfigError
from newt_core.files import write_text
from newt_core.specs import SpecLibrary
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig
from newt_core.training.resume import resumed_config
from newt_core.training.run_folder import RUNS, RunFolder, run_label
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import RunContext
from newt_core.workflows.run_parts import RunParts
from newt_core.workflows.take_weights import require_encoders


def new_run(
    asked: Asked,
    library: SpecLibrary,
    *,
    name: str | None = None,
    runs: Path = RUNS,
    strict: bool = False,
    demos: str = "",
    check: Callable[[RunConfig], None] = lambda settings: None,
    notice: Notice = lambda message: None,
) -> RunContext:
    """Check what was asked for, and only then make a folder.

    What was made for the checks is what the run then uses.

    Args:
        asked: The settings.
        library: Where tasks are looked up.
        name: The run's; by default date and tasks.
        runs: The folder of all runs.
        strict: Leave out no task that cannot run here.
        demos: The folder of the demonstrations where nothing else says which.
        check: Raises for what else is wrong with the settings.
        notice: Told what was left out or taken over.

    Raises:
        NewtError: Whatever the user can put right.
    """
    settings = asked.settings()
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    label = run_label(settings.tasks, asked.preset)
    # With what is left out spelled out, a resumed run trains the same tasks wherever it is.
    tasks = runnable(library, settings.tasks, strict=strict, notice=notice)
    settings = settings.model_copy(update={"tasks": tasks, "demos": settings.demos or demos})
    origin = Path(settings.pretrained) if settings.pretrained is not None else None
    pretrained = load_checkpoint(origin) if origin is not None else {}
    files = None
    if origin is not None:
        said = replace(asked, preset=None).settings()
        settings, files = _continued(settings, said, origin, pretrained, library, notice)
    check(settings)
    parts = RunParts(settings, library.select(settings.tasks), files=files, notice=notice)
    parts.check()
    if settings.text_encoder == "auto":  # Decided for good, now that it was found.
        chosen = short_name(parts.texts.encoder)
        parts.config = settings = settings.model_copy(update={"text_encoder": chosen})
    if origin is not None:
        require_encoders(pretrained, origin, parts.texts.encoder, parts.image_encoder)
    folder = RunFolder.create(name, settings.to_yaml(), label=label, root=runs)
    return RunContext(settings, folder, library, made=parts)


def existing_run(
    asked: Asked,
    library: SpecLibrary,
    *,
    name: str | None = None,
    runs: Path = RUNS,
    pretraining: bool = False,
) -> RunContext:
    """Find a run, and note the settings that change from here on.

    Args:
        asked: What changes; a run that goes on has settings of its own.
        library: Where tasks are looked up.
        name: The run's; by default the newest.
        runs: The folder of all runs.
        pretraining: Whether it is a run of ``newt pretrain``.

    Raises:
        ConfigError: A setting is wrong, or cannot change in a run that has begun.
        RunFolderError: There is no such run, or another process is at work in it. Its settings
            are as they were.
    """
    if name is None:
        folder = RunFolder.newest(root=runs)
    else:
        folder = RunFolder.open(name, root=runs, advice="Leave --resume out to start one.")
    flags = dict(asked.flags)
    if flags.get("text_encoder") == "auto":  # What it was is already decided.
        del flags["text_encoder"]
    with folder.lock():
        settings = resumed_config(folder, asked.overrides, pretraining=pretraining, **flags)
        write_text(folder.config_file, settings.to_yaml())
    return RunContext(settings, folder, library)


def _continued(
    settings: RunConfig,
    asked: RunConfig,
    checkpoint: Path,
    payload: Mapping[str, Any],
    library: SpecLibrary,
    notice: Notice,
) -> tuple[RunConfig, OpenDemos | None]:
    """Take over from a pretrained checkpoint what the user did not ask for himself.

    That is the model's size, what it sees, the text encoder, and the demonstrations that it
    learned from. Returns the files of these, too, if they had to be opened.
    """
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
            notice("going on without demonstrations: they hold no pictures")
        else:
            changes["demos"] = learned.demos
            notice(f"going on with the demonstrations in {theirs}; --set demos= ends that")
    return settings.model_copy(update=changes), files


def _seeing_as_before(
    settings: RunConfig, asked: RunConfig, learned: RunConfig, checkpoint: Path
) -> dict[str, Any]:
    """The model that goes on with a checkpoint's weights, and the encoder of its pictures.

    Raises:
        ConfigError: the user wants it to see what it cannot begin to see.
    """
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
