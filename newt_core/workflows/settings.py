"""From what a user asks for to a run: its settings, its folder, and the parts that were checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newt_core import arguments
from newt_core.demos.opened import OpenDemos
from newt_core.encoders.text.choose import Notice, short_name
from newt_core.envs.availability import runnable
from newt_core.errors import CheckpointError, ConfigError
from newt_core.files import write_text
from newt_core.specs import SpecLibrary, load_specs
from newt_core.specs.load import spec_files
from newt_core.training.config import RunConfig, with_absolute_paths
from newt_core.training.content import (
    INTERACTION,
    PRETRAINING,
    CheckpointContent,
    read_content,
)
from newt_core.training.resume import require_same_run, resumed_config
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_name import RUNS, check_name, run_label
from newt_core.workflows.agent_kinds import find_kind
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import RunContext
from newt_core.workflows.run_parts import RunParts
from newt_core.workflows.sizes import check_memory
from newt_core.workflows.take_weights import require_encoders


@dataclass(frozen=True)
class Checked:
    """Settings that can be run, and what was made to find that out."""

    settings: RunConfig
    library: SpecLibrary
    parts: RunParts
    label: str
    """What the run is about, for its name."""
    pretrained: CheckpointContent | None
    """The checkpoint that it begins with."""


def new_run(
    asked: Asked,
    *,
    specs: Sequence[Path] = (),
    name: str | None = None,
    runs: Path = RUNS,
    strict: bool = False,
    demos: Path | None = None,
    pretraining: bool = False,
    check: Callable[[RunConfig], None] = lambda settings: None,
    notice: Notice = lambda message: None,
) -> RunContext:
    """Check what was asked for, and only then make a folder.

    What was made for the checks is what the run then uses.

    Args:
        asked: The settings.
        specs: Folders of the user's own task specs. The run keeps a copy of their files.
        name: The run's; by default date and tasks.
        runs: The folder of all runs.
        strict: See :func:`check_settings`, as of the next four.
        demos: See there.
        pretraining: See there.
        check: See there.
        notice: See there.

    Raises:
        NewtError: Whatever the user can put right.
    """
    name, runs = _name(name), arguments.path("runs", runs)
    if name is not None:
        check_name(name, runs)
    checked = check_settings(
        asked,
        specs=specs,
        runs=runs,
        strict=strict,
        demos=demos,
        pretraining=pretraining,
        check=check,
        notice=notice,
    )
    folder = RunFolder.create(
        name,
        checked.settings.to_yaml(),
        label=checked.label,
        root=runs,
        specs=texts_of(specs),
    )
    return RunContext(checked.settings, folder, checked.library, made=checked.parts)


def check_settings(
    asked: Asked,
    *,
    specs: Sequence[Path] = (),
    runs: Path = RUNS,
    strict: bool = False,
    demos: Path | None = None,
    pretraining: bool = False,
    check: Callable[[RunConfig], None] = lambda settings: None,
    notice: Notice = lambda message: None,
) -> Checked:
    """Resolve what was asked for and find what is wrong with it; nothing is written.

    Args:
        asked: The settings.
        specs: Folders of the user's own task specs.
        runs: The folder of all runs, where there has to be room.
        strict: Leave out no task that cannot run here.
        demos: The folder of the demonstrations where nothing else says which.
        pretraining: Whether it learns from these alone, and never interacts.
        check: Raises for what else is wrong with the settings.
        notice: Told what was left out or taken over.

    Raises:
        NewtError: Whatever the user can put right.
    """
    arguments.instance("asked", asked, Asked, "newt_core has")
    specs = arguments.folders("specs", specs)
    demos = arguments.optional(arguments.path, "demos", demos)
    strict = arguments.truth("strict", strict)
    pretraining = arguments.truth("pretraining", pretraining)
    settings, library = with_absolute_paths(asked.settings()), load_specs(specs)
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    label = run_label(settings.tasks, asked.preset)
    # With what is left out spelled out, a resumed run trains the same tasks wherever it is.
    tasks = runnable(library, settings.tasks, strict=strict, notice=notice)
    changes: dict[str, Any] = {"tasks": tasks}
    if demos is not None and settings.demos.folder is None:
        changes["demos"] = settings.demos.model_copy(update={"folder": demos.resolve()})
    settings = settings.model_copy(update=changes)
    pretrained, files = None, None
    if settings.pretrained is not None:
        pretrained = read_content(settings.pretrained)
        theirs, ours = pretrained.run.agent_kind, settings.agent.kind
        if theirs != ours and find_kind(ours).capabilities.begins_with_weights:
            raise CheckpointError(
                f"{settings.pretrained} is an agent '{theirs}', and this run is of '{ours}': name "
                f"a checkpoint of '{ours}', or begin without one."
            )
        said = replace(asked, preset=None).settings()
        settings, files = _continued(settings, said, pretrained, library, notice)
    check(settings)
    parts = RunParts(settings, library.select(settings.tasks), files=files, notice=notice)
    parts.check(runs, online=not pretraining)
    if settings.text.encoder == "auto":  # Decided for good, now that it was found.
        chosen = short_name(parts.texts.encoder)
        decided = settings.text.model_copy(update={"encoder": chosen})
        parts.config = settings = settings.model_copy(update={"text": decided})
    if pretrained is not None:
        require_encoders(pretrained, parts.texts.encoder, parts.image_encoder)
    return Checked(settings, library, parts, label, pretrained)


def existing_run(
    asked: Asked,
    *,
    specs: Sequence[Path] = (),
    name: str | None = None,
    runs: Path = RUNS,
    pretraining: bool = False,
) -> RunContext:
    """Find a run, and note the settings that change from here on; if it can go on at all.

    Args:
        asked: What changes; a run that goes on has settings of its own.
        specs: Folders of the user's own task specs, instead of those that the run has kept.
        name: The run's; by default the newest.
        runs: The folder of all runs.
        pretraining: Whether it is a run of ``newt pretrain``.

    Raises:
        ConfigError: A setting is wrong, or cannot change in a run that has begun.
        CheckpointError: None of its checkpoints can be read, or another command made it.
        RunFolderError: There is no such run, or another process is at work in it.
    """
    arguments.instance("asked", asked, Asked, "newt_core has")
    name, runs = _name(name), arguments.path("runs", runs)
    specs = arguments.folders("specs", specs)
    pretraining = arguments.truth("pretraining", pretraining)
    if name is None:
        folder = RunFolder.newest(root=runs)
    else:
        folder = RunFolder.open(name, root=runs, advice="Leave --resume out to start one.")
    kept = [folder.specs] if folder.specs.is_dir() else []
    library = load_specs(specs or kept)
    flags = dict(asked.flags)
    if flags.get("text_encoder") == "auto":  # What it was is already decided.
        del flags["text_encoder"]
    with folder.lock():
        settings = resumed_config(folder, asked.overrides, pretraining=pretraining, **flags)
        parts = RunParts(settings, library.select(settings.tasks))
        if not settings.replay.on_disk:
            check_memory(settings, parts.specs)
        phase = PRETRAINING if pretraining else INTERACTION
        found = parts.check_resume_point(folder, phase)
        if found is not None:
            require_same_run(folder, found.run.config, phase)
        write_text(folder.config_file, settings.to_yaml())
    return RunContext(settings, folder, library, made=parts)


def _name(name: Any) -> str | None:
    """Return a run's name as a text; folders of runs name them, too."""
    return None if name is None else str(arguments.path("name", name))


def texts_of(folders: Sequence[Path]) -> dict[str, str]:
    """Return the files of task specs in some folders, under names of which no two are alike."""
    return {
        f"{number}-{path.name}": path.read_text(encoding="utf-8")
        for number, folder in enumerate(folders)
        for path in spec_files(folder)
    }


def _continued(
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
            "agent of states can begin to see, with --obs both."
        )
    return changes | {"model": wanted}
