"""PPO's actor and critic."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from newt_core.agents.action_distribution import ActionDistribution
from newt_core.agents.ppo.config import PPOConfig
from newt_core.agents.text_mlp import TextMLP
from newt_core.model.world_model import TaskTable
from newt_core.types import ACTION_DIM, STATE_DIM

_HIDDEN_GAIN = math.sqrt(2.0)
_ACTION_GAIN = 0.01
_VALUE_GAIN = 1.0


class ActorCritic(nn.Module):
    """Two networks of two hidden layers with tanh; both read state and text.

    Args:
        config: Its width and what makes the standard deviation.
        tasks: Text, mask and discount of each task.
    """

    def __init__(self, config: PPOConfig, tasks: TaskTable) -> None:
        super().__init__()
        self.squash = config.squash
        hidden = [config.width, config.width]
        outputs = 2 * ACTION_DIM if config.state_dependent_std else ACTION_DIM
        self.actor = TextMLP(STATE_DIM, [*hidden, outputs], torch.tanh)
        self.critic = TextMLP(STATE_DIM, [*hidden, 1], torch.tanh)
        _initialise(self.actor, _ACTION_GAIN)
        _initialise(self.critic, _VALUE_GAIN)
        self.log_std: nn.Parameter | None = None
        if not config.state_dependent_std:
            self.log_std = nn.Parameter(torch.zeros(ACTION_DIM))
        self.text: Tensor
        self.action_mask: Tensor
        self.discount: Tensor
        self.register_buffer("text", tasks.text.float(), persistent=False)
        self.register_buffer("action_mask", tasks.action_mask.float(), persistent=False)
        self.register_buffer("discount", tasks.discount.float(), persistent=False)

    def policy(self, state: Tensor, task: Tensor) -> ActionDistribution:
        """Return the distribution of actions in states [B, S] of tasks [B]."""
        mask, out = self.action_mask[task], self.actor(state, self.text, task)
        if self.log_std is not None:
            return ActionDistribution(out * mask, self.log_std, mask, self.squash)
        mean, log_std = out.chunk(2, dim=-1)
        return ActionDistribution(mean * mask, log_std, mask, self.squash)

    def value(self, state: Tensor, task: Tensor) -> Tensor:
        """Return the values [B] of states [B, S] of tasks [B]."""
        value: Tensor = self.critic(state, self.text, task).squeeze(-1)
        return value


def _initialise(network: TextMLP, last_gain: float) -> None:
    """Draw orthogonal weights, and let the biases be 0."""
    *hidden, last = network.layers
    for layer, gain in [(each, _HIDDEN_GAIN) for each in hidden] + [(last, last_gain)]:
        nn.init.orthogonal_(layer.weight, gain)  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
