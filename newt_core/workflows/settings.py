"""From what a user asks for to a run: its settings, its folder, and the parts that were checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from newt_core.agents.newt.setup import choose_device
from newt_core.demos.opened import OpenDemos
from newt_core.encoders.text.choose import Notice, short_name
from newt_core.envs.availability import runnable
from newt_core.errors import CheckpointError, ConfigError
from newt_core.files import write_text
from newt_core.specs import SpecLibrary, TaskSpec, load_specs
from newt_core.specs.load import spec_files
from newt_core.training.config import RunConfig, with_absolute_paths
from newt_core.training.content import (
    INTERACTION,
    PRETRAINING,
    CheckpointContent,
    read_content,
)
from newt_core.training.resume import resumed_config
from newt_core.training.run_folder import RUNS, RunFolder, run_label
from newt_core.workflows.agent_kinds import find_kind
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import RunContext
from newt_core.workflows.run_parts import RunParts
from newt_core.workflows.take_weights import require_encoders


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
    measure: Callable[[RunConfig, Sequence[TaskSpec]], None] = lambda settings, tasks: None,
    notice: Notice = lambda message: None,
) -> RunContext:
    """Check what was asked for, and only then make a folder.

    What was made for the checks is what the run then uses.

    Args:
        asked: The settings.
        specs: Folders of the user's own task specs. The run keeps a copy of their files.
        name: The run's; by default date and tasks.
        runs: The folder of all runs.
        strict: Leave out no task that cannot run here.
        demos: The folder of the demonstrations where nothing else says which.
        pretraining: Whether it learns from these alone, and never interacts.
        check: Raises for what else is wrong with the settings.
        measure: Called once all else is found to be right, before the folder is made.
        notice: Told what was left out or taken over.

    Raises:
        NewtError: Whatever the user can put right.
    """
    settings, library = asked.settings(), load_specs(specs)
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    RunFolder.require_new(name, runs)
    by_machine = asked.preset is None and asked.config_file is None
    if by_machine:
        asked = replace(asked, preset=preset_for_machine(settings))
        settings = asked.settings()
    settings = with_absolute_paths(settings)
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
                f"a checkpoint of '{ours}', or leave --pretrained out."
            )
        said = replace(asked, preset=None).settings()
        settings, files = _continued(settings, said, pretrained, library, notice)
    check(settings)
    parts = RunParts(settings, library.select(settings.tasks), files=files, notice=notice)
    parts.check(online=not pretraining)
    if settings.text.encoder == "auto":  # Decided for good, now that it was found.
        chosen = short_name(parts.texts.encoder)
        decided = settings.text.model_copy(update={"encoder": chosen})
        parts.config = settings = settings.model_copy(update={"text": decided})
    if pretrained is not None:
        require_encoders(pretrained, parts.texts.encoder, parts.image_encoder)
    if by_machine:
        where = "on" if asked.preset == "paper" else "without"
        notice(f"preset {asked.preset}: the run is {where} a CUDA GPU. --preset names another.")
    measure(settings, parts.specs)
    folder = RunFolder.create(
        name, settings.to_yaml(), label=label, root=runs, specs=_texts_of(specs)
    )
    return RunContext(settings, folder, library, made=parts)


def preset_for_machine(settings: RunConfig) -> str:
    """Choose the preset of a run whose user names none: the paper's needs a CUDA GPU."""
    return "paper" if choose_device(settings.device).type == "cuda" else "cpu"


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
        parts.check_resume_point(folder, PRETRAINING if pretraining else INTERACTION)
        write_text(folder.config_file, settings.to_yaml())
    return RunContext(settings, folder, library, made=parts)


def _texts_of(folders: Sequence[Path]) -> dict[str, str]:
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
            f"{asked.model.size} out, or begin without --pretrained."
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
