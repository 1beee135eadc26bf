"""How callers step many environments, whatever runs them.

Lock-step: ``step`` acts in every environment and waits for all of them. Asynchronous: ``send``
actions to some environments, go on with other work, ``recv`` whichever are ready. Lock-step is
``send`` to all followed by ``recv`` of all, so both can be mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from newt_core.specs.schema import TaskSpec
from newt_core.types import (
    BoolArray,
    ByteArray,
    FloatArray,
    HalfArray,
    IntArray,
    Observation,
    Transitions,
)


@dataclass
class PoolStats:
    """What went wrong so far."""

    deaths: dict[str, int] = field(default_factory=dict)
    """Task id → how often its simulator crashed, hung or raised an error. Workers that died
    outside a simulator (killed by hand, say) are counted under :data:`OUTSIDE_TASKS`."""
    lost_episodes: int = 0
    """Episodes that were discarded unfinished."""


OUTSIDE_TASKS = "(no task)"


@dataclass(frozen=True)
class EpisodeNumbers:
    """Which episodes the environments run from a reset on.

    What an episode begins with follows from the pool's seed, the series it belongs to and its
    number there, and from nothing else.
    """

    series: IntArray
    """[E] 0 or more; environments of one series run the same episodes under the same numbers."""
    first: IntArray
    """[E] the number of each environment's first episode, 0 or more."""
    stride: IntArray
    """[E] what each further episode's number is larger by."""
    repeat_lost: bool = False
    """Whether an episode that was lost is run again; otherwise the next one is."""

    @classmethod
    def own_series(cls, first: IntArray) -> EpisodeNumbers:
        """A series for every environment, each going on from its own number [E]."""
        return cls(np.arange(len(first)), first, np.ones(len(first), np.int64))


class Pool(Protocol):
    """Environments in lock-step or asynchronously; one environment per entry of ``specs``."""

    @property
    def specs(self) -> Sequence[TaskSpec]:
        """[E] the task of each environment."""

    @property
    def num_envs(self) -> int:
        """E."""

    @property
    def stats(self) -> PoolStats:
        """Deaths and lost episodes so far."""

    @property
    def episode_numbers(self) -> IntArray:
        """[E] the number of the episode that each environment is in; see EpisodeNumbers."""

    def reset(self, seed: int | None = None, episodes: EpisodeNumbers | None = None) -> FloatArray:
        """Begin a new episode everywhere and return its first observations, [E, S].

        Unfinished episodes and replies nobody has received are dropped. With a seed, all that
        follows is determined by it and the actions, however many workers there are. With
        ``episodes`` it is not the first episode of each environment's own series that begins.
        """

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        """Start an agent step with ``actions`` [K, A] in the environments ``env_ids`` [K]."""

    def recv(self, min_envs: int = 1) -> Transitions:
        """Wait until at least ``min_envs`` steps are done; return all that are, by env id.

        Exactly one row comes back for every action sent. If the environment was lost, its row
        says so, the action had no effect, and ``obs`` begins a new episode.
        """

    def step(self, actions: ArrayLike) -> Transitions:
        """Make one agent step with ``actions`` [E, A] everywhere; return E rows in order."""

    def frames(self) -> ByteArray:
        """Return the pictures up to the present observations, [E, F, 224, 224, 3].

        For the first pictures after ``reset``; the later ones come with the transitions.
        """

    def features(self, env_ids: IntArray | None = None) -> HalfArray | None:
        """Return the features up to the present observations, [E, F, D], or those of some.

        None where nobody encodes frames.
        """

    def close(self) -> None:
        """End all workers. Closing twice is fine; any other use afterwards is an error."""


def observation(
    pool: Pool, env_ids: IntArray, state: FloatArray, task: IntArray, first: BoolArray
) -> Observation:
    """Return what some of a pool's environments show, with features and episodes' numbers.

    Args:
        pool: The environments.
        env_ids: [K] which of them.
        state: [E, S] of all, as the last replies said.
        task: [E] index of each environment's task in the agent's list.
        first: [E] whether ``state`` begins an episode.
    """
    return Observation(
        state=state[env_ids],
        task=task[env_ids],
        env_ids=env_ids,
        first=first[env_ids],
        features=pool.features(env_ids),
        episode=pool.episode_numbers[env_ids],
    )
