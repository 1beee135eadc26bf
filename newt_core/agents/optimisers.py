"""Gradient steps: clipped, left out where they are not finite, counted, and gone on with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from newt_core.agents.base import Skipped
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.replay.part import WHOLE, Part


def gradient_step(
    optimiser: torch.optim.Optimizer,
    loss: Tensor,
    bad: Tensor,
    *,
    clip: float = math.inf,
    ranks: Ranks = ALONE,
    part: Part = WHOLE,
) -> Tensor:
    """Clip the gradients, step unless they or the loss are not finite, and forget them.

    Args:
        optimiser: A fused one, whose parameters have gradients.
        loss: [] what was differentiated.
        bad: [] becomes 1, and stays so, where something is not finite; nothing waits for the
            device.
        clip: Largest norm of the gradients, all parameters together.
        ranks: Those whose gradients are averaged first.
        part: This rank's rows among those of all.

    Returns:
        [] the norm before clipping.
    """
    parameters = [each for group in optimiser.param_groups for each in group["params"]]
    loss = ranks.average_gradients(parameters, loss.detach(), part)
    norm = nn.utils.clip_grad_norm_(parameters, clip, foreach=True).detach()
    bad.logical_or_(~torch.isfinite(norm + loss))
    # The hook by which PyTorch's gradient scaler has fused optimisers leave out a step.
    optimiser.found_inf = bad  # type: ignore[attr-defined]
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return norm


def rates_as_tensors(*optimisers: torch.optim.Optimizer) -> None:
    """Keep learning rates as tensors, so that those of a captured step can be changed."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            device = group["params"][0].device
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=device)


def set_lr(group: dict[str, Any], rate: float) -> None:
    """Change the learning rate of a group, where it lies if it is a tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def saved_moments(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimiser's state as it is saved: learning rates are numbers."""
    state = optimiser.state_dict()
    groups = [{**group, "lr": float(group["lr"])} for group in state["param_groups"]]
    return {**state, "param_groups": groups}


def load_moments(optimiser: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Take over the moments of an optimiser's state, and nothing else.

    PyTorch saves an optimiser's settings with its moments. Those at hand win: what a user changes
    when going on with a run has to take effect.
    """
    present = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": saved["state"], "param_groups": present})


class Optimisers:
    """The optimisers of one agent and the count of its updates, as a part of a run.

    Args:
        named: Name → optimiser, each of parameters of its own.
        device: Where these are.
    """

    def __init__(self, named: Mapping[str, torch.optim.Optimizer], device: torch.device) -> None:
        self._named = dict(named)
        self._device = device
        self._rates = [group["lr"] for group in self._groups()]
        self.updates = 0
        self.skipped = Skipped.none(device)

    def __getitem__(self, name: str) -> torch.optim.Optimizer:
        """Return one of them."""
        return self._named[name]

    def _groups(self) -> Sequence[dict[str, Any]]:
        return [group for each in self._named.values() for group in each.param_groups]

    def set_lr_factor(self, factor: float) -> None:
        """Scale every learning rate; 1 restores those of the settings."""
        for group, rate in zip(self._groups(), self._rates, strict=True):
            group["lr"] = rate * factor

    def count(self, bad: Tensor) -> None:
        """Take note of one update: [] 1 if it was left out, else 0."""
        self.updates += 1
        self.skipped.count(bad)

    def state_dict(self) -> dict[str, Any]:
        """Return the moments and the counts."""
        return {
            "optimisers": {name: each.state_dict() for name, each in self._named.items()},
            "updates": self.updates,
            "skipped": vars(self.skipped).copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`; the learning rates stay those of the settings."""
        for name, each in self._named.items():
            load_moments(each, state["optimisers"][name])
        self.updates = int(state["updates"])
        self.skipped = Skipped(**{k: v.to(self._device) for k, v in state["skipped"].items()})
