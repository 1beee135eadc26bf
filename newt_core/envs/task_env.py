"""One task as a plain Gymnasium environment, without padding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Space
from numpy.typing import ArrayLike

from newt_core import arguments
from newt_core.envs.contract import Frame
from newt_core.envs.session import blaming, checked_actions, open_session
from newt_core.errors import EnvironmentClosedError, NoEpisodeError
from newt_core.specs.load import SpecLibrary, load_specs
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE, FloatArray


class _NoSignal(float):
    """A NaN that equals itself.

    Gymnasium's ``check_env`` compares the infos of two equal steps, and a plain NaN would make
    every task without a success signal fail it.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _NoSignal)

    def __hash__(self) -> int:
        return hash(_NoSignal)


_NO_SIGNAL = _NoSignal("nan")


ObsMode = Literal["state", "rgb", "both"]
"""What an observation is: numbers, a picture, or a mapping of both."""

LARGEST_FRAME = 4096
"""Rows and columns: OpenGL draws no larger picture on every machine."""
OBS_MODES: tuple[ObsMode, ...] = get_args(ObsMode)


def observation_space(obs: ObsMode, state: Box, picture_shape: tuple[int, ...]) -> Space[Any]:
    """Return the space of observations in a mode: ``state``, pictures, or a mapping of both."""
    rgb = Box(0, 255, picture_shape, np.uint8)
    if obs == "both":
        return Dict({"state": state, "rgb": rgb})
    return rgb if obs == "rgb" else state


class TaskEnv(gymnasium.Env[Any, FloatArray]):
    """A task's environment.

    Observations are ``spec.obs_dim`` float32 numbers (``obs="state"``), a picture
    [224, 224, 3] uint8 (``"rgb"``), or ``{"state": …, "rgb": …}`` (``"both"``); actions are
    ``spec.action_dim`` numbers in [-1, 1] (others are clipped). An episode is truncated after
    exactly ``spec.episode_length`` steps and never terminates.

    ``info``, at reset and at every step, has:

    - ``instruction``: the text that the agent is conditioned on;
    - ``action_mask``, ``obs_mask``: [16], [128], 1 where a padded vector's entry is in use;
    - ``success``: 0 or 1, NaN where the task has no success signal and at reset;
    - ``score``: the normalised score so far, meaningful at the last step;
    - ``terminated``, ``truncated``: as returned by :meth:`step`.

    Args:
        spec: the task.
        render_mode: ``"rgb_array"`` to be able to call :meth:`render`, else None.
        builders: domains beside the installed ones, name → ``module:function``.
        obs: what observations are.
        frame_size: rows and columns of the pictures that :meth:`render` draws.

    Raises:
        ConfigError: an argument is not one of those above.
        EnvironmentFailure: the simulator fails to start.
        NewtError: the task cannot be built, for example because a package is missing.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012 (Gymnasium's API)

    def __init__(
        self,
        spec: TaskSpec,
        render_mode: str | None = None,
        builders: Mapping[str, str] | None = None,
        obs: ObsMode = "state",
        frame_size: int = FRAME_SIZE,
    ) -> None:
        arguments.choice("obs", obs, OBS_MODES)
        if render_mode is not None:
            arguments.choice("render_mode", render_mode, self.metadata["render_modes"])
        arguments.whole_number("frame_size", frame_size, 1, LARGEST_FRAME)
        self.task = spec
        self.obs = obs
        self.render_mode = render_mode
        state = Box(-np.inf, np.inf, (spec.obs_dim,), np.float32)
        self.observation_space = observation_space(obs, state, (FRAME_SIZE, FRAME_SIZE, 3))
        self.action_space = Box(-1.0, 1.0, (spec.action_dim,), np.float32)
        with blaming(spec, "start"):
            self._session = open_session(spec, builders)
        self._frame_size = frame_size
        self._closed = False
        self._has_episode = False
        self._masks = {"action_mask": spec.action_mask, "obs_mask": spec.obs_mask}

    @property
    def step_seconds(self) -> float | None:
        """Simulated seconds of an agent step; None where the task has no clock."""
        return self._session.step_seconds

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; a seed determines it and those that follow without one.

        Raises:
            ConfigError: the seed is no whole number, or out of range.
            EnvironmentClosedError: the environment was closed.
            EnvironmentFailure: the simulator fails.
        """
        self._require_open()
        if seed is not None:
            seed = arguments.seed(seed)
        if options is not None:
            arguments.mapping("options", options, "a mapping, which no task looks at, or None")
        super().reset(seed=seed)
        with blaming(self.task, "reset"):
            # Simulators take 32 bits.
            state = self._session.reset(None if seed is None else seed % 2**32)
            self._has_episode = True
            return self._observe(state), self._info()

    def step(self, action: ArrayLike) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Make one agent step: the simulator repeats the action as the task's spec says.

        Raises:
            InvalidActionError: the action has the wrong shape or is not finite.
            EnvironmentClosedError: the environment was closed.
            EnvironmentFailure: the simulator fails.
            NoEpisodeError: it was not reset yet.
        """
        self._require_episode()
        with blaming(self.task, "step"):
            outcome = self._session.step(checked_actions(action, (self.task.action_dim,)))
            obs = self._observe(outcome.obs)
            return obs, outcome.reward, False, self._session.done, self._info()

    def render(self) -> Frame | None:  # type: ignore[override]
        """Return the task camera's picture, uint8, [224, 224, 3] by default.

        None without a render mode.

        Raises:
            EnvironmentClosedError: the environment was closed.
            EnvironmentFailure: the simulator fails.
            NoEpisodeError: it was not reset yet.
            MissingDependencyError: what the pictures need is not installed.
        """
        self._require_open()
        if self.render_mode is None:
            return None
        self._require_episode()
        with blaming(self.task, "draw"):
            return self._session.render(self._frame_size)

    def close(self) -> None:
        """Release the simulator. Can be repeated."""
        if not self._closed:
            self._closed = True
            self._session.simulator.close()

    def _observe(self, state: FloatArray) -> Any:
        if self.obs == "state":
            return state
        picture = self._session.picture()
        return picture if self.obs == "rgb" else {"state": state, "rgb": picture}

    def _info(self) -> dict[str, Any]:
        session = self._session
        return {
            "instruction": self.task.text,
            **self._masks,
            "success": _NO_SIGNAL if math.isnan(session.success) else session.success,
            "score": session.score,
            "terminated": False,
            "truncated": session.done,
        }

    def _require_open(self) -> None:
        if self._closed:
            raise EnvironmentClosedError(f"the environment of '{self.task.id}' is closed.")

    def _require_episode(self) -> None:
        self._require_open()
        if not self._has_episode:
            raise NoEpisodeError(f"the environment of '{self.task.id}' has no episode: reset() it.")


def task_spec(name: str, task: object, library: SpecLibrary) -> TaskSpec:
    """Return the spec that an argument ``name`` is, or the id of.

    Raises:
        ConfigError: it is neither a text nor a spec.
        UnknownTaskError: there is no such task.
    """
    if isinstance(task, str):
        return library[task]
    return arguments.instance(name, task, TaskSpec, "newt_core.load_specs() has, or the id of one")


def make(task: str | TaskSpec, render_mode: str | None = None, obs: ObsMode = "state") -> TaskEnv:
    """Build the environment of a task, given its id or its spec; ``obs`` as in :class:`TaskEnv`.

    Raises:
        ConfigError: an argument is of another type, or there is no such observation mode.
        UnknownTaskError: there is no such task.
        NewtError: the task cannot be built.
    """
    spec = task_spec("task", task, load_specs())
    return TaskEnv(spec, render_mode, obs=obs)
