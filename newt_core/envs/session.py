"""The episode rules that all tasks share, applied to one simulator.

An episode has a fixed number of agent steps and never ends earlier. Actions must be finite and
are clipped to [-1, 1]; observations and rewards must be finite and within :data:`LARGEST`. The
score follows from the sum of rewards and the last success.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from newt_core.arguments import shown
from newt_core.envs.contract import Frame, KeepsTime, NoticesPictures, Outcome, Simulator
from newt_core.envs.imports import explaining_imports
from newt_core.envs.registry import build_simulator
from newt_core.errors import (
    EnvironmentFailure,
    InvalidActionError,
    NewtError,
    in_short,
    located,
)
from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import SuccessScore
from newt_core.types import FRAME_SIZE, FloatArray

LARGEST = 1e6
"""What an entry of an observation, and a reward, may be in magnitude at most.

Only a broken simulator goes beyond: up to an episode each of uniform and of extreme random actions
in 194 tasks, and of scripted experts in those that have one, showed observations up to 770
(pygame-cartpole-swingup-sparse) and rewards up to 3,500 (atari-atlantis). A learner bears 1e6, and
learns rewards beyond symexp(10) = 22,025 as that number; at 3e38 its losses overflow, which would
be taken for a learning rate that is too high.
"""


def checked_actions(actions: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return ``actions`` as float32 of the given shape, clipped to [-1, 1].

    Raises:
        InvalidActionError: the shape differs, or an entry is not a finite number.
    """
    try:
        checked = np.asarray(actions, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidActionError(
            f"the action is not an array of numbers: {in_short(error)}."
        ) from error
    if checked.shape != shape:
        raise InvalidActionError(f"the action has shape {checked.shape}; it must be {shape}.")
    finite = np.isfinite(checked)
    if not finite.all():
        where = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise InvalidActionError(f"the action's entry {where} is {checked[where]}, not a number.")
    return np.clip(checked, -1.0, 1.0)


class Session:
    """Episodes of one task, one after the other.

    Args:
        spec: the task.
        simulator: its simulation, which the session owns from now on.
    """

    def __init__(self, spec: TaskSpec, simulator: Simulator) -> None:
        self.spec = spec
        self.simulator = simulator
        self.steps = 0
        """Agent steps since the last reset."""
        self.episode_return = 0.0
        """Sum of rewards since the last reset."""
        self.success = math.nan
        """The success signal after the last step; NaN at the start of an episode."""
        self._episode_length = spec.episode_length
        self._obs_shape = (spec.obs_dim,)
        self._needs_success = isinstance(spec.score, SuccessScore)

    @property
    def done(self) -> bool:
        """Whether the episode has reached its fixed length."""
        return self.steps >= self._episode_length

    @property
    def score(self) -> float:
        """The task's normalised score of the episode so far."""
        return self.spec.score.score(self.episode_return, self.success)

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode; ``seed`` as in :meth:`Simulator.reset`. Returns [obs_dim].

        Raises:
            EnvironmentFailure: the simulator returned something no learner could use.
        """
        obs = self.simulator.reset(seed)
        self._check(obs, 0.0, math.nan)
        self.steps = 0
        self.episode_return = 0.0
        self.success = math.nan
        return obs

    def step(self, action: FloatArray) -> Outcome:
        """Make one agent step with ``action``, [action_dim] float32 in [-1, 1].

        Raises:
            EnvironmentFailure: the simulator returned something no learner could use.
        """
        outcome = self.simulator.step(action)
        self._check(outcome.obs, outcome.reward, outcome.success)
        self.steps += 1
        if self._needs_success and math.isnan(outcome.success):
            raise EnvironmentFailure(
                f"task '{self.spec.id}': success is NaN, but it is scored by its success"
            )
        self.episode_return += outcome.reward
        self.success = outcome.success
        return outcome

    def picture(self) -> Frame:
        """Draw the present state for an observation, [224, 224, 3]: once for each observation.

        Raises what :meth:`render` does.
        """
        frame = self.render()
        if isinstance(self.simulator, NoticesPictures):
            self.simulator.picture_observed()
        return frame

    @property
    def step_seconds(self) -> float | None:
        """Simulated seconds of an agent step; None where the simulator has no clock."""
        return self.simulator.step_seconds if isinstance(self.simulator, KeepsTime) else None

    def render(self, size: int = FRAME_SIZE) -> Frame:
        """Draw the present state for somebody who only watches, [size, size, 3].

        Raises:
            MissingDependencyError: a package or a system library for pictures is not installed.
        """
        with explaining_imports(self.spec.domain):
            return self.simulator.render(size, size)

    def _check(self, obs: FloatArray, reward: float, success: float) -> None:
        """Stop bad values here, where the task that made them is still known."""
        try:
            self._check_values(obs, reward, success)
        except (TypeError, ValueError, AttributeError) as error:
            raise EnvironmentFailure(
                f"task '{self.spec.id}': observation, reward and success are not an array and two "
                f"numbers, but {shown(obs)}, {shown(reward)} and {shown(success)}"
            ) from error

    def _check_values(self, obs: FloatArray, reward: float, success: float) -> None:
        if obs.shape != self._obs_shape:
            raise EnvironmentFailure(
                f"task '{self.spec.id}': the observation has shape {obs.shape}, and its spec says "
                f"{self._obs_shape}: correct obs_dim there, or the simulator"
            )
        # Both find NaN, too, where there is one, and it is within nothing.
        for entry in (obs.argmin(), obs.argmax()):
            if not abs(obs.item(entry)) <= LARGEST:
                raise self._unusable(obs.item(entry), f"entry {entry} of the observation")
        if not abs(reward) <= LARGEST:
            raise self._unusable(float(reward), "the reward")
        if success not in (0.0, 1.0) and not math.isnan(success):
            raise EnvironmentFailure(
                f"task '{self.spec.id}': success is {success:g}, but it must be 0, 1, or NaN where "
                "there is no success signal"
            )

    def _unusable(self, value: float, what: str) -> EnvironmentFailure:
        fault = f"beyond ±{LARGEST:,.0f}" if math.isfinite(value) else "not finite"
        return EnvironmentFailure(
            f"task '{self.spec.id}': {what} is {value:g}, which is {fault}: no learner could use it"
        )


@contextmanager
def blaming(spec: TaskSpec, doing: str) -> Iterator[None]:
    """Turn what a simulator raises in the block into one line that names the task.

    Raises:
        EnvironmentFailure: it raised something that is no error of Newt's own.
    """
    try:
        yield
    except NewtError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise EnvironmentFailure(
            f"task '{spec.id}' fails to {doing}: {kind}: {located(error)}."
        ) from error


def open_session(spec: TaskSpec, builders: Mapping[str, str] | None = None) -> Session:
    """Build a task's simulator and start a session on it; errors as ``build_simulator``."""
    return Session(spec, build_simulator(spec, builders))
