"""Newt's own agents: a world model that plans, with a replay of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from newt_core.agents.base import Capabilities
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.interaction import Interaction, InteractionSettings
from newt_core.agents.newt.pretraining import Pretraining, PretrainingSettings
from newt_core.agents.newt.setup import task_table
from newt_core.replay import Mixture, ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.training.schedule import prior_weight
from newt_core.types import IntArray
from newt_core.workflows.agent_kinds import AgentInputs, NoOptions
from newt_core.workflows.take_weights import take_weights


class NewtKind:
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    capabilities = Capabilities(
        plans=True,
        reads_features=True,
        begins_with_weights=True,
        learns_from_demonstrations=True,
        learns_on_ranks=True,
        acts_open_loop=True,
        has_sizes=True,
        keeps_episodes=True,
        overlaps=True,
    )
    options = NoOptions

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Leave it at what all agents are checked for that keep episodes."""

    def new(self, inputs: AgentInputs) -> NewtAgent:
        """Return an agent with random weights."""
        config = inputs.config
        agent = NewtAgent(
            config.model,
            config.planner,
            config.update,
            task_table(inputs.specs, inputs.text),
            device=inputs.device,
            image_encoder=inputs.image_encoder,
            seed=config.seed,
            ranks=inputs.ranks,
        )
        agent.prior_weight = prior_weight(config, inputs.steps)
        return agent

    def take_over(
        self, agent: NewtAgent, checkpoint: Path, text_encoder: str, config: RunConfig
    ) -> None:
        """Begin with a checkpoint's weights."""
        keep = config.pretrain.keep_optimiser
        take_weights(agent, checkpoint, text_encoder, keep_optimiser=keep)

    def online(
        self,
        agent: NewtAgent,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> Interaction:
        """Return the agent with its replay: of several ranks, each has a part of the capacity."""
        storage = "disk" if config.replay.on_disk else config.replay.memory
        online = ReplayBuffer(
            config.replay.capacity // agent.learner.ranks.size,
            storage=storage,
            folder=folder if storage == "disk" else None,
            sampling=config.replay.sampling,
            device=agent.device,
            feature_stack=config.model.feature_stack,
            restoring=restored,
        )
        if not restored:
            online.clear()
        settings = InteractionSettings(
            config.update,
            config.random_phase,
            partial(prior_weight, config),
            demos_in_replay=config.demos.seeding,
            calibrates=config.begins_pretrained and not restored,
            cloning=config.demos.cloning,
            follows_policy=config.begins_pretrained,
            seed=config.seed,
        )
        mixture = Mixture(online, demos, config.demos.batch_share)
        return Interaction(agent, mixture, task_of_env, settings)

    def offline(self, agent: NewtAgent, config: RunConfig, demos: ReplayBuffer) -> Pretraining:
        """Return the agent with its demonstrations."""
        settings = PretrainingSettings(
            config.update, config.pretrain.lr_factor, config.pretrain.bc_coef, config.seed
        )
        return Pretraining(agent, demos, settings)
