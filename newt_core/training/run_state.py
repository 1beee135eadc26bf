"""What a run has to remember: parts by name, saved and restored by walking through one mapping.

A trainer keeps everything that changes while it runs in a mapping of :class:`Stateful` parts. Both
directions walk through that mapping, so nothing can be saved and then forgotten on the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from newt_core.agents.base import Stateful
from newt_core.errors import CheckpointError, in_short
from newt_core.training.random_state import capture_random_state, restore_random_state


def save_parts(parts: Mapping[str, Stateful]) -> dict[str, Any]:
    """Return the state of every part under its name."""
    return {name: part.state_dict() for name, part in parts.items()}


def load_parts(parts: Mapping[str, Stateful], state: Mapping[str, Any]) -> None:
    """Undo :func:`save_parts`, in the order of ``parts``.

    Raises:
        CheckpointError: A part's state is missing or of another kind.
    """
    for name, part in parts.items():
        try:
            part.load_state_dict(state[name])
        except CheckpointError:
            raise
        except Exception as error:  # A state can hold anything.
            reason = in_short(error)
            if isinstance(error, KeyError):
                reason = f"there is no '{reason}'"
            raise CheckpointError(
                f"the checkpoint's state of '{name}' does not fit ({reason}). It was written by "
                "another version of Newt: go on with the one that wrote it."
            ) from error


class GlobalGenerators:
    """Python's, NumPy's and PyTorch's own generators, for libraries that draw from them."""

    def state_dict(self) -> dict[str, Any]:
        """Return where their streams are."""
        return capture_random_state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        restore_random_state(state)


class _Counted:
    """A dataclass of plain values as a part of a run."""

    def state_dict(self) -> dict[str, Any]:
        """Return every field."""
        return asdict(self)  # type: ignore[call-overload]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        for each in fields(self):  # type: ignore[arg-type]
            setattr(self, each.name, state[each.name])


@dataclass
class OnlineCounters(_Counted):
    """Where a run of interaction is."""

    steps: int = 0
    """Agent steps so far, summed over all environments."""
    last_evaluation: int = -1
    """Agent steps of the last whole evaluation; -1 before the first."""
    best_score: float | None = None
    """Of all evaluations so far."""
    last_score: float | None = None
    """Of the last evaluation."""
    domain_scores: dict[str, float] = field(default_factory=dict)
    """Of the last evaluation."""


@dataclass
class PretrainCounters(_Counted):
    """Where a run of pretraining is."""

    steps: int = 0
    """Agent steps: none are taken."""
    updates: int = 0
    """Gradient steps so far."""
    evaluated_at: int = -1
    """Gradient steps before the last whole evaluation; -1 before the first."""
    scores: dict[str, float] = field(default_factory=dict)
    """Way of acting → score in the last evaluation."""
