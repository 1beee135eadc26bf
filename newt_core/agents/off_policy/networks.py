"""An actor, its critics with their targets, a normaliser, and the tasks' constants."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from newt_core.agents.off_policy.config import OffPolicyConfig
from newt_core.model.world_model import TaskTable
from newt_core.types import STATE_DIM

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


class OffPolicyNetworks(nn.Module):
    """All that learns, and the tasks' constants.

    Args:
        config: Atoms, and whether states are normalised.
        tasks: Text, mask and discount of each task.
        actor: Reads states, the texts' table and tasks, as
            :class:`newt_core.agents.text_mlp.TextMLP` does.
        critics: Read actions, too, and return logits.
    """

    def __init__(
        self,
        config: OffPolicyConfig,
        tasks: TaskTable,
        actor: nn.Module,
        critics: Iterable[nn.Module],
    ) -> None:
        super().__init__()
        self.actor = actor
        self.critics = nn.ModuleList(critics)
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

    def notice(self, state: Tensor) -> None:
        """Let states [B, S] count among those that states are normalised by."""
        if self._normalises:
            self.normaliser.add(state)

    def see(self, state: Tensor) -> Tensor:
        """Return states [B, S] as the networks read them."""
        seen: Tensor = self.normaliser(state) if self._normalises else state
        return seen

    def logits(self, seen: Tensor, task: Tensor, action: Tensor, *, target: bool = False) -> Tensor:
        """Return the critics' distributions [critics, B, atoms], as logits in single precision."""
        critics = self.target_critics if target else self.critics
        action = action * self.action_mask[task]
        return torch.stack([each(seen, self.text, task, action) for each in critics]).float()

    @torch.no_grad()
    def update_target(self, rate: float) -> None:
        """Move the target critics towards the critics by ``rate`` (an EMA)."""
        targets: list[Tensor] = list(self.target_critics.parameters())
        online: list[Tensor] = list(self.critics.parameters())
        torch._foreach_lerp_(targets, online, rate)
