"""FastTD3's actor, its critics with their targets, and its normaliser."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.agents.fasttd3.config import FastTD3Config
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
_STATE_EPS = 0.01
"""Added to the states' std."""


class Normaliser(nn.Module):
    """The running mean and standard deviation of what it is shown (Chan et al., 1979)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.count: Tensor
        self.mean: Tensor
        self.var: Tensor
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("var", torch.ones(width))

    @torch.no_grad()
    def add(self, rows: Tensor) -> None:
        """Take rows [N, width] into account."""
        count, new = self.count, float(len(rows))
        mean, var = rows.mean(0), rows.var(0, correction=0)
        total, shift = count + new, mean - self.mean
        squares = self.var * count + var * new + shift.square() * count * new / total
        self.mean = self.mean + shift * new / total
        self.var = squares / total
        self.count = total

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows [N, width] around 0."""
        return (rows - self.mean) / (self.var.sqrt() + _STATE_EPS)


class FastTD3Networks(nn.Module):
    """All that learns, and the tasks' constants.

    Args:
        config: Atoms, and whether states are normalised.
        tasks: Text, mask and discount of each task.
    """

    def __init__(self, config: FastTD3Config, tasks: TaskTable) -> None:
        super().__init__()
        self.actor = TextMLP(STATE_DIM, [*ACTOR_WIDTHS, ACTION_DIM], F.relu)
        last = self.actor.layers[-1]
        nn.init.normal_(last.weight, std=_OUTPUT_STD)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.critics = nn.ModuleList(
            TextMLP(STATE_DIM, [*CRITIC_WIDTHS, config.num_atoms], F.relu, extra=ACTION_DIM)
            for _ in range(NUM_CRITICS)
        )
        self.target_critics = copy.deepcopy(self.critics).requires_grad_(False)
        self.normaliser = Normaliser(STATE_DIM)
        self._normalises = config.normalise_states
        self.text: Tensor
        self.action_mask: Tensor
        self.discount: Tensor
        self.atoms: Tensor
        self.register_buffer("text", tasks.text.float(), persistent=False)
        self.register_buffer("action_mask", tasks.action_mask.float(), persistent=False)
        self.register_buffer("discount", tasks.discount.float(), persistent=False)
        atoms = torch.linspace(config.v_min, config.v_max, config.num_atoms)
        self.register_buffer("atoms", atoms, persistent=False)

    def see(self, state: Tensor) -> Tensor:
        """Return states [B, S] as the networks read them."""
        seen: Tensor = self.normaliser(state) if self._normalises else state
        return seen

    def act(self, seen: Tensor, task: Tensor) -> Tensor:
        """Return the actor's actions [B, A] for what is seen, zero in masked entries."""
        return torch.tanh(self.actor(seen, self.text, task)) * self.action_mask[task]

    def logits(self, seen: Tensor, task: Tensor, action: Tensor, *, target: bool = False) -> Tensor:
        """Return the critics' distributions [2, B, atoms], as logits in single precision."""
        critics = self.target_critics if target else self.critics
        action = action * self.action_mask[task]
        return torch.stack([each(seen, self.text, task, action) for each in critics]).float()

    @torch.no_grad()
    def update_target(self, rate: float) -> None:
        """Move the target critics towards the critics by ``rate`` (an EMA)."""
        targets: list[Tensor] = list(self.target_critics.parameters())
        online: list[Tensor] = list(self.critics.parameters())
        torch._foreach_lerp_(targets, online, rate)
