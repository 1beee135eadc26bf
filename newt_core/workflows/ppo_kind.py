"""PPO agents: a policy that learns by interaction alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from newt_core.agents.ppo.agent import PPOAgent
from newt_core.agents.ppo.config import PPOConfig
from newt_core.agents.ppo.interaction import PPOInteraction
from newt_core.errors import ConfigError
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.types import IntArray
from newt_core.workflows.policy_kind import PolicyKind


class PPOKind(PolicyKind):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    options = PPOConfig
    agent = PPOAgent

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Refuse rollouts of too few steps."""
        options = PPOConfig.model_validate(config.agent.options)
        steps = options.rollout * len(specs) * config.envs_per_task
        if steps < 2 * options.minibatches:
            raise ConfigError(
                f"agent.options.minibatches is {options.minibatches:,}, but a rollout has "
                f"{steps:,} steps in all: each part needs two at least. Lower it, or raise "
                "agent.options.rollout."
            )

    def online(
        self,
        agent: PPOAgent,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> PPOInteraction:
        """Return the agent with an empty rollout."""
        return PPOInteraction(agent, task_of_env, seed=config.seed)
