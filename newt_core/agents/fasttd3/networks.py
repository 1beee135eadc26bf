"""FastTD3's actor and its critics."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.off_policy.networks import OffPolicyNetworks
from newt_core.agents.text_mlp import TextMLP
from newt_core.model.world_model import TaskTable
from newt_core.types import ACTION_DIM, STATE_DIM

ACTOR_WIDTHS = (512, 256, 128)
"""Of the actor's hidden layers."""
CRITIC_WIDTHS = (1024, 512, 256)
"""Of each critic's."""
NUM_CRITICS = 2
_OUTPUT_STD = 0.01
"""Of the actor's last weights at the beginning."""


class FastTD3Networks(OffPolicyNetworks):
    """All that learns, and the tasks' constants.

    Args:
        config: Atoms, and whether states are normalised.
        tasks: Text, mask and discount of each task.
    """

    def __init__(self, config: FastTD3Config, tasks: TaskTable) -> None:
        actor = TextMLP(STATE_DIM, [*ACTOR_WIDTHS, ACTION_DIM], F.relu)
        last = actor.layers[-1]
        nn.init.normal_(last.weight, std=_OUTPUT_STD)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        critics = [
            TextMLP(STATE_DIM, [*CRITIC_WIDTHS, config.num_atoms], F.relu, extra=ACTION_DIM)
            for _ in range(NUM_CRITICS)
        ]
        super().__init__(config, tasks, actor, critics)

    def act(self, seen: Tensor, task: Tensor) -> Tensor:
        """Return the actor's actions [B, A] for what is seen, zero in masked entries."""
        return torch.tanh(self.actor(seen, self.text, task)) * self.action_mask[task]
