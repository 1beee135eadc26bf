"""The pool: what callers ask, whose turn it is, which episodes were lost; others run it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from newt_core import arguments
from newt_core.envs.pool.api import EpisodeNumbers, PoolStats
from newt_core.envs.pool.hosts import EnvState, FindHosts, OnLost
from newt_core.envs.pool.messages import Kind
from newt_core.envs.session import checked_actions
from newt_core.errors import (
    EnvironmentClosedError,
    EnvironmentFailure,
    PoolStateError,
)
from newt_core.specs.schema import TaskSpec
from newt_core.types import (
    ACTION_DIM,
    BoolArray,
    ByteArray,
    FloatArray,
    IntArray,
    Transitions,
)


class EnvPool:
    """A :class:`newt_core.envs.pool.api.Pool` that others run. Not for several threads.

    Args:
        specs: [E] the task of each environment; repeat one for several environments of a task.
        seed: determines every episode, together with the environment's index.
        find_hosts: makes who runs them: worker processes on this machine, or other machines.

    Raises:
        EnvironmentFailure: a task cannot be built.
        NewtError: any other that building a task raises, such as a missing package.
    """

    def __init__(self, specs: Sequence[TaskSpec], seed: int, find_hosts: FindHosts) -> None:
        self._specs = tuple(specs)
        self._stats = PoolStats()
        self._all_ids: IntArray = np.arange(len(specs))
        self._masks: FloatArray = np.stack([spec.action_mask for spec in specs]).astype(np.float32)
        """[E, A] ones in the valid action entries."""
        self._owed: BoolArray = np.zeros(len(specs), dtype=np.bool_)
        """[E] sent to, and no row received for it yet."""
        self._lost: BoolArray = np.zeros(len(specs), dtype=np.bool_)
        """[E] its episode was lost, and the caller does not know yet."""
        self._crew = find_hosts(self._stats, _weakly(self._note_lost))
        self._crew.shared.run_seed[0] = seed
        # Runs at close(), when the pool becomes garbage, or when the interpreter exits.
        self._finalizer = weakref.finalize(self, self._crew.close)
        try:
            self._crew.start()
        except BaseException:
            self.close()
            raise

    @property
    def specs(self) -> tuple[TaskSpec, ...]:
        """[E] the task of each environment."""
        return self._specs

    @property
    def num_envs(self) -> int:
        """E."""
        return len(self._specs)

    @property
    def draws(self) -> bool:
        """Whether there are pictures."""
        return self._crew.shared.frames.size > 0

    @property
    def worker_of(self) -> tuple[int, ...]:
        """[E] which worker, or which machine of several, hosts each environment."""
        return tuple(self._crew.worker_of.tolist())

    @property
    def stats(self) -> PoolStats:
        """Deaths and lost episodes so far."""
        return self._stats

    @property
    def episode_numbers(self) -> IntArray:
        """[E] the number of the episode that each environment is in."""
        shared = self._crew.shared
        return shared.episode - shared.stride

    def reset(self, seed: int | None = None, episodes: EpisodeNumbers | None = None) -> FloatArray:
        """Begin a new episode everywhere; see ``Pool.reset``.

        Raises:
            ConfigError: the seed is out of range.
            EnvironmentFailure: a task died three times within a minute. The pool is closed.
        """
        self._require_open()
        if seed is not None:
            seed = arguments.seed(seed)
        crew = self._crew
        self._wait_until(lambda: bool(np.all((crew.state == EnvState.BUILT) | self._ready())))
        if seed is not None:
            crew.shared.run_seed[0] = seed
            episodes = episodes or EpisodeNumbers.own_series(np.zeros(self.num_envs, np.int64))
        if episodes is not None:
            crew.number(episodes)
        crew.request(Kind.RESET, self._all_ids)
        self._wait_until(lambda: bool(np.all(self._ready())))
        self._owed[:] = False
        self._lost[:] = False
        return crew.shared.obs.copy()

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        """Start an agent step in some environments; see ``Pool.send``.

        Raises:
            InvalidActionError: the shape is not [K, A] or an entry is not finite.
            PoolStateError: an id is wrong or repeated, an environment has no episode yet, or
                its last row was not received.
        """
        self._require_open()
        self._send(actions, self._checked_ids(env_ids))

    def recv(self, min_envs: int = 1) -> Transitions:
        """Wait for steps to finish; see ``Pool.recv``.

        Raises:
            PoolStateError: fewer than ``min_envs`` steps are under way.
            EnvironmentFailure: a task died three times within a minute. The pool is closed.
        """
        self._require_open()
        under_way = int(np.count_nonzero(self._owed))
        if not 1 <= min_envs <= under_way:
            raise PoolStateError(
                f"recv() cannot wait for {min_envs} environments while {under_way} are "
                f"stepping: send() actions first."
            )
        self._crew.shared.eager[0] = min_envs < under_way
        self._wait_until(lambda: int(np.count_nonzero(self._owed & self._ready())) >= min_envs)
        self._crew.shared.eager[0] = False
        return self._take(np.flatnonzero(self._owed & self._ready()))

    def step(self, actions: ArrayLike) -> Transitions:
        """Make one agent step everywhere; see ``Pool.step``. Raises what :meth:`send` does."""
        self._require_open()
        self._send(actions, self._all_ids)
        return self.recv(self.num_envs)

    def frames(self) -> ByteArray:
        """Return the pictures up to the present observations; see ``Pool.frames``.

        Raises:
            PoolStateError: the pool draws none, or environments are still stepping.
        """
        self._require_open()
        if not self.draws:
            raise PoolStateError("this pool draws no pictures: make it with frames=1 or more.")
        if self._owed.any() or not self._ready().all():
            raise PoolStateError("the pictures are not ready: reset() or recv() first.")
        return self._crew.shared.frames.copy()

    def features(self, env_ids: IntArray | None = None) -> None:
        """Return None: nobody encodes frames here."""

    def close(self) -> None:
        """End all workers. Can be repeated."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if not self._finalizer.alive:
            raise EnvironmentClosedError("the environment pool is closed: make a new one.")

    def _checked_ids(self, env_ids: ArrayLike) -> IntArray:
        ids = np.asarray(env_ids, dtype=np.int64)
        distinct = ids.ndim == 1 and len(np.unique(ids)) == len(ids)
        if not distinct or np.any((ids < 0) | (ids >= self.num_envs)):
            raise PoolStateError(
                f"env_ids must be a list of different numbers from 0 to {self.num_envs - 1}."
            )
        return ids

    def _send(self, actions: ArrayLike, ids: IntArray) -> None:
        checked = checked_actions(actions, (len(ids), ACTION_DIM))
        if (self._crew.state[ids] == EnvState.BUILT).any():
            raise PoolStateError("the environments have no episode yet: reset() the pool first.")
        owed = self._owed[ids]
        if owed.any():
            raise PoolStateError(f"environment {ids[owed][0]} is still stepping: recv() it first.")
        self._owed[ids] = True
        # A lost environment has no use for the action: its row is the news of the loss.
        alive = ~self._lost[ids]
        self._crew.shared.action[ids[alive]] = (checked * self._masks[ids])[alive]
        self._crew.request(Kind.STEP, ids[alive])

    def _ready(self) -> BoolArray:
        ready: BoolArray = self._crew.state == EnvState.READY
        return ready

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        try:
            self._crew.wait_until(condition)
        except EnvironmentFailure:
            self.close()
            raise

    def _note_lost(self, env_ids: IntArray) -> None:
        self._stats.lost_episodes += int(np.count_nonzero(~self._lost[env_ids]))
        self._lost[env_ids] = True

    def _take(self, ids: IntArray) -> Transitions:
        """Copy finished rows out of the shared memory and settle the debt."""
        shared = self._crew.shared
        frames = final_frames = shared.frames[ids] if shared.frames.size else None
        ended = shared.done[ids] & ~self._lost[ids]
        if frames is not None and ended.any():
            final_frames = frames.copy()
            final_frames[ended] = shared.final_frames[ids[ended]]
        taken = Transitions(
            env_ids=ids,
            obs=shared.obs[ids],
            final_obs=shared.final_obs[ids],
            reward=shared.reward[ids],
            done=shared.done[ids],
            success=shared.success[ids],
            score=shared.score[ids],
            lost=self._lost[ids],
            action=shared.action[ids],
            frames=frames,
            final_frames=final_frames,
        )
        if taken.lost.any():
            # Only obs is new in these rows; the rest still describes the step before.
            lost = taken.lost
            taken.final_obs[lost] = taken.obs[lost]
            taken.reward[lost] = 0.0
            taken.done[lost] = False
            taken.success[lost] = np.nan
            taken.score[lost] = 0.0
        self._owed[ids] = False
        self._lost[ids] = False
        return taken


def _weakly(method: OnLost) -> OnLost:
    """Return a function that calls a method without keeping its object alive."""
    reference = weakref.WeakMethod(method)

    def call(env_ids: IntArray) -> None:
        bound = reference()
        if bound is not None:
            bound(env_ids)

    return call
