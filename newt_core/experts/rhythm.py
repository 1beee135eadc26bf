"""Small controllers that were searched for, and the files that they are stored in.

A controller is linear in a constant, the first two harmonics of a clock, and the observation, and
clipped: an oscillator for each actuator, with feedback. `benchmarks/search_experts.py` finds its
numbers. A file is called what its task is called; its metadata says which task it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from newt_core.errors import SpecError
from newt_core.experts.policy import FOLDER, MakePlayer, Player
from newt_core.files import write_bytes
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

STORED = FOLDER / "stored"
"""Where the files are that come with the package."""
HARMONICS = 2
"""Of the clock: its phase, and twice its phase."""
CLOCK_FEATURES = 1 + 2 * HARMONICS
"""The constant, then the cosine and the sine of each harmonic."""
NAME = "rhythm"
"""What listings call such a player."""
NONE = "there is no scripted player"
"""Why a task is not played that no file is about."""


@dataclass(frozen=True)
class Rhythm:
    """A controller's numbers."""

    weights: FloatArray
    """[action_dim, CLOCK_FEATURES + obs_dim]"""
    rate: float
    """How far the clock's phase advances at each agent step, in radians."""

    def player(self) -> Player:
        """Return a player whose clock starts at phase 0."""
        clock, feedback = np.split(self.weights, [CLOCK_FEATURES], axis=1)
        step = 0

        def act(obs: FloatArray) -> FloatArray:
            nonlocal step
            phase = self.rate * step
            step += 1
            harmonics = [f(order * phase) for order in range(1, HARMONICS + 1) for f in (cos, sin)]
            features = np.array([1.0, *harmonics], dtype=np.float32)
            action = np.dot(clock, features) + np.dot(feedback, obs)
            clipped: FloatArray = np.minimum(np.maximum(action, -1.0), 1.0)
            return clipped

        return act


def stored_file(task: str, folder: Path = STORED) -> Path:
    """Return where a task's stored expert is, or would be."""
    return folder / f"{task}.safetensors"


def store(rhythm: Rhythm, spec: TaskSpec, folder: Path = STORED) -> Path:
    """Write a task's stored expert; return its file."""
    path = stored_file(spec.id, folder)
    made_for = {
        "task": spec.id,
        "domain": spec.domain,
        "version": spec.version,
        "obs_dim": spec.obs_dim,
        "action_dim": spec.action_dim,
        "spec_hash": spec.spec_hash,
    }
    arrays: dict[str, NDArray[Any]] = {
        "weights": rhythm.weights,
        "rate": np.array([rhythm.rate], np.float64),
    }
    write_bytes(path, save(arrays, {key: str(value) for key, value in made_for.items()}))
    return path


def load(spec: TaskSpec, folder: Path = STORED) -> Rhythm:
    """Read a task's stored expert.

    Raises:
        SpecError: there is none, it is damaged, or it was made for another form of the task.
    """
    reason = why_not(spec, folder)
    if reason is not None:
        raise SpecError(f"task '{spec.id}': {reason}.")
    path = stored_file(spec.id, folder)
    with safe_open(path, framework="np") as file:
        weights, rate = file.get_tensor("weights"), file.get_tensor("rate")
    if weights.shape != (spec.action_dim, CLOCK_FEATURES + spec.obs_dim) or rate.shape != (1,):
        raise SpecError(f"{path}: its arrays are not those of a stored expert.")
    return Rhythm(weights.astype(np.float32), float(rate[0]))


def why_not(spec: TaskSpec, folder: Path = STORED) -> str | None:
    """Return why no stored expert plays a task; None where one does.

    Raises:
        SpecError: the file is damaged.
    """
    path = stored_file(spec.id, folder)
    made_for = _metadata(path) if path.exists() else {}
    if made_for.get("domain") != spec.domain:
        return NONE
    for field, what in (
        ("obs_dim", "observations of {} numbers"),
        ("action_dim", "actions of {} numbers"),
        ("version", "version {}"),
    ):
        now = str(getattr(spec, field))
        if made_for.get(field) != now:
            then = made_for.get(field)
            return (
                f"its stored expert was made for {what.format(then)}, and the task now has "
                f"{what.format(now)}"
            )
    return None


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a task from its stored expert, or None."""
    if why_not(spec) is not None:
        return None
    file = stored_file(spec.id).relative_to(FOLDER).as_posix()
    return MakePlayer(new=partial(_new_player, spec), name=NAME, file=file)


def _new_player(spec: TaskSpec) -> Player:
    return load(spec).player()


def _metadata(path: Path) -> Mapping[str, str]:
    try:
        with safe_open(path, framework="np") as file:
            return file.metadata() or {}
    except SafetensorError as error:
        raise SpecError(f"{path}: this stored expert is damaged ({error}).") from error
