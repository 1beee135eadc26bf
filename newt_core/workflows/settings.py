"""From what a user asks for to a run: its settings, its folder, and the parts that were checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newt_core import arguments
from newt_core.agents.newt.setup import choose_device
from newt_core.encoders.text.choose import Notice, short_name
from newt_core.envs.availability import runnable
from newt_core.envs.pool import usual_workers
from newt_core.errors import CheckpointError, ConfigError, RunFolderError
from newt_core.files import write_text
from newt_core.specs import SpecLibrary, TaskSpec, load_specs
from newt_core.specs.load import spec_files
from newt_core.training.config import RunConfig, with_absolute_paths
from newt_core.training.config_layers import preset_names
from newt_core.training.content import (
    INTERACTION,
    PRETRAINING,
    CheckpointContent,
    read_content,
)
from newt_core.training.resume import require_same_run, resumed_config, run_settings
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_name import RUNS, check_name, run_label
from newt_core.workflows.able import require_begins_with_weights, require_read
from newt_core.workflows.agent_kinds import find_kind, own_options
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import RunContext
from newt_core.workflows.continue_from import continued
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
        strict: See :func:`check_settings`, as of the next three.
        demos: See there.
        pretraining: See there.
        check: See there.
        measure: Called once all else is found to be right, before the folder is made.
        notice: See :func:`check_settings`.

    Raises:
        NewtError: Whatever the user can put right.
    """
    name, runs = _name(name), arguments.path("runs", runs)
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
    measure(checked.settings, checked.parts.specs)
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
    usual_workers()  # Wrong, it would otherwise be noticed when the run has a folder.
    settings, library = asked.settings(), load_specs(specs)
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    by_machine = asked.preset is None and asked.config_file is None
    asked = for_machine(asked)
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
    able = find_kind(settings.agent.kind).capabilities
    require_read(able, settings.agent.kind, asked.overrides)
    if settings.pretrained is not None:
        require_begins_with_weights(able, settings.agent.kind)
        pretrained = read_content(settings.pretrained)
        theirs, ours = pretrained.run.agent_kind, settings.agent.kind
        if theirs != ours:
            raise CheckpointError(
                f"{settings.pretrained} is an agent '{theirs}', and this run is of '{ours}': name "
                f"a checkpoint of '{ours}'."
            )
        said = replace(asked, preset=None).settings()
        settings, files = continued(settings, said, pretrained, library, notice)
    check(settings)
    if asked.flags.get("size") and not able.has_sizes:
        raise ConfigError(
            f"an agent '{settings.agent.kind}' does not come in sizes: leave --size out."
        )
    parts = RunParts(settings, library.select(settings.tasks), files=files, notice=notice)
    parts.check(runs, online=not pretraining)
    asked_for, chosen = settings.text.encoder, short_name(parts.texts.encoder)
    unread = not parts.kind.capabilities.reads_text and asked_for != chosen
    if asked_for == "auto" or unread:  # Decided for good, now that it was found.
        if asked_for != "auto":
            notice(f"an agent '{settings.agent.kind}' reads no text: the text encoder is {chosen}")
        decided = settings.text.model_copy(update={"encoder": chosen, "weights": None})
        parts.config = settings = settings.model_copy(update={"text": decided})
    if pretrained is not None:
        require_encoders(pretrained, parts.texts.encoder, parts.image_encoder)
    if by_machine:
        why = f"the run is {'on' if asked.preset == 'paper' else 'without'} a CUDA GPU"
        if asked.preset == settings.agent.kind:
            why = "the agent's own settings"
        notice(f"preset {asked.preset}: {why}. --preset names another.")
    return Checked(settings, library, parts, label, pretrained)


def for_machine(asked: Asked, device: str | None = None) -> Asked:
    """Return what was asked for with a preset, where neither one nor a file of settings is named.

    The paper's needs a CUDA GPU; a kind of agent may have one of its own.

    Args:
        asked: The settings.
        device: The kind of device that it is about; by default the one that they choose here.
    """
    if asked.preset is not None or asked.config_file is not None:
        return asked
    settings = asked.settings()
    if settings.agent.kind in preset_names():  # Such as TD-MPC2's published settings.
        return replace(asked, preset=settings.agent.kind)
    kind = device or choose_device(settings.device).type
    return replace(asked, preset="paper" if kind == "cuda" else "cpu")


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
        settings = resumed_config(
            folder, asked.overrides, options_of=own_options, pretraining=pretraining, **flags
        )
        parts = RunParts(settings, library.select(settings.tasks))
        if parts.kind.capabilities.keeps_episodes and not settings.replay.on_disk:
            check_memory(settings, parts.specs)
        if not pretraining:
            parts.check_nodes()
        phase = PRETRAINING if pretraining else INTERACTION
        found = parts.check_resume_point(folder, phase)
        if found is not None:
            require_same_run(folder, found.run.config, phase, own_options)
        write_text(folder.config_file, settings.to_yaml())
    return RunContext(settings, folder, library, made=parts)


def followed_run(path: Path, *, specs: Sequence[Path] = ()) -> RunContext:
    """Return a run that the first of several ranks has made, or has looked at to go on with it.

    Args:
        path: Its folder.
        specs: Folders of the user's own task specs, instead of those that the run has kept.

    Raises:
        RunFolderError: It is not to be seen here.
        ConfigError: Its settings cannot be read.
    """
    folder = RunFolder(path)
    if not folder.config_file.is_file():
        raise RunFolderError(
            f"{path} is not to be seen here, where the first rank has made it: --runs-dir has to "
            "be a folder that all machines share."
        )
    kept = [folder.specs] if folder.specs.is_dir() else []
    library, settings = load_specs(specs or kept), run_settings(folder)
    parts = RunParts(settings, library.select(settings.tasks))
    return RunContext(settings, folder, library, made=parts)


def _name(name: Any) -> str | None:
    """Return a run's name as a text; folders of runs name them, too."""
    return name if name is None or isinstance(name, str) else str(arguments.path("name", name))


def texts_of(folders: Sequence[Path]) -> dict[str, str]:
    """Return the files of task specs in some folders, under names of which no two are alike."""
    return {
        f"{number}-{path.name}": path.read_text(encoding="utf-8")
        for number, folder in enumerate(folders)
        for path in spec_files(folder)
    }
