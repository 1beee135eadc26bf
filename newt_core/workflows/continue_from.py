"""What a run takes over from the checkpoint that it begins with, where its user says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from newt_core.demos.opened import OpenDemos
from newt_core.encoders.text.choose import Notice
from newt_core.errors import ConfigError
from newt_core.specs import SpecLibrary
from newt_core.training.config import RunConfig, with_absolute_paths
from newt_core.training.content import (
    CheckpointContent,
)


def continued(
    settings: RunConfig,
    asked: RunConfig,
    pretrained: CheckpointContent,
    library: SpecLibrary,
    notice: Notice,
) -> tuple[RunConfig, OpenDemos | None]:
    """Take over from a pretrained checkpoint what the user did not ask for himself.

    That is the model's size, what it sees, the text encoder, and the demonstrations that it
    learned from. Returns the files of these, too, if they had to be opened.
    """
    learned, checkpoint = pretrained.run.config, pretrained.path
    if "size" in asked.model.model_fields_set and asked.model.size != learned.model.size:
        raise ConfigError(
            f"{checkpoint} is a {learned.model.size} model and stays one: leave the size "
            f"{asked.model.size} out, or begin without it."
        )
    changes = _seeing_as_before(settings, asked, learned, checkpoint)
    if settings.text.encoder == "auto" and settings.text.weights is None:
        same = {"encoder": pretrained.run.text_encoder, "weights": learned.text.weights}
        changes["text"] = settings.text.model_copy(update=same)
    theirs, files = with_absolute_paths(learned).demos.folder, None
    if theirs is not None and "folder" not in asked.demos.model_fields_set and theirs.is_dir():
        if changes["model"].feature_stack:
            files = OpenDemos(theirs, library.select(settings.tasks))
        if files is not None and files.without_pictures():
            files.close()
            files = None
            notice("going on without demonstrations: they hold no pictures")
        else:
            changes["demos"] = settings.demos.model_copy(update={"folder": theirs})
            notice(f"going on with the demonstrations in {theirs}; --set demos.folder= ends that")
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
        names = {"encoder", "weights"} - asked.images.model_fields_set
        same = {name: getattr(learned.images, name) for name in names}
        changes["images"] = settings.images.model_copy(update=same)
    wanted = settings.model.model_copy(update=model)
    begins_to_see = (learned.model.obs, wanted.obs) == ("state", "both")
    if not begins_to_see and (learned.model.obs, learned.model.feature_stack) != (
        wanted.obs,
        wanted.feature_stack,
    ):
        raise ConfigError(
            f"{checkpoint} was trained with --obs {learned.model.obs} and "
            f"model.frame_stack={learned.model.frame_stack}: leave both as they are. Only an "
            "agent trained on states can be given visual observations, too, with --obs both."
        )
    return changes | {"model": wanted}
