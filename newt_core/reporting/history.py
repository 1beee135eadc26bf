"""How a run's scores went: its evaluations, pretraining and interaction apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.arguments import shown
from newt_core.errors import RunFolderError
from newt_core.training.run_folder import RunFolder

_SHOWN = ("score", "ci95", "return", "success", "episodes")
"""The numbers of an evaluation that pages and curves show."""

Evaluation = Mapping[str, Any]
"""What an ``eval/<step>.json`` holds."""

Point = tuple[int, float, float]
"""Where, the mean, and half the width of its 95 % interval."""


@dataclass(frozen=True)
class History:
    """One run's evaluations."""

    label: str
    interaction: Mapping[int, Evaluation]
    """Agent steps → evaluation, in the order of the steps."""
    pretraining: Mapping[int, Evaluation]
    """Updates → evaluation; empty for a run without such a part."""

    @property
    def tasks(self) -> list[str]:
        """The tasks that were evaluated, in the order of the newest evaluation."""
        documents = [*self.pretraining.values(), *self.interaction.values()]
        return list(dict.fromkeys(task for one in reversed(documents) for task in one["tasks"]))

    @property
    def newest(self) -> Evaluation | None:
        """The last evaluation there is."""
        for part in (self.interaction, self.pretraining):
            if part:
                return part[max(part)]
        return None

    def curve(self, task: str, value: str) -> list[Point]:
        """Return the points over agent steps, wherever the task was evaluated.

        Args:
            task: its id.
            value: ``score``, ``return`` or ``success``.
        """
        return _points(self.interaction, task, value)

    def pretraining_curve(self, task: str, value: str) -> list[Point]:
        """Return the points over updates: the policy's, which acted alone."""
        return _points(self.pretraining, task, value)


def read_history(folder: RunFolder, label: str | None = None) -> History:
    """Read a run's evaluations, none if there are none yet.

    Raises:
        RunFolderError: a file in ``eval/`` is no evaluation.
    """
    own = _read(folder)
    part = _read(folder.pretraining)
    if any("modes" in evaluation for evaluation in own.values()):  # made by newt pretrain
        own, part = {}, own
    return History(label or folder.name, own, part)


def read_baseline(file: Path) -> Evaluation:
    """Read what ``newt eval random --json`` printed.

    Raises:
        RunFolderError: the file is missing or something else.
    """
    try:
        return checked_evaluation(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(
            f"{file} is not what 'newt eval random --json' prints. Write it again, or remove it."
        ) from error


def _read(folder: RunFolder) -> dict[int, Evaluation]:
    evaluations: dict[int, Evaluation] = {}
    for step, document in folder.read_evaluations().items():
        try:
            evaluations[step] = checked_evaluation(document)
        except ValueError as error:
            file = folder.evaluations / f"{step}.json"
            raise RunFolderError(f"{file} is no evaluation: {error}. Remove it.") from error
    return evaluations


def checked_evaluation(document: Any) -> dict[str, Any]:
    """Return an evaluation with every number that a page shows; None where there is none.

    Raises:
        ValueError: a part of it is of another type.
    """
    found = _numbers("it", document)
    if "tasks" not in found:
        raise ValueError("it has no 'tasks'")
    for group in ("tasks", "domains"):
        members = _mapping(group, found.get(group, {}))
        found[group] = {name: _numbers(name, result) for name, result in members.items()}
    if "modes" in found:
        modes = _mapping("modes", found["modes"])
        found["modes"] = {name: checked_evaluation(result) for name, result in modes.items()}
    return found


def _numbers(name: str, result: Any) -> dict[str, Any]:
    values = dict.fromkeys(_SHOWN) | _mapping(name, result)
    for number in _SHOWN:
        value = values[number]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"'{number}' of {name} is {shown(value)}, not a number")
    return values


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {shown(value)}, not a mapping")
    return value


def _points(evaluations: Mapping[int, Evaluation], task: str, value: str) -> list[Point]:
    points = []
    for where, evaluation in evaluations.items():
        result = evaluation["tasks"].get(task, {})
        if result.get(value) is not None:
            # The interval is the score's: it says nothing of the other values.
            half = result.get("ci95") if value == "score" else None
            points.append((where, float(result[value]), float(half or 0.0)))
    return points
