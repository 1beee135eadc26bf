"""BRC's actor and critics: residual networks with layer norm (BroNet: Nauman et al., 2024)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.agents.action_distribution import ActionDistribution
from newt_core.agents.brc.config import BRCConfig
from newt_core.agents.off_policy.networks import OffPolicyNetworks
from newt_core.agents.text_mlp import over_text
from newt_core.model.policy_head import gaussian_parameters
from newt_core.model.world_model import TaskTable
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM

NUM_CRITICS = 2
CRITIC_BLOCKS = 2
ACTOR_BLOCKS = 1
_GAIN = math.sqrt(2.0)
"""Of the orthogonal weights that all layers begin with ..."""
_STD_GAIN = 1.0
"""... but those of the standard deviations."""
_NORM_EPS = 1e-6
"""Added to variances by the layer norms."""


class Block(nn.Module):
    """Two linear layers with norms, an activation between them, and the input added.

    Args:
        width: Of input, hidden layer and output.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width),
            nn.LayerNorm(width, eps=_NORM_EPS),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.LayerNorm(width, eps=_NORM_EPS),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, width] to [B, width]."""
        out: Tensor = x + self.layers(x)
        return out


class BroNet(nn.Module):
    """A layer over state, text and perhaps an action, blocks, and a linear layer.

    Args:
        width: Of all hidden layers.
        blocks: How many.
        outputs: Of the last layer.
        extra: Width of what stands behind the text: an action, or nothing.
    """

    def __init__(self, width: int, blocks: int, outputs: int, *, extra: int = 0) -> None:
        super().__init__()
        self.first = nn.Linear(STATE_DIM + TEXT_DIM + extra, width)
        self.norm = nn.LayerNorm(width, eps=_NORM_EPS)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.last = nn.Linear(width, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight, _GAIN)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, text: Tensor, task: Tensor, extra: Tensor | None = None) -> Tensor:
        """Map rows to outputs; see :class:`newt_core.agents.text_mlp.TextMLP`."""
        first = over_text(self.first, x, text, task, extra)
        out: Tensor = self.last(self.blocks(F.relu(self.norm(first))))
        return out


class BRCNetworks(OffPolicyNetworks):
    """All that learns, and the tasks' constants.

    Args:
        config: Widths, atoms, and whether states are normalised.
        tasks: Text, mask and discount of each task.
    """

    actor: BroNet

    def __init__(self, config: BRCConfig, tasks: TaskTable) -> None:
        actor = BroNet(config.actor_width, ACTOR_BLOCKS, 2 * ACTION_DIM)
        for half, gain in zip(actor.last.weight.detach().chunk(2), (_GAIN, _STD_GAIN), strict=True):
            nn.init.orthogonal_(half, gain)
        critics = [
            BroNet(config.critic_width, CRITIC_BLOCKS, config.num_atoms, extra=ACTION_DIM)
            for _ in range(NUM_CRITICS)
        ]
        super().__init__(config, tasks, actor, critics)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(config.initial_temperature)))
        self.target_entropy: Tensor
        """[tasks] that the temperature is learned for."""
        wanted = config.target_entropy * self.action_mask.sum(-1)
        self.register_buffer("target_entropy", wanted, persistent=False)

    @property
    def temperature(self) -> Tensor:
        """[] the weight of the entropy."""
        return self.log_temperature.exp()

    def policy(self, seen: Tensor, task: Tensor) -> ActionDistribution:
        """Return the distribution of actions for what is seen [B, S] of tasks [B]."""
        mask = self.action_mask[task]
        mean, log_std = gaussian_parameters(self.actor(seen, self.text, task).float(), mask)
        return ActionDistribution(mean, log_std, mask, squash=True)
