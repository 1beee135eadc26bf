"""Experience: all environments step by step, their whole episodes, and how both are gone on with.

An episode is determined by what it began with and by the actions since. A checkpoint therefore
keeps the numbers of the open episodes and their actions so far; a run that goes on begins the same
episodes and repeats the actions. Nothing of an episode is lost with an interruption.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from newt_core.envs.pool import EpisodeNumbers, Pool, observation
from newt_core.errors import EnvironmentFailure
from newt_core.replay import EpisodeRecorder
from newt_core.training.recent import RecentEpisodes
from newt_core.types import (
    ACTION_DIM,
    BoolArray,
    Episode,
    FloatArray,
    IntArray,
    Observation,
    Transitions,
)


class Collector:
    """Steps every environment, and puts whole episodes together.

    Args:
        pool: The environments; with features, if the agent sees.
        task_of_env: [E] index of each environment's task in the run's list.
        seed: Determines all episodes.
        features: Whether pictures' features are recorded, too.
        envs: [E] each environment's number in the whole run, of which these may be a part; its
            episodes follow from that, whoever plays them. 0 … E - 1 by default.
    """

    def __init__(
        self,
        pool: Pool,
        task_of_env: np.ndarray,
        *,
        seed: int,
        features: bool = False,
        envs: IntArray | None = None,
    ) -> None:
        self.pool = pool
        self.task_of_env = task_of_env
        self.envs: IntArray = np.arange(pool.num_envs) if envs is None else envs
        self.recent = RecentEpisodes([spec.id for spec in pool.specs])
        self._obs: FloatArray = np.zeros((0, 0), np.float32)
        """[E, S] what to act on next."""
        self._first: BoolArray = np.ones(pool.num_envs, np.bool_)
        """[E] whether that begins an episode."""
        self._ready = np.arange(pool.num_envs)
        """[K] environments that wait for an action."""
        self._seed = seed
        self._recorder = EpisodeRecorder(
            task_of_env.tolist(), [spec.episode_length for spec in pool.specs], features=features
        )
        self._numbers = np.zeros(pool.num_envs, np.int64)
        self._open: list[FloatArray] = [np.zeros((0, ACTION_DIM), np.float32)] * pool.num_envs
        self._before = {"deaths": 0, "lost_episodes": 0}
        self._given_up = 0
        """1 where the open episodes are not to be gone on with, but the ones after them."""

    @property
    def observation(self) -> Observation:
        """What to act on next: of all environments that wait for an action."""
        return self.observation_of(self._ready)

    def observation_of(self, envs: IntArray) -> Observation:
        """Return what to act on next in some of the environments that wait for an action."""
        return observation(self.pool, envs, self._obs, self.task_of_env, self._first)

    @property
    def lost_episodes(self) -> int:
        """Episodes that dying workers took with them, since the run began."""
        return self._before["lost_episodes"] + self.pool.stats.lost_episodes

    @property
    def deaths(self) -> int:
        """How often an environment or its worker died and was made anew, since the run began."""
        return self._before["deaths"] + sum(self.pool.stats.deaths.values())

    @property
    def open_steps(self) -> int:
        """Steps that :meth:`begin` has to repeat, in the environment that was farthest."""
        return max((len(actions) for actions in self._open), default=0)

    def begin(self) -> None:
        """Begin every environment's first episode, or the ones that were open in a checkpoint."""
        one_by_one = np.ones(len(self.envs), np.int64)
        numbers = EpisodeNumbers(self.envs, self._numbers, one_by_one)
        self._obs = self.pool.reset(self._seed, numbers)
        self._recorder.begin(self._obs, self.pool.features())
        self._first = np.ones(self.pool.num_envs, np.bool_)
        self._ready = np.arange(self.pool.num_envs)
        steps = np.array([len(actions) for actions in self._open])
        repeated = np.ones(self.pool.num_envs, np.bool_)
        for step in range(int(steps.max(initial=0))):
            envs = np.flatnonzero((steps > step) & repeated)
            if not len(envs):
                break
            actions = np.stack([self._open[env][step] for env in envs])
            self.pool.send(actions, envs)
            reply = self.pool.recv(min_envs=len(envs))
            self._recorder.add(reply)
            self._obs[envs] = reply.obs
            self._first[envs] = reply.lost
            repeated[envs[reply.lost]] = False
        if not repeated.all():
            warnings.warn(
                f"{np.count_nonzero(~repeated)} open episodes were lost on the way back",
                stacklevel=2,
            )

    def step(self, actions: FloatArray) -> tuple[Transitions, list[Episode]]:
        """Make one agent step everywhere.

        Args:
            actions: [E, A].

        Returns:
            What the pool said, and the episodes that ended with this step.
        """
        with self._giving_up():
            return self._take(self.pool.step(actions))

    def send(self, actions: FloatArray, envs: IntArray | None = None) -> None:
        """Start an agent step in environments that wait for an action.

        Args:
            actions: [K, A], in the order of ``envs``.
            envs: [K] some of them; by default all, as in :attr:`observation`.
        """
        envs = self._ready if envs is None else envs
        with self._giving_up():
            self.pool.send(actions, envs)
        self._ready = self._ready[~np.isin(self._ready, envs)]

    def recv(self, min_envs: int = 1) -> tuple[Transitions, list[Episode]]:
        """Wait until ``min_envs`` steps that were sent are done, and take all that are.

        These environments are then the ones that wait for an action; see :meth:`step`.
        """
        with self._giving_up():
            return self._take(self.pool.recv(min_envs))

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Lose the open episodes where the pool gives up: what ends one would end it again."""
        try:
            yield
        except EnvironmentFailure:
            self._before["lost_episodes"] += self._recorder.discard_open()
            self.recent.discard_open()
            self._given_up = 1
            raise

    def _take(self, reply: Transitions) -> tuple[Transitions, list[Episode]]:
        self.recent.add(reply)
        episodes = self._recorder.add(reply)
        self._obs[reply.env_ids] = reply.obs
        self._first[reply.env_ids] = reply.done | reply.lost
        self._ready = reply.env_ids
        return reply, episodes

    def state_dict(self) -> dict[str, Any]:
        """Return the open episodes, and what ended since the last report.

        To be called when no step is under way: that one would be missing.
        """
        actions = self._recorder.open_actions()
        return {
            "envs": torch.from_numpy(self.envs),
            "numbers": torch.from_numpy(self.pool.episode_numbers + self._given_up),
            "open_steps": torch.tensor([len(each) for each in actions]),
            "open_actions": torch.from_numpy(np.concatenate(actions)),
            "lost_episodes": self.lost_episodes,
            "deaths": self.deaths,
            "recent": self.recent.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`; :meth:`begin` then repeats the open episodes."""
        numbers, steps = state["numbers"].numpy(), state["open_steps"].tolist()
        if len(numbers) != self.pool.num_envs or sum(steps) != len(state["open_actions"]):
            raise ValueError(f"{len(numbers)} environments there, {self.pool.num_envs} here")
        self._numbers = numbers.copy()
        self._open = [part.numpy().copy() for part in state["open_actions"].split(steps)]
        self._before = {name: int(state.get(name, 0)) for name in self._before}
        self.recent.load_state_dict(state["recent"])
