"""FastTD3 agents: an actor and two critics that learn by interaction alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from newt_core.agents.base import Capabilities
from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.interaction import FastTD3Interaction
from newt_core.agents.fasttd3.ring import ROW_BYTES
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.errors import ConfigError
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.types import IntArray
from newt_core.workflows.agent_kinds import AgentInputs, FromNothing
from newt_core.workflows.sizes import available_memory, gpu_memory, in_gib


class FastTD3Kind(FromNothing):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    capabilities = Capabilities()
    options = FastTD3Config

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Refuse a batch of fewer transitions than environments, and rings that memory lacks."""
        options = FastTD3Config.model_validate(config.agent.options)
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
                f"agent.options.ring is {options.ring:,}, which takes {in_gib(needed)} of memory "
                f"for {envs:,} environments, and {in_gib(free)} are free: lower it."
            )

    def new(self, inputs: AgentInputs) -> FastTD3Agent:
        """Return an agent with random weights."""
        return FastTD3Agent(
            FastTD3Config.model_validate(inputs.config.agent.options),
            task_table(inputs.specs, inputs.text),
            device=inputs.device,
            seed=inputs.config.seed,
            ranks=inputs.ranks,
        )

    def online(
        self,
        agent: FastTD3Agent,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> FastTD3Interaction:
        """Return the agent with empty rings, which its checkpoints keep."""
        keeps = config.replay.save
        return FastTD3Interaction(agent, task_of_env, seed=config.seed, saves_ring=keeps)
