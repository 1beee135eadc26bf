"""What rounds of a run take on this machine, whatever kind of agent acts and learns in them.

A round is one step of all environments, and the updates that are due after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from newt_core.agents.base import Acting, Metrics, OfflineAgent
from newt_core.training.loop import Loop
from newt_core.types import STATE_DIM, Transitions
from newt_core.workflows.stage_times import seconds
from newt_core.workflows.trial_loop import Player, Trial, random_episode

_MEASURED = 9
"""Times that it learns which are timed at most, after one that does not count."""
_PATIENCE_S = 2.0
"""Once it has acted and learned for so long, the next time that it learns is the last."""
_LONGEST_WAIT_S = 60.0
"""In which it has to learn for the first time."""


@dataclass(frozen=True)
class RoundTimes:
    """What acting takes, and how often an agent learns for how long."""

    step: float
    """Seconds of a step of all environments."""
    first: int
    """Rounds up to the first after which it learns."""
    apart: int
    """Rounds from one such to the next."""
    learning: float
    """Seconds of the updates that are due then."""
    updates: int
    """How many these are."""

    def times_learned(self, rounds: int) -> int:
        """Return after how many of a run's rounds it learns."""
        return max(0, (rounds - self.first) // self.apart + 1)


def round_times(trial: Trial) -> RoundTimes | None:
    """Let an agent learn from made-up experience until it is known how often and how fast it does.

    Episodes are as long as its tasks' own, of random numbers. Then it takes a few real steps.

    Args:
        trial: An agent at its beginning, and its environments.

    Returns:
        None if it learned nothing in :data:`_LONGEST_WAIT_S`.

    Raises:
        TrainingDiverged: Its weights are useless before long.
    """
    made_up = _MadeUp(trial)
    began = time.perf_counter()
    moments, took, counts = list[int](), list[float](), list[int]()
    while len(moments) <= _MEASURED:
        made_up.step()
        start = time.perf_counter()
        enough = bool(moments) and start - began > _PATIENCE_S
        # Then all that is still to be known is when it learns again.
        count = _take(made_up.updates(), 1 if enough else None)
        if count:
            moments.append(made_up.rounds)
            if enough:
                break
            took.append(time.perf_counter() - start)
            counts.append(count)
        elif not moments and start - began > _LONGEST_WAIT_S:
            return None
    loop = Loop(trial.learner, trial.collector)
    return RoundTimes(
        step=seconds(partial(loop.act, made_up.steps)),
        first=moments[0],
        apart=max(1, round((moments[-1] - moments[0]) / (len(moments) - 1))),
        learning=float(np.median(took[1:] or took)),
        updates=counts[-1],
    )


@dataclass(frozen=True)
class CloningTimes:
    """What an agent takes that learns from demonstrations alone."""

    step: float
    """Seconds of a step of all environments, which it acts in when it is evaluated."""
    update: float
    """Seconds of a gradient step."""


def cloning_times(player: Player, learner: OfflineAgent) -> CloningTimes:
    """Take a few updates and steps, and time them.

    Args:
        player: The agent and its environments.
        learner: The agent as one that learns.
    """
    collector = player.collector
    act = player.agent.player(collector.pool.num_envs, seed=0, how=Acting())
    return CloningTimes(
        step=seconds(lambda: collector.step(act(collector.observation))),
        update=seconds(lambda: _wait_for(learner.update())),
    )


class _MadeUp:
    """Steps an agent with random numbers in the place of its environments."""

    def __init__(self, trial: Trial) -> None:
        self._learner = trial.learner
        self._seen = trial.collector.observation
        self._stack = trial.agent.feature_stack
        self._lengths = np.array([spec.episode_length for spec in trial.collector.pool.specs])
        self._generator = np.random.default_rng(0)
        self.rounds = 0

    @property
    def steps(self) -> int:
        """Agent steps so far, summed over environments."""
        return self.rounds * len(self._lengths)

    def step(self) -> None:
        """Let it act in all environments, and see what came of it."""
        count = len(self._lengths)
        seen = replace(self._seen, first=self.rounds % self._lengths == 0)
        action = self._learner.act(seen, self.steps)
        self.rounds += 1
        obs = self._generator.normal(size=(count, STATE_DIM)).astype(np.float32)
        done, nothing = self.rounds % self._lengths == 0, np.zeros(count, np.float32)
        transitions = Transitions(
            env_ids=seen.env_ids,
            obs=obs,
            final_obs=obs,
            reward=self._generator.uniform(0, 1, count).astype(np.float32),
            done=done,
            success=nothing,
            score=nothing,
            lost=np.zeros(count, np.bool_),
            action=action,
            features=seen.features,
            final_features=seen.features,
        )
        ended = [random_episode(int(task), self._stack) for task in seen.task[done]]
        self._learner.observe(transitions, ended)

    def updates(self) -> Iterable[Metrics]:
        """Take the updates that are due, one per iteration."""
        return self._learner.learn(self.steps)


def _take(updates: Iterable[Metrics], most: int | None) -> int:
    """Take updates, some at most, wait for the last, and return how many there were."""
    count = 0
    for count, metrics in enumerate(updates, start=1):
        newest = metrics
        if count == most:
            break
    if count:
        _wait_for(newest)
    return count


def _wait_for(metrics: Metrics) -> None:
    """Look at what an update says of itself: until then it may not have come to its end."""
    for value in metrics.values():
        float(value)
