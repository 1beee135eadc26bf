"""An agent at work in one environment, step by step, and a picture of every moment."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.envs.task_env import ObsMode, TaskEnv
from newt_core.evaluation.caption import FULL_SIDE, Captioner
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray


class FilmedAgent(Protocol):
    """Who plays; :class:`newt_core.workflows.loaded.LoadedAgent` for one."""

    @property
    def obs(self) -> ObsMode:
        """What it sees."""

    def act(self, obs: FloatArray, task: str, *, first: bool | None = None) -> FloatArray:
        """Return an action, [action_dim] in [-1, 1]."""

    def value(self, task: str) -> float | None:
        """Return the discounted return that it expected of its newest action; None if unknown."""


class Scene:
    """Whole episodes of a task, one after the other. A context manager.

    A move is an agent step, or the beginning of the next episode after one that has ended.

    Args:
        player: chooses the actions.
        spec: the task.
        episodes: how many.
        seed: determines them.
        side: rows and columns of the pictures.
        bare: leave out the texts below them.
        label: stands beside the task's name in these.

    Raises:
        NewtError: the task cannot be built here.
    """

    def __init__(
        self,
        player: FilmedAgent,
        spec: TaskSpec,
        *,
        episodes: int = 1,
        seed: int = 0,
        side: int = FULL_SIDE,
        bare: bool = False,
        label: str = "",
    ) -> None:
        self.spec = spec
        self._name = f"{spec.id} · {label}" if label else spec.id
        self.moves = episodes * (1 + spec.episode_length) - 1
        """From the first moment to the last."""
        self._player, self._episodes, self._seed = player, episodes, seed
        self._env = TaskEnv(spec, "rgb_array", obs=player.obs, frame_size=side)
        self._caption = None if bare else Captioner(2, side)
        self._episode = self.step = 0
        self._obs: Any = None
        self._return = 0.0
        self._reward: float | None = None
        self._value: float | None = None

    @property
    def step_seconds(self) -> float | None:
        """Simulated seconds of an agent step; None where the task has no clock."""
        return self._env.step_seconds

    @property
    def at_end(self) -> bool:
        """Whether an episode has just ended."""
        return self.step == self.spec.episode_length

    def begin(self) -> None:
        """Go to the first moment of the first episode."""
        self._episode = 0
        self._reset(self._seed)

    def move(self) -> None:
        """Go on to the next moment."""
        if self.at_end:
            self._episode += 1
            self._reset(None)  # Episodes after the first go on with the seed's stream.
            return
        action = self._player.act(self._obs, self.spec.id, first=self.step == 0)
        self._value = self._player.value(self.spec.id)
        self._obs, self._reward, _, _, _ = self._env.step(action)
        self._return += self._reward
        self.step += 1

    def picture(self) -> Frame:
        """Return the moment's picture, [height, side, 3]; the texts are below it.

        Raises:
            MissingDependencyError: the task cannot be drawn here.
        """
        frame = np.asarray(self._env.render())
        return frame if self._caption is None else self._caption(frame, self._texts())

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _reset(self, seed: int | None) -> None:
        self._obs, _ = self._env.reset(seed=seed)
        self.step, self._return, self._reward, self._value = 0, 0.0, None, None

    def _texts(self) -> list[tuple[str, str]]:
        where = f"step {self.step}/{self.spec.episode_length}"
        if self._episodes > 1:
            where = f"episode {self._episode + 1}/{self._episodes} · {where}"
        reward = f"reward {_number(self._reward, 2)}"
        if self._value is not None:
            reward = f"{reward} · value {_number(self._value, 1)}"
        return [(self._name, where), (reward, f"return {_number(self._return, 1)}")]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
