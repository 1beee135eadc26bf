"""One round of interaction, the same for a run, a forecast and a benchmark."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch

from newt_core.agents.base import Metrics, OnlineAgent, OverlappingAgent
from newt_core.threads import divided
from newt_core.training.collector import Collector
from newt_core.training.learning_thread import LearningThread, Taken
from newt_core.training.overlap import LOCK_STEP, Overlap
from newt_core.training.stage_clock import StageClock
from newt_core.types import Episode, FloatArray, Observation, Transitions


class Loop:
    """An agent and its environments, round by round. To be closed when it is over.

    Args:
        agent: Acts and learns; an :class:`newt_core.agents.base.OverlappingAgent` unless all is
            done in lock-step.
        collector: Supplies experience; begun by whoever runs the loop.
        overlap: What goes on at the same time.
    """

    def __init__(
        self, agent: OnlineAgent, collector: Collector, overlap: Overlap = LOCK_STEP
    ) -> None:
        self.agent = agent
        self.collector = collector
        self.overlap = overlap
        self.clock = StageClock()
        self.beside = Taken()
        """The updates beside the newest round, whose actions were chosen without them."""
        self._learner: LearningThread | None = None
        self._threads = 1
        """PyTorch's, while no updates are taken beside."""

    def act(self, steps: int) -> int:
        """Make one agent step in every environment, and let the agent see what came of it.

        Args:
            steps: Agent steps so far, summed over environments.

        Returns:
            The agent steps made.
        """
        with self.clock.running():
            with self._learning_beside(steps):
                transitions, episodes = self._step(steps)
            self.agent.observe(transitions, episodes)
        return len(transitions.env_ids)

    def learn(self, steps: int, *, leaving: bool = True) -> Iterator[Metrics]:
        """Take the updates that are due, one per iteration; whoever iterates may break off.

        Args:
            steps: Agent steps so far.
            leaving: Whether to leave those that can be taken beside the next round.
        """
        if leaving and self.overlap.updates:
            updates = self._overlapping.learn(steps, leave=self.overlap.updates)
        else:
            updates = self.agent.learn(steps)
        while True:
            with self.clock.running(), self.clock.timed("learning"):
                metrics = next(updates, None)
            if metrics is None:
                return
            yield metrics

    def close(self) -> None:
        """End the thread that takes updates, if there is one."""
        if self._learner is not None:
            self._learner.close()
            self._learner = None

    @property
    def _overlapping(self) -> OverlappingAgent:
        return cast(OverlappingAgent, self.agent)

    def _step(self, steps: int) -> tuple[Transitions, list[Episode]]:
        collector, clock, count = self.collector, self.clock, self.overlap.groups
        if count == 1:
            actions = self._choose(collector.observation, steps)
            with clock.timed("simulation", "waiting_for_simulation"):
                return collector.step(actions)
        began = None
        for number in range(count):
            if number == self.overlap.groups_beside:
                self._wait_for_updates()
            # One of every few environments: neighbours are alike, and about as slow.
            envs = np.arange(number, collector.pool.num_envs, count)
            actions = self._choose(collector.observation_of(envs), steps)
            began = began or time.monotonic()
            collector.send(actions, envs)
        with clock.timed("waiting_for_simulation"):
            reply = collector.recv(collector.pool.num_envs)
        clock.add("simulation", time.monotonic() - (began or 0.0))
        return reply

    def _choose(self, seen: Observation, steps: int) -> FloatArray:
        with self.clock.timed("planning"):
            return self.agent.act(seen, steps)

    # -- updates beside a round -------------------------------------------------------------------

    @contextmanager
    def _learning_beside(self, steps: int) -> Iterator[None]:
        """Take the updates that are due after so many steps while the block goes on."""
        self.beside = Taken()
        if not self.overlap.updates or not self._overlapping.due(steps):
            yield
            return
        self._threads = torch.get_num_threads()
        own, others = divided(self._threads)
        if self._learner is None:
            self._learner = LearningThread(self.agent.skipped.total.device, others)
        self._overlapping.hold()
        self._learner.begin(self._overlapping.learn(steps))
        torch.set_num_threads(own)
        try:
            yield
        finally:
            self._wait_for_updates()

    def _wait_for_updates(self) -> None:
        """Let the updates under way come to an end, and act by the newest weights again."""
        if self._learner is None or not self._learner.at_work:
            return
        try:
            with self.clock.timed("waiting_for_learning"):
                self.beside = self._learner.end()
            self.clock.add("learning", self.beside.seconds)
        finally:
            torch.set_num_threads(self._threads)
            self._overlapping.release()
