"""What kinds of agents share that act by a policy alone and learn by interaction alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from newt_core.agents.base import Capabilities
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.agents.off_policy.config import OffPolicyConfig
from newt_core.agents.off_policy.interaction import OffPolicyInteraction
from newt_core.agents.off_policy.ring import ROW_BYTES
from newt_core.errors import ConfigError
from newt_core.replay import ReplayBuffer
from newt_core.settings.base import Settings
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.types import IntArray
from newt_core.workflows.agent_kinds import AgentInputs, FromNothing
from newt_core.workflows.sizes import available_memory, gpu_memory, readable


class PolicyKind(FromNothing):
    """A kind whose agents are made of its options and a table of tasks."""

    capabilities = Capabilities()
    options: ClassVar[type[Settings]]
    agent: ClassVar[type[Any]]
    """What :meth:`new` makes."""

    def new(self, inputs: AgentInputs) -> Any:
        """Return an agent with random weights."""
        return self.agent(
            self.options.model_validate(inputs.config.agent.options),
            task_table(inputs.specs, inputs.text),
            device=inputs.device,
            seed=inputs.config.seed,
            ranks=inputs.ranks,
        )


class OffPolicyKind(PolicyKind):
    """One whose agents remember transitions in rings."""

    interaction: ClassVar[type[Any]]
    """What :meth:`online` makes."""

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Refuse a batch of fewer transitions than environments, and rings that memory lacks."""
        options = self.options.model_validate(config.agent.options)
        assert isinstance(options, OffPolicyConfig)
        envs = len(specs) * config.envs_per_task
        if options.batch_size < envs:
            raise ConfigError(
                f"agent.options.batch_size is {options.batch_size:,}, but there are {envs:,} "
                "environments: a batch has a transition of each at least."
            )
        needed = envs * options.ring * ROW_BYTES
        device = choose_device(config.device)
        free = gpu_memory(str(device)) if device.type == "cuda" else available_memory()
        if needed > free:
            raise ConfigError(
                f"agent.options.ring is {options.ring:,}, which takes {readable(needed)} of memory "
                f"for {envs:,} environments, and {readable(free)} are free: lower it."
            )

    def online(
        self,
        agent: Any,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> OffPolicyInteraction:
        """Return the agent with empty rings, which its checkpoints keep."""
        keeps = config.replay.save
        made: OffPolicyInteraction = self.interaction(
            agent, task_of_env, seed=config.seed, saves_ring=keeps
        )
        return made
