"""A worker process: hosts some environments and does what the pool asks, in order.

Started by :mod:`newt_core.envs.pool.supervise` as a fresh interpreter, so it imports neither
the user's script nor PyTorch: only NumPy, the specs and the simulators of its own tasks.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import numpy as np

from newt_core.envs.pool import buffers, messages
from newt_core.envs.pool.messages import Failure, Kind
from newt_core.envs.session import Session, open_session
from newt_core.errors import NewtError, located
from newt_core.specs.schema import TaskSpec

MEASURED_STEPS = 6
"""Agent steps that a new environment's cost is measured with; the first does not count."""


def main(connection_fd: int, memory_fd: int, lifeline_fd: int) -> None:
    """Serve the pool until it closes its end of the connection."""
    end_with_parent(lifeline_fd)
    connection = Connection(connection_fd)
    # The first message says who we are; everything after it is a request.
    index, shape, builders = connection.recv()
    shared = buffers.attach(memory_fd, shape)
    os.close(memory_fd)
    Worker(index, connection, shared, builders).serve()


def end_with_parent(lifeline_fd: int) -> None:
    """Have the kernel end this process when the parent's end of the pipe closes.

    That happens whenever the parent ends, also by ``kill -9``. The signal (SIGIO, whose default
    action is to terminate) also reaches a simulator that hangs in C code, where no Python
    thread would get to run.
    """
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline_fd, fcntl.F_GETFL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, flags | os.O_ASYNC)


class Worker:
    """The worker's side of the conversation."""

    def __init__(
        self,
        index: int,
        connection: messages.Speaker,
        shared: buffers.SharedArrays,
        builders: Mapping[str, str],
    ) -> None:
        self._index = index
        self._connection = connection
        self._shared = shared
        self._builders = builders
        self._sessions: dict[int, Session] = {}

    def serve(self) -> None:
        """Answer requests until the pool hangs up."""
        with suppress(EOFError, OSError):
            while True:
                self.answer(*messages.receive(self._connection))
        self.drop_all()

    def answer(self, kind: Kind, body: Any) -> None:
        """Do what a request asks, and report it."""
        if kind is Kind.STEP:
            self._each(body, "step", self._step)
        elif kind is Kind.RESET:
            self._each(body, "reset", self._reset)
        elif kind is Kind.BUILD:
            self._build(body)
        elif kind is Kind.DROP:
            for env_id in body:
                self._drop(env_id)

    def drop_all(self) -> None:
        """Close all environments."""
        for env_id in list(self._sessions):
            self._drop(env_id)

    def _each(self, env_ids: Sequence[int], doing: str, operation: Callable[[int], None]) -> None:
        """Apply an operation to environments in turn and report them: together, or eagerly."""
        shared, index = self._shared, self._index
        finished: list[int] = []
        for env_id in env_ids:
            shared.current_env[index] = env_id
            try:
                operation(env_id)
            except Exception as error:  # noqa: BLE001 (simulators may raise anything)
                self._fail(env_id, doing, error)
            else:
                finished.append(env_id)
            shared.progress[index] += 1
            if shared.eager[0] and finished:
                messages.send(self._connection, Kind.FINISHED, finished)
                finished = []
        shared.current_env[index] = buffers.NO_ENV
        if finished:
            messages.send(self._connection, Kind.FINISHED, finished)

    def _step(self, env_id: int) -> None:
        session, shared = self._sessions[env_id], self._shared
        outcome = session.step(shared.action[env_id, : session.spec.action_dim])
        obs_dim = session.spec.obs_dim
        shared.final_obs[env_id, :obs_dim] = outcome.obs
        shared.reward[env_id] = outcome.reward
        shared.success[env_id] = outcome.success
        shared.score[env_id] = session.score
        shared.done[env_id] = session.done
        if shared.frames.size:
            self._draw(env_id)
        if session.done:
            if shared.frames.size:
                shared.final_frames[env_id] = shared.frames[env_id]
            self._reset(env_id)
        else:
            shared.obs[env_id, :obs_dim] = outcome.obs

    def _reset(self, env_id: int) -> None:
        session, shared = self._sessions[env_id], self._shared
        series, number = int(shared.series[env_id]), int(shared.episode[env_id])
        seed = episode_seed(int(shared.run_seed[0]), series, number)
        # Counted first: if the reset fails, the next attempt is another episode.
        shared.episode[env_id] += shared.stride[env_id]
        shared.obs[env_id, : session.spec.obs_dim] = session.reset(seed)
        if shared.frames.size:
            self._draw(env_id)
            shared.frames[env_id, :-1] = shared.frames[env_id, -1]

    def _draw(self, env_id: int) -> None:
        """Add a picture of the present state, and forget the oldest."""
        frames = self._shared.frames[env_id]
        frames[:-1] = frames[1:]
        frames[-1] = self._sessions[env_id].picture()

    def _build(self, requests: Sequence[tuple[int, TaskSpec, bool]]) -> None:
        for env_id, spec, measure in requests:
            self._shared.current_env[self._index] = env_id
            try:
                session = self._sessions[env_id] = open_session(spec, self._builders)
                draws = self._shared.frames.size > 0
                cost = seconds_per_step(session, draws=draws) if measure else None
            except Exception as error:  # noqa: BLE001 (simulators may raise anything)
                self._fail(env_id, "build", error)
            else:
                messages.send(self._connection, Kind.BUILT, (env_id, cost))
            self._shared.progress[self._index] += 1
        self._shared.current_env[self._index] = buffers.NO_ENV

    def _fail(self, env_id: int, doing: str, error: Exception) -> None:
        """Give up an environment that raised an error: its state can no longer be trusted."""
        self._drop(env_id)
        # Messages of Newt's own errors say all there is to know.
        text = str(error) if isinstance(error, NewtError) else located(error)
        failure = Failure(env_id, doing, type(error).__name__, text)
        messages.send(self._connection, Kind.FAILED, failure)

    def _drop(self, env_id: int) -> None:
        session = self._sessions.pop(env_id, None)
        if session is not None:
            try:
                session.simulator.close()
            except Exception as error:  # noqa: BLE001 (it is given up anyway)
                sys.stderr.write(f"newt: closing '{session.spec.id}' failed: {located(error)}\n")


def episode_seed(run_seed: int, series: int, episode: int) -> int:
    """Return the 32-bit seed of one episode of a series.

    It depends on nothing else, so neither the number of workers nor a lost worker changes
    what the other episodes look like.
    """
    sequence = np.random.SeedSequence(run_seed, spawn_key=(series, episode))
    return int(sequence.generate_state(1)[0])


def seconds_per_step(session: Session, *, draws: bool = False) -> float:
    """Measure what an agent step costs, with its picture and its share of the reset."""
    generator = np.random.default_rng(0)
    size = session.spec.action_dim
    start = time.perf_counter()
    session.reset(0)
    reset_time = time.perf_counter() - start
    step_times = []
    for _ in range(min(MEASURED_STEPS, session.spec.episode_length)):
        action = generator.uniform(-1.0, 1.0, size).astype(np.float32)
        start = time.perf_counter()
        session.step(action)
        if draws:
            session.picture()
        step_times.append(time.perf_counter() - start)
    return median(step_times[1:] or step_times) + reset_time / session.spec.episode_length
