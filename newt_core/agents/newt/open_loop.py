"""Acting without feedback: a plan of many actions, executed to its end before the next."""

from __future__ import annotations

import numpy as np

from newt_core.agents.actions import executable
from newt_core.agents.newt.acting_model import ActingModel
from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.types import ACTION_DIM, FloatArray, Observation

NOISE_NUMBERS = 2**26
"""Random numbers that plans made at the same time may take: 256 MB."""


class OpenLoopActor:
    """Plans H actions at once, executes them without looking, then looks and plans anew.

    A plan begins with none before it, and with the planner's widest noise: nothing is taken over
    from the one that has come to its end. An episode begins with a plan of its own.

    Args:
        agent: Its newest weights are used at every plan.
        num_envs: Environments that ids may name.
        horizon: H, 1 or more.
        seed: Determines all noise, which follows from an episode's number and the number of the
            plan in it.
        prior_weight: As in :class:`newt_core.agents.newt.actor.ActorSettings`.
    """

    def __init__(
        self,
        agent: ActingModel,
        num_envs: int,
        *,
        horizon: int,
        seed: int,
        prior_weight: float | None = None,
    ) -> None:
        settings = ActorSettings(prior_weight=prior_weight, horizon=horizon)
        self._planner = Actor(agent, num_envs, seed=seed, settings=settings)
        self._actions = np.zeros((horizon, num_envs, ACTION_DIM), np.float32)
        self._done = np.full(num_envs, horizon)  # actions executed of each environment's plan
        config, width = agent.planner_config, agent.planning_snapshot().width
        numbers = horizon * config.iterations * config.num_samples * width
        self._together = max(1, NOISE_NUMBERS // numbers)

    def __call__(self, observation: Observation) -> FloatArray:
        """Return each environment's next action, [K, A], planning where the last was executed.

        Raises:
            UselessActionError: A plan is not finite, because the weights are useless.
        """
        ids = observation.env_ids
        due = np.flatnonzero(observation.first | (self._done[ids] >= len(self._actions)))
        for start in range(0, len(due), self._together):
            rows = due[start : start + self._together]
            self._plan(observation.of_rows(rows))
        actions = self._actions[self._done[ids], ids]
        self._done[ids] += 1
        return actions

    def _plan(self, observation: Observation) -> None:
        plan = self._planner.plan(observation, anew=True)
        self._actions[:, observation.env_ids] = executable(plan.actions)
        self._done[observation.env_ids] = 0
