"""The authors' checkpoints and ours, one into the other: same inputs, same outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders import ZeroEncoder
from newt_core.encoders.image.dino import DINOV2
from newt_core.encoders.text.choose import short_name
from newt_core.encoders.text.clip import CLIP_WEIGHTS
from newt_core.errors import CheckpointError, UnknownTaskError, did_you_mean
from newt_core.model.config import ModelConfig
from newt_core.model.published import PUBLISHED_SIZES, from_published, to_published
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import RunConfig
from newt_core.training.config_groups import TextConfig
from newt_core.training.content import INTERACTION, LearnedTask, RunDescription, read_content
from newt_core.training.published import (
    ORIGIN,
    PublishedCheckpoint,
    export_of,
    read_published,
    require_room,
    write_published,
)
from newt_core.training.run_state import OnlineCounters
from newt_core.types import TEXT_DIM
from newt_core.workflows.agent_kinds import AgentInputs
from newt_core.workflows.newt_kind import NewtKind

CHECKPOINTS = Path("checkpoints")
"""The folder of imported checkpoints."""
KIND = "newt"
"""The kind of agent that the published weights are of."""

Notice = Callable[[str], None]
"""Shows a line to the user."""


@dataclass(frozen=True)
class ImportRequest:
    """What ``newt checkpoint import`` is asked."""

    file: Path
    """In the published layout."""
    tasks: str | None = None
    """A selector: which of its tasks, or the task of each row of its tables, or its one task."""
    size: str | None = None
    """What size it has to be, ``20M`` or ``L``; None for whatever it is."""
    out: Path | None = None
    """The checkpoint to write; by default :func:`import_path`."""


def import_path(file: Path) -> Path:
    """Return where a published file's checkpoint goes unless the user says otherwise."""
    return CHECKPOINTS / f"{file.stem}.pt"


def require_absent(path: Path) -> None:
    """Refuse to write over a file.

    Raises:
        CheckpointError: There is one.
    """
    if path.exists():
        raise CheckpointError(f"{path} is there already: delete it, or name another with --out.")


def import_checkpoint(request: ImportRequest, library: SpecLibrary, notice: Notice) -> Path:
    """Make a checkpoint of ours from a published one, and return its path.

    Args:
        request: What is asked.
        library: Where tasks are looked up.
        notice: Told of a choice that the file leaves open.

    Raises:
        CheckpointError: The file is not usable, of another size, or does not fit the tasks.
        UnknownTaskError: A task is not known.
    """
    out = request.out or import_path(request.file)
    require_absent(out)
    asked = library.select(request.tasks) if request.tasks is not None else None
    published = read_published(request.file)
    layout, path = published.layout, published.path
    wanted = request.size and PUBLISHED_SIZES.get(request.size, request.size)
    if wanted not in (None, layout.size):
        raise CheckpointError(f"{path} is a {layout.size} model by its tensors, not {wanted}.")
    specs, rows = _tasks_and_rows(published, asked, library, notice)
    require_room(layout, specs, path)
    save_checkpoint(out, _payload(published, specs, rows))
    return out


def export_checkpoint(file: Path, out: Path) -> None:
    """Write a checkpoint of ours in the published layout.

    Args:
        file: The checkpoint.
        out: The file to write.

    Raises:
        CheckpointError: The checkpoint is not usable, or has no place in that layout.
    """
    require_absent(out)
    saved = read_content(file)
    if saved.run.agent_kind != KIND:
        raise CheckpointError(
            f"{file} is an agent '{saved.run.agent_kind}': the published layout is one of "
            f"'{KIND}' only."
        )
    export = export_of(saved)
    try:
        weights = to_published(saved.agent["model"], export.layout)
    except (KeyError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{file}: its weights are not those of its settings.") from error
    write_published(out, weights, export, saved.run.text_encoder)


def task_in_name(file: Path, library: SpecLibrary) -> TaskSpec | None:
    """Return the task that a file, or else a folder it is in, is named after.

    More may follow the task's id, as in ``walker-run_B.pt``; of several ids the longest counts.
    """
    for name in (file.stem, *(folder.name for folder in file.parents)):
        fitting = [
            task for task in library if name == task or re.match(rf"{re.escape(task)}[-_. ]", name)
        ]
        if fitting:
            return library[max(fitting, key=len)]
    return None


def _tasks_and_rows(
    published: PublishedCheckpoint,
    asked: list[TaskSpec] | None,
    library: SpecLibrary,
    notice: Notice,
) -> tuple[list[TaskSpec], list[int]]:
    """Return the tasks, and the row of the file's tables that is each one's."""
    path, names, rows = published.path, published.tasks, published.rows
    if names is not None:
        specs = asked if asked is not None else [_installed(name, library, path) for name in names]
        for spec in specs:
            if spec.id not in names:
                raise CheckpointError(
                    f"{path} was not trained on '{spec.id}', and has no text for it."
                    f"{did_you_mean(spec.id, names)} Leave it out of --tasks; 'newt eval --task' "
                    "takes other tasks, too."
                )
        places = [names.index(spec.id) for spec in specs]
        _check_masks(published, specs, places)
        return specs, places
    if asked is None:
        named = task_in_name(path, library)
        if named is None:
            raise CheckpointError(
                f"{path} does not say which task it is of, nor does its name: name it with --task."
            )
        asked = [named]
    if rows == 0:
        return asked, [0] * len(asked)
    if len(asked) == rows > 1:
        _check_masks(published, asked, range(rows))
        return asked, list(range(rows))
    if len(asked) != 1:
        raise CheckpointError(
            f"{path}: its tables have {rows} rows, but --tasks names {len(asked)} tasks: name its "
            "one task, or as many as there are rows, in their order."
        )
    return asked, [_row_of(published, asked[0], notice)]


def _installed(name: str, library: SpecLibrary, path: Path) -> TaskSpec:
    try:
        return library[name]
    except UnknownTaskError as error:
        raise CheckpointError(
            f"{path}: its task '{name}' is not installed: name the folder of your own tasks with "
            "--specs, or those of its tasks that you want with --tasks."
        ) from error


def _check_masks(
    published: PublishedCheckpoint, specs: Sequence[TaskSpec], rows: Sequence[int]
) -> None:
    """See that the rows are those of the tasks, as far as their actions tell."""
    if published.masks is None:
        return
    for spec, row in zip(specs, rows, strict=True):
        there = int(published.masks[row].sum())
        if there != spec.action_dim:
            raise CheckpointError(
                f"{published.path}: row {row} of its tables is of a task with {there} action "
                f"entries, but '{spec.id}' has {spec.action_dim}: its rows are of other tasks, or "
                "in another order. --tasks names them."
            )


def _row_of(published: PublishedCheckpoint, spec: TaskSpec, notice: Notice) -> int:
    """Return the row of a small table that a task's action mask fits; of equal ones the first."""
    fitting = list(range(published.rows))
    if published.masks is not None:
        entries = published.masks.sum(-1).tolist()
        fitting = [row for row in fitting if entries[row] == spec.action_dim] or fitting
    texts = published.texts
    if texts is not None and bool((texts[fitting] != texts[fitting[0]]).any()):
        notice(
            f"{published.path}: its {len(fitting)} rows that may be those of '{spec.id}' have "
            f"different texts, and nothing tells which is right: took row {fitting[0]}."
        )
    return fitting[0]


def _payload(
    published: PublishedCheckpoint, specs: list[TaskSpec], rows: list[int]
) -> dict[str, object]:
    """Return the content of the checkpoint."""
    layout, texts = published.layout, published.texts
    if texts is None:
        encoder, vectors = ZeroEncoder().name, torch.zeros(len(specs), TEXT_DIM)
    else:
        encoder = published.own.get("text_encoder", CLIP_WEIGHTS)
        vectors = texts[rows].float()
    config = RunConfig(
        tasks=",".join(spec.id for spec in specs),
        text=TextConfig(encoder=short_name(encoder)),
        model=ModelConfig(size=layout.size, obs="both" if layout.features else "state"),
    )
    run = RunDescription(
        config,
        tuple(map(LearnedTask.of, specs)),
        INTERACTION,
        vectors,
        encoder,
        DINOV2 if layout.features else None,
    )
    return run.to_payload() | {
        "agent": _agent_state(published, config, specs, vectors),
        "counters": OnlineCounters().state_dict() | {"updates": 0},
        ORIGIN: published.origin(),
    }


def _agent_state(
    published: PublishedCheckpoint, config: RunConfig, specs: list[TaskSpec], vectors: Tensor
) -> dict[str, object]:
    """Return the state of an agent with these weights that has yet to begin to learn here."""
    device = torch.device("cpu")
    agent: NewtAgent = NewtKind().new(AgentInputs(config, specs, vectors.numpy(), device, None))
    agent.load_weights({"model": from_published(published.weights, published.layout)})
    if published.scale is not None:
        agent.learner.scale = published.scale
    return agent.state_dict()
