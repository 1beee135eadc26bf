"""The crew of workers: builds the environments, passes on requests, replaces the fallen."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from newt_core import errors
from newt_core.envs.pool import buffers, messages
from newt_core.envs.pool.api import EpisodeNumbers, PoolStats
from newt_core.envs.pool.balance import balance, deal
from newt_core.envs.pool.deaths import DeathLog
from newt_core.envs.pool.hosts import EnvState
from newt_core.envs.pool.inline import InlineWorker
from newt_core.envs.pool.messages import Failure, Kind
from newt_core.envs.pool.process import WorkerProcess, end
from newt_core.errors import EnvironmentFailure, NewtError
from newt_core.specs.schema import TaskSpec
from newt_core.types import IntArray

BUILD_TIMEOUT_S = 300.0
"""Seconds that starting an interpreter and building one environment may take: on a loaded
machine, importing a simulator alone can need a minute."""

_LOOK_EVERY_S = 0.5
"""Seconds of listening between two looks at workers that do not answer."""


AnyWorker = WorkerProcess | InlineWorker


class Crew:
    """Worker processes that host one environment per entry of ``specs``.

    When a worker dies, hangs or reports an error, the environments concerned are built anew
    and begin a new episode if they had one; the caller only sees them become ready later.

    Args:
        specs: [E] the task of each environment.
        num_workers: W; 0 for environments in this process.
        frames: pictures kept of each environment; 0 for states alone.
        timeout: seconds that one step or reset of one environment may take.
        builders: domains beside the installed ones, name → ``module:function``.
        stats: where to count deaths.
        on_lost: called with the ids [K] of environments whose episode has just been lost.
    """

    def __init__(
        self,
        specs: Sequence[TaskSpec],
        num_workers: int,
        frames: int,
        timeout: float,
        builders: Mapping[str, str],
        stats: PoolStats,
        on_lost: Callable[[IntArray], None],
    ) -> None:
        self._specs = specs
        self._in_processes = num_workers > 0
        self._num_workers = num_workers = max(1, num_workers)
        self._timeout = timeout
        self._builders = builders
        self._deaths = DeathLog(stats)
        self._on_lost = on_lost
        self.state = np.full(len(specs), EnvState.BUILDING)
        """[E] of :class:`EnvState`."""
        self._has_episode = np.zeros(len(specs), dtype=np.bool_)  # or had one when it was lost
        self._cost_s = np.full(len(specs), np.nan)
        self.worker_of = np.array(deal(len(specs), num_workers))
        """[E] index of the worker that hosts the environment."""
        self._started = False
        self._shape = buffers.PoolShape(len(specs), num_workers, frames)
        self.memory_fd, self.shared = buffers.create(self._shape)
        self.shared.current_env[:] = buffers.NO_ENV
        self.number(EpisodeNumbers.own_series(np.zeros(len(specs), np.int64)))
        self.workers: list[AnyWorker] = []
        self._poll = select.poll()
        self._by_fd: dict[int, AnyWorker] = {}
        self._unlooked_s = 0.0

    def start(self) -> None:
        """Start the workers, build all environments and balance their costs.

        Raises:
            EnvironmentFailure: a task cannot be built.
            NewtError: any other that building a task raises, such as a missing package.
        """
        for index in range(self._num_workers):
            self.workers.append(self._hire(index))
            self._request_build(self._hosted_by(index))
        self.wait_until(self._all_built)
        better = balance(self._cost_s.tolist(), self.worker_of.tolist(), self._num_workers)
        moving = np.flatnonzero(np.array(better) != self.worker_of)
        if len(moving) > 0:
            self._send(Kind.DROP, moving)
            self.worker_of[:] = better
            self._request_build(moving)
            self.wait_until(self._all_built)
        self._started = True

    def close(self) -> None:
        """End all workers. Not to be repeated."""
        end(self.workers)
        os.close(self.memory_fd)

    def number(self, episodes: EpisodeNumbers) -> None:
        """Say which episodes the environments run from their next reset on."""
        self._numbers = episodes
        self.shared.number(episodes)

    def request(self, kind: Kind, env_ids: IntArray) -> None:
        """Have environments reset or stepped: one message to each worker concerned."""
        self.state[env_ids] = EnvState.RUNNING
        self._has_episode[env_ids] = True
        self._send(kind, env_ids)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Listen to the workers until ``condition`` holds, looking after them meanwhile.

        Raises:
            EnvironmentFailure: a task died too often.
        """
        self._listen(0.0)
        while not condition():
            self._listen(min(_LOOK_EVERY_S, self._timeout / 4))

    # ------------------------------------------------------------------------- requests

    def _hire(self, index: int) -> AnyWorker:
        worker: AnyWorker
        if self._in_processes:
            worker = WorkerProcess(index, self._shape, self.memory_fd, self.shared, self._builders)
        else:
            worker = InlineWorker(self.shared, self._builders)
        self._by_fd[worker.connection.fileno()] = worker
        self._poll.register(worker.connection, select.POLLIN)
        return worker

    def _hosted_by(self, index: int) -> IntArray:
        return np.flatnonzero(self.worker_of == index)

    def _request_build(self, env_ids: IntArray) -> None:
        """Have environments built; a cost is measured once per environment."""
        self.state[env_ids] = EnvState.BUILDING
        for worker in self.workers:
            mine = env_ids[self.worker_of[env_ids] == worker.index].tolist()
            if mine:
                unknown = np.isnan(self._cost_s)
                body = [(env, self._specs[env], bool(unknown[env])) for env in mine]
                worker.send(Kind.BUILD, body)

    def _send(self, kind: Kind, env_ids: IntArray) -> None:
        for worker in self.workers:
            mine = env_ids[self.worker_of[env_ids] == worker.index]
            if len(mine) > 0:
                worker.send(kind, mine)

    def _all_built(self) -> bool:
        return not np.any(self.state == EnvState.BUILDING)

    # ------------------------------------------------------------------------ listening

    def _listen(self, seconds: float) -> None:
        """Handle what the workers said, waiting up to ``seconds`` for the first word."""
        start = time.monotonic()
        for descriptor, _ in self._poll.poll(seconds * 1000):
            worker = self._by_fd[descriptor]
            try:
                kind, body = messages.receive(worker.connection)
            except (EOFError, OSError):
                self._replace(worker, worker.cause_of_death())
                continue
            if kind is Kind.FINISHED:
                self.state[body] = EnvState.READY
            elif kind is Kind.BUILT:
                self._note_built(*body)
            elif kind is Kind.FAILED:
                self._note_failure(body)
        self._unlooked_s += time.monotonic() - start
        if self._unlooked_s >= seconds > 0:
            self._look_for_hangs(self._unlooked_s)
            self._unlooked_s = 0.0

    def _look_for_hangs(self, waited_s: float) -> None:
        for worker in list(self.workers):
            states = self.state[self._hosted_by(worker.index)]
            if np.any(states == EnvState.BUILDING):
                limit_s = max(self._timeout, BUILD_TIMEOUT_S)
            elif np.any(states == EnvState.RUNNING):
                limit_s = self._timeout
            else:
                continue
            if worker.silent_for(waited_s) > limit_s:
                worker.kill()
                self._replace(worker, f"no sign of life for {limit_s:g} s", hung_s=limit_s)

    def _note_built(self, env_id: int, cost_s: float | None) -> None:
        if cost_s is not None:
            self._cost_s[env_id] = cost_s
        self.state[env_id] = EnvState.BUILT
        if self._has_episode[env_id]:
            self.request(Kind.RESET, np.array([env_id]))

    # ------------------------------------------------------------------------ accidents

    def _note_failure(self, failure: Failure) -> None:
        """Build an environment again that raised an error. At the start there is no point."""
        task = self._specs[failure.env_id].id
        if not self._started:
            raise as_error(failure, f"task '{task}' cannot be built")
        env_ids = np.array([failure.env_id])
        self._declare_lost(env_ids)
        error = f"{failure.error_name} in {failure.doing}: {failure.text}"
        self._deaths.record(task, error, int(self.worker_of[failure.env_id]))
        self._request_build(env_ids)

    def _replace(self, worker: AnyWorker, cause: str, hung_s: float = 0.0) -> None:
        """Put a new worker in a dead one's place and give it the same environments."""
        index = worker.index
        descriptor = next(fd for fd, other in self._by_fd.items() if other is worker)
        del self._by_fd[descriptor]
        self._poll.unregister(descriptor)
        env_ids = self._hosted_by(index)
        self._declare_lost(env_ids)
        culprit = int(self.shared.current_env[index])
        self.shared.current_env[index] = buffers.NO_ENV
        task = self._specs[culprit].id if culprit != buffers.NO_ENV else None
        self._deaths.record(task, cause, index, hung_s=hung_s)
        self.workers[index] = self._hire(index)
        self._request_build(env_ids)

    def _declare_lost(self, env_ids: IntArray) -> None:
        self.state[env_ids] = EnvState.BUILDING
        if self._numbers.repeat_lost:
            # Back to the episode that was lost; one that has begun none begins with its first.
            begun = env_ids[self._has_episode[env_ids]]
            before = self.shared.episode[begun] - self.shared.stride[begun]
            self.shared.episode[begun] = np.maximum(before, self._numbers.first[begun])
        self._on_lost(env_ids[self._has_episode[env_ids]])


def as_error(failure: Failure, what: str) -> NewtError:
    """Return the error to raise for what failed elsewhere: of the class that it had there.

    Args:
        failure: What is known of it.
        what: Precedes an error that is none of Newt's own, as in ``task 'a' cannot be built``.
    """
    known = getattr(errors, failure.error_name, None)
    if isinstance(known, type) and issubclass(known, NewtError):
        return known(failure.text)
    return EnvironmentFailure(f"{what}: {failure.error_name}: {failure.text}.")
