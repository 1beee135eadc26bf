"""The published checkpoints' files: read without running anything from them, and written.

A PyTorch dict with ``model`` (weights under their names, perhaps behind ``module.``), ``scale`` and
the optimisers' states. Beside its weights a model may hold a table of texts and one of action
masks, a row per task; nothing in the file says which task is which. What Newt writes says it under
a key of its own, which other programs do not look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from newt_core.errors import CheckpointError, in_short
from newt_core.files import atomic_path
from newt_core.model.policy_head import LOG_STD_MIN, LOG_STD_RANGE
from newt_core.model.published import Layout, find_layout, published_shapes
from newt_core.specs import TaskSpec
from newt_core.training.checkpoint import VERSION_KEY, read_archive
from newt_core.training.content import CheckpointContent
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM

ORIGIN = "published"
"""Under which name an imported checkpoint keeps what else was in its file."""
OWN_KEY = "newt"
"""Under which key a file that Newt writes says what it is of."""
TEXTS = "_task_emb.weight"
MASKS = "_action_masks"
POLICY_RANGE = {"log_std_min": LOG_STD_MIN, "log_std_dif": LOG_STD_RANGE}
"""The numbers in a model that are not learned, which ours does not keep."""
_PREFIX = "module."
_LISTED = Path(__file__).with_name("published_tasks.txt")


@dataclass(frozen=True)
class PublishedCheckpoint:
    """A published file that was read."""

    path: Path
    layout: Layout
    weights: Mapping[str, Tensor]
    """Published name → tensor: the networks alone."""
    tables: Mapping[str, Tensor]
    """What else is under ``model``: texts, masks and the policy's range, as far as it is there."""
    scale: Tensor | None
    """[] the running scale of values."""
    raw_scale: Any
    """It as it stands in the file."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What Newt has written of it; see :class:`Own`."""

    @property
    def texts(self) -> Tensor | None:
        """[rows, 512] the texts that it reads, if it reads any."""
        return self.tables.get(TEXTS) if self.layout.text else None

    @property
    def masks(self) -> Tensor | None:
        """[rows, A] ones in the valid entries of an action."""
        return self.tables.get(MASKS)

    @property
    def rows(self) -> int:
        """Rows of its tables; 0 without any."""
        return max((len(t) for name, t in self.tables.items() if name in (TEXTS, MASKS)), default=0)

    @property
    def tasks(self) -> list[str] | None:
        """The task of each row, where that is known."""
        if "tasks" in self.own:
            return list(self.own["tasks"])
        return listed_tasks() if self.rows == len(listed_tasks()) and not self.alike else None

    @property
    def alike(self) -> bool:
        """Whether all rows of its tables say the same, so that it is of one task only."""
        tables = [self.tables[name] for name in (TEXTS, MASKS) if name in self.tables]
        return all(bool((table == table[:1]).all()) for table in tables)

    def origin(self) -> dict[str, Any]:
        """Return what writing it again takes beside its weights, in types a checkpoint may hold."""
        return {
            "layout": asdict(self.layout),
            "tables": dict(self.tables),
            "scale": self.raw_scale,
            "tasks": self.tasks,
            "file": self.path.name,
        }


def listed_tasks() -> list[str]:
    """Return the tasks of the published multitask models, in the order of their tables' rows."""
    return _LISTED.read_text(encoding="utf-8").split()


def read_published(path: Path) -> PublishedCheckpoint:
    """Read a published file.

    Raises:
        CheckpointError: There is no such file, it is damaged, holds foreign objects or another
            program's weights, or is a checkpoint of ours.
    """
    content = read_archive(path)
    if isinstance(content, dict) and VERSION_KEY in content:
        raise CheckpointError(
            f"{path} is a checkpoint of Newt's own: use it as it is. 'newt checkpoint export' "
            "writes it in the published layout."
        )
    return published_of(content, path)


def published_of(content: Any, path: Path) -> PublishedCheckpoint:
    """Return what a file holds whose content was read.

    Raises:
        CheckpointError: It is another program's.
    """
    model = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(model, dict) or not all(isinstance(name, str) for name in model):
        raise CheckpointError(f"{path}: another program's file: it holds no 'model' with weights.")
    tensors = {name.removeprefix(_PREFIX): value for name, value in model.items()}
    try:
        return _checked(content, tensors, path)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: not as published models are: {error}") from error


def _checked(
    content: Mapping[str, Any], tensors: Mapping[str, Any], path: Path
) -> PublishedCheckpoint:
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(f"its '{name}' is no tensor.")
        if not tensor.is_floating_point() and name not in (MASKS, *POLICY_RANGE):
            raise CheckpointError(f"its '{name}' holds no decimal numbers.")
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"its '{name}' has entries that are not finite.")
    layout = find_layout(tensors)
    known = published_shapes(layout)
    tables = {name: tensor for name, tensor in tensors.items() if name not in known}
    for name in tables:
        if name not in (TEXTS, MASKS, *POLICY_RANGE):
            raise CheckpointError(f"it has '{name}', which no published model has.")
    for name, value in POLICY_RANGE.items():
        if name in tables and not bool((tables[name].double() == value).all()):
            raise CheckpointError(f"its {name} is {tables[name].tolist()}, not {value}.")
    _check_tables(tables, layout)
    raw = content.get("scale")
    scale = raw.get("value") if isinstance(raw, dict) else raw
    if isinstance(scale, int | float):
        scale = torch.tensor(float(scale))
    usable = isinstance(scale, Tensor) and scale.numel() == 1
    return PublishedCheckpoint(
        path,
        layout,
        {name: tensors[name] for name in known},
        tables,
        scale.reshape(()).float() if usable and scale is not None else None,
        raw if usable else None,
        _own(content.get(OWN_KEY), tables),
    )


def _check_tables(tables: Mapping[str, Tensor], layout: Layout) -> None:
    for name in (TEXTS, MASKS):
        if name in tables and tables[name].ndim != 2:
            raise CheckpointError(f"its '{name}' is {list(tables[name].shape)}, not a table.")
    rows = {name: len(tables[name]) for name in (TEXTS, MASKS) if name in tables}
    if len(set(rows.values())) > 1:
        raise CheckpointError(f"it has {rows[TEXTS]} texts, but {rows[MASKS]} action masks.")
    if layout.text and (TEXTS not in tables or tables[TEXTS].shape != (rows[TEXTS], TEXT_DIM)):
        raise CheckpointError(f"it reads texts, but has no '{TEXTS}' of {TEXT_DIM} columns.")
    if MASKS in tables and tables[MASKS].shape != (rows[MASKS], layout.action):
        shape = list(tables[MASKS].shape)
        raise CheckpointError(f"its '{MASKS}' is {shape}, but its actions have {layout.action}.")
    if 0 in rows.values():
        raise CheckpointError("its tables have no rows.")


def _own(said: Any, tables: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what a file of ours says of itself, as far as it makes sense; nothing of others'."""
    if not isinstance(said, dict):
        return {}
    own = {name: said[name] for name in ("text_encoder",) if isinstance(said.get(name), str)}
    tasks = said.get("tasks")
    if isinstance(tasks, list) and all(isinstance(task, str) for task in tasks):
        rows = len(tables.get(MASKS, tables.get(TEXTS, ())))
        return {**own, "tasks": tasks} if len(tasks) == rows else own
    return own


def require_room(layout: Layout, specs: Sequence[TaskSpec], path: Path) -> None:
    """See that a model reads all that tasks show, and makes all that they take.

    Raises:
        CheckpointError: A task has more entries than the model was made for.
    """
    for spec in specs:
        for what, needed, there in (
            ("observations", spec.obs_dim, layout.state),
            ("actions", spec.action_dim, layout.action),
        ):
            if needed > there:
                raise CheckpointError(
                    f"{path}: its {what} have {there} entries, but those of '{spec.id}' have "
                    f"{needed}: it cannot act in that task."
                )


def layout_in(saved: CheckpointContent) -> Layout | None:
    """Return what a checkpoint's model was made for, if it was imported.

    Raises:
        CheckpointError: What it says of that makes no sense.
    """
    origin = saved.state.get(ORIGIN)
    if origin is None:
        return None
    try:
        return Layout(**origin["layout"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{saved.path}: its '{ORIGIN}' is incomplete.") from error


@dataclass(frozen=True)
class Export:
    """A checkpoint of ours as what a published file holds."""

    layout: Layout
    tables: Mapping[str, Tensor]
    scale: Any
    tasks: Sequence[str] | None
    """The task of each row; None where nobody knows."""


def export_of(saved: CheckpointContent) -> Export:
    """Return how a checkpoint is written in the published layout.

    One that was imported is written as it was. Any other is one whose tables have a row per
    task, in the order of the published list if it is of just these tasks.

    Raises:
        CheckpointError: It has no place in that layout.
    """
    made_for = layout_in(saved)
    if made_for is not None:
        origin = saved.state[ORIGIN]
        tasks = origin.get("tasks")
        return Export(made_for, origin.get("tables", {}), origin.get("scale"), tasks)
    model = saved.run.config.model
    if model.obs == "rgb" or model.feature_stack > 1:
        raise CheckpointError(
            f"{saved.path}: the published layout has no place for an agent of pictures alone, nor "
            "for one that sees several at once."
        )
    ids = saved.task_ids
    names = listed_tasks() if set(ids) == set(listed_tasks()) else ids
    order = [ids.index(name) for name in names]
    masks = torch.zeros(len(ids), ACTION_DIM)
    for row, index in enumerate(order):
        masks[row, : saved.run.tasks[index].action_dim] = 1
    tables = {TEXTS: saved.run.text[order].clone(), MASKS: masks}
    tables |= {name: torch.tensor(value) for name, value in POLICY_RANGE.items()}
    scale = saved.agent["learner"]["scale"] if "learner" in saved.agent else torch.ones(())
    layout = Layout(model.size, STATE_DIM, True, ACTION_DIM, model.feature_stack)
    return Export(layout, tables, {"value": scale.reshape(1)}, names)


def write_published(
    path: Path, weights: Mapping[str, Tensor], export: Export, text_encoder: str
) -> None:
    """Write a published file, whole or not at all.

    Optimisers are left out: theirs go by the order of a program's parameters.

    Args:
        path: Where to.
        weights: Published name → tensor.
        export: What else is in it.
        text_encoder: The recorded name of what made its texts.

    Raises:
        CheckpointError: It cannot be written.
    """
    own = {"text_encoder": text_encoder}
    content = {
        "model": {**export.tables, **weights},
        "scale": export.scale,
        OWN_KEY: own if export.tasks is None else {**own, "tasks": list(export.tasks)},
    }
    try:
        with atomic_path(path) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:  # PyTorch's writer wraps what a full disk raises.
        raise CheckpointError(f"cannot write {path}: {in_short(error)}.") from error
