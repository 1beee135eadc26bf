"""Puts the pool's transitions together into whole episodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newt_core.errors import ConfigError, PoolStateError
from newt_core.types import (
    ACTION_DIM,
    IMAGE_DIM,
    STATE_DIM,
    BoolArray,
    Episode,
    FloatArray,
    HalfArray,
    IntArray,
    Transitions,
)


class EpisodeRecorder:
    """One unfinished episode per environment.

    The environments may be at different steps, have episodes of different lengths and report
    in any order; an episode cut short by a dying worker is dropped.
    """

    def __init__(
        self,
        task_ids_of_envs: Sequence[int],
        episode_lengths: Sequence[int],
        *,
        features: bool = False,
    ) -> None:
        """Make room for an episode of each environment.

        Args:
            task_ids_of_envs: [E] index of each environment's task in the run's task list.
            episode_lengths: [E] agent steps in an episode of each environment.
            features: Whether pictures' features are recorded, too.

        Raises:
            ConfigError: if the two differ in length, or an episode has no step.
        """
        if len(task_ids_of_envs) != len(episode_lengths):
            raise ConfigError(
                f"{len(task_ids_of_envs)} tasks for {len(episode_lengths)} episode lengths: "
                "give one of each per environment."
            )
        if any(length < 1 for length in episode_lengths):
            raise ConfigError("an episode length is below 1 step.")
        self._task = np.asarray(task_ids_of_envs, np.int64)
        self._length = np.asarray(episode_lengths, np.int64)
        # The episodes lie one after the other in the same arrays, T + 1 rows each, so that a
        # reply of the pool is stored without a loop.
        self._base = np.cumsum(self._length + 1) - (self._length + 1)
        rows = int(np.sum(self._length + 1))
        self._obs = np.zeros((rows, STATE_DIM), np.float32)
        self._action = np.zeros((rows, ACTION_DIM), np.float32)
        self._reward = np.zeros(rows, np.float32)
        self._features = np.zeros((rows, IMAGE_DIM), np.float16) if features else None
        self._steps = np.zeros(len(self._length), np.int64)
        self._begun = False

    def begin(self, obs: FloatArray, features: HalfArray | None = None) -> None:
        """Begin an episode in every environment, discarding unfinished ones.

        Args:
            obs: [E, S] what the pool's reset returned.
            features: [E, F, D] of the pictures up to ``obs``; of a stack, the newest is kept.
        """
        self._obs[self._base] = obs
        self._record_features(self._base, features)
        self._steps[:] = 0
        self._begun = True

    def add(self, transitions: Transitions) -> list[Episode]:
        """Record one step in each of K environments, with the actions that were executed.

        Returns:
            The episodes that ended with this step, in the order of their environments.

        Raises:
            PoolStateError: if no episode was begun, or one ends at another step than its task
                says.
        """
        if not self._begun:
            raise PoolStateError("the recorder was given a step before begin().")
        ids = transitions.env_ids
        kept = ~transitions.lost
        done = transitions.done & kept

        self._check_ends(ids[kept], done[kept])
        row = self._base[ids[kept]] + self._steps[ids[kept]]
        self._action[row] = transitions.action[kept]
        self._reward[row] = transitions.reward[kept]
        self._obs[row + 1] = transitions.final_obs[kept]
        self._record_features(row + 1, transitions.final_features, kept)
        self._steps[ids[kept]] += 1

        episodes = [self._finished(env) for env in ids[done].tolist()]
        fresh = done | transitions.lost
        self._obs[self._base[ids[fresh]]] = transitions.obs[fresh]
        self._record_features(self._base[ids[fresh]], transitions.features, fresh)
        self._steps[ids[fresh]] = 0
        return episodes

    def open_actions(self) -> list[FloatArray]:
        """Return the actions of every environment's unfinished episode so far, [steps, A] each."""
        spans = zip(self._base.tolist(), self._steps.tolist(), strict=True)
        return [self._action[base : base + steps].copy() for base, steps in spans]

    def discard_open(self) -> int:
        """Give up the unfinished episodes, and return how many had begun."""
        open_episodes = int(np.count_nonzero(self._steps))
        self._steps[:] = 0
        return open_episodes

    def _finished(self, env: int) -> Episode:
        first, length = int(self._base[env]), int(self._length[env])
        # Copies: these rows are about to take the next episode.
        return Episode(
            task=int(self._task[env]),
            obs=self._obs[first : first + length + 1].copy(),
            action=self._action[first : first + length].copy(),
            reward=self._reward[first : first + length].copy(),
            features=(
                None
                if self._features is None
                else self._features[first : first + length + 1].copy()
            ),
        )

    def _record_features(
        self, rows: IntArray, features: HalfArray | None, which: BoolArray | slice = slice(None)
    ) -> None:
        if self._features is None:
            return
        if features is None:
            raise PoolStateError("the recorder expects image features, which the pool lacks.")
        self._features[rows] = features[which, -1]

    def _check_ends(self, ids: IntArray, done: BoolArray) -> None:
        """Refuse episodes that end early or run on: every task has a fixed length."""
        at_end = self._steps[ids] + 1 == self._length[ids]
        wrong = np.flatnonzero(at_end != done)
        if len(wrong):
            env = int(ids[wrong[0]])
            what = "ended" if done[wrong[0]] else "did not end"
            raise PoolStateError(
                f"environment {env}: its episode {what} after {self._steps[env] + 1} steps, "
                f"but its task's episodes have {self._length[env]}."
            )
