"""The world model arranged for planning: the same function with less arithmetic.

A plan asks the model thousands of times about few environments. Three products need not be
repeated (they are exact; only rounding differs):

* the text block of every first layer is the same for all samples of an environment and all
  iterations: one row per task, kept until the weights change;
* the latent block of the first step is the same for all samples: all start from one latent;
* only the two Q heads that are used are evaluated, and no log-probability is formed.

Action columns beyond the widest task of the run are always zero and are left out. Latent entries
are stored in another order, in which SimNorm vectorises (:meth:`SplitModel.arrange`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.model import policy_head
from newt_core.model.discrete import two_hot_mean
from newt_core.model.elementwise import mish, strided_order, strided_simnorm
from newt_core.model.layers import FusedMLP, NormedLinear
from newt_core.model.sizes import SIMNORM_GROUP
from newt_core.model.world_model import WorldModel

Pair = tuple[Tensor, Tensor]
"""Weight and bias of a layer."""


@dataclass(frozen=True)
class SplitMLP:
    """One network in blocks: first layer by input block, then the rest."""

    w_x: Tensor
    """[hidden, L]."""
    w_action: Tensor
    """[hidden, A]; zero columns wide for the policy."""
    table: Tensor
    """[tasks, hidden] text product and bias."""
    norm_0: Pair
    linear_1: Pair
    norm_1: Pair
    linear_2: Pair
    norm_2: Pair | None
    """Of the dynamics, whose output is normalised."""

    def tensors(self) -> list[Tensor]:
        """All weights, in one order."""
        pairs = (self.norm_0, self.linear_1, self.norm_1, self.linear_2, self.norm_2 or ())
        return [self.w_x, self.w_action, self.table, *(each for pair in pairs for each in pair)]

    def owned(self) -> SplitMLP:
        """Return a copy that shares no memory with the model's weights."""

        return self._mapped(torch.Tensor.clone)

    def of_heads(self, heads: Tensor) -> list[SplitMLP]:
        """Return some of the heads that are stacked in it, each as a network of its own.

        On a CPU they are views. Elsewhere, and in a compiled plan, their weights are gathered: the
        numbers of the heads are not looked at, which would wait for a GPU.
        """
        if heads.device.type == "cpu" and not torch.compiler.is_compiling():
            return [self._mapped(itemgetter(h)) for h in heads.tolist()]
        chosen = self._mapped(lambda w: w.index_select(0, heads))
        return [chosen._mapped(itemgetter(place)) for place in range(len(heads))]

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> SplitMLP:
        def pair(two: Pair) -> Pair:
            return change(two[0]), change(two[1])

        return SplitMLP(
            change(self.w_x),
            change(self.w_action),
            change(self.table),
            pair(self.norm_0),
            pair(self.linear_1),
            pair(self.norm_1),
            pair(self.linear_2),
            None if self.norm_2 is None else pair(self.norm_2),
        )

    def tail(self, product: Tensor) -> Tensor:
        """Everything after the first layer's product, [..., hidden] → [..., outputs].

        Norm, Mish, layer, norm, Mish, layer; then norm and SimNorm where the output is a latent.
        """
        x = _norm_mish(product, self.norm_0)
        x = _norm_mish(F.linear(x, *self.linear_1), self.norm_1)
        x = F.linear(x, *self.linear_2)
        if self.norm_2 is None:
            return x
        x = F.layer_norm(x, x.shape[-1:], *self.norm_2)
        return strided_simnorm(x, SIMNORM_GROUP).to(product.dtype)

    def from_shared(self, z: Tensor, action: Tensor, task: Tensor) -> Tensor:
        """First step: z [E, L] shared by M actions [E, M, A] → [E, M, outputs]."""
        shared = F.linear(z, self.w_x) + self.table[task]
        product = torch.matmul(action, self.w_action.mT).add_(shared.unsqueeze(1))
        return self.tail(product)

    def from_latent(self, z: Tensor, action: Tensor | None, task: Tensor) -> Tensor:
        """Later steps: z [E, M, L], action [E, M, A] → [E, M, outputs]."""
        product = F.linear(z, self.w_x)
        if action is not None:
            flat = product.flatten(0, 1)
            flat.addmm_(action.flatten(0, 1), self.w_action.mT)
        return self.tail(product.add_(self.table[task].unsqueeze(1)))


def _norm_mish(x: Tensor, norm: Pair) -> Tensor:
    return mish(F.layer_norm(x, x.shape[-1:], *norm))


class SplitModel:
    """A snapshot of a model's weights for planning, in memory of its own.

    The model may change while a plan is made; :meth:`refresh` takes over how it is by then. The
    weights stay at the same addresses, as a CUDA graph needs it.

    Args:
        model: The weights to arrange.
        dtype: Number format of the matrix products.
        version: Names the state of the weights.
    """

    def __init__(
        self,
        model: WorldModel,
        dtype: torch.dtype = torch.float32,
        *,
        version: int = 0,
    ) -> None:
        self.version = version
        """What the weights were called when they were last taken over."""
        self.dtype = dtype
        self.num_q = model.size.num_q
        self.width = model.action_width
        self.discount = model.discount
        self.mask = model.action_mask[:, : self.width]
        self.order = strided_order(model.size.latent_dim, SIMNORM_GROUP, model.device)
        with torch.no_grad():
            self._parts = [part.owned() for part in self._arranged(model)]
        self.dynamics, self.reward, self.policy, self.q = self._parts

    @torch.no_grad()
    def refresh(self, model: WorldModel, version: int) -> None:
        """Take over the weights of a model of the same size and tasks, in place."""
        for own, new in zip(self._parts, self._arranged(model), strict=True):
            for kept, taken in zip(own.tensors(), new.tensors(), strict=True):
                kept.copy_(taken)
        self.version = version

    def _arranged(self, model: WorldModel) -> list[SplitMLP]:
        """Return dynamics, reward, policy and all Q heads; most of their weights are views."""
        plain = (model.dynamics, model.reward, model.policy)
        return [*(self._split(mlp, model.text) for mlp in plain), self._split_heads(model)]

    def _cast(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(t.detach().to(self.dtype) for t in tensors)

    def _split(self, mlp: FusedMLP, text: Tensor) -> SplitMLP:
        w_x, _, w_action = mlp.weight_blocks()
        w_x, w_action, table = self._cast(
            w_x[:, self.order], w_action[:, : self.width], mlp.text_rows(text)
        )
        second = mlp.middle[0]
        assert isinstance(second, NormedLinear)
        output, norm_2 = mlp.output, None
        if isinstance(output, NormedLinear):
            # The only output that is a latent: its entries are stored in our order.
            norm_2 = self._pair(output.ln, self.order)
            linear_2 = self._pair(output.linear, self.order)
        else:
            assert isinstance(output, nn.Linear)
            linear_2 = self._pair(output)
        return SplitMLP(
            w_x,
            w_action,
            table,
            self._pair(mlp.first.ln),
            self._pair(second.linear),
            self._pair(second.ln),
            linear_2,
            norm_2,
        )

    def _pair(self, layer: nn.Linear | nn.LayerNorm, order: Tensor | None = None) -> Pair:
        weight, bias = self._cast(layer.weight, layer.bias)
        return (weight, bias) if order is None else (weight[order], bias[order])

    def _split_heads(self, model: WorldModel) -> SplitMLP:
        """Return all heads as one: the leading axis of every weight is the head's."""
        q = model.q
        x, text, action = q.weight_0.split([q.blocks.x, q.blocks.text, q.blocks.extra], dim=2)
        x = x[..., self.order]
        tables = torch.matmul(model.text, text.mT) + q.bias_0.unsqueeze(1)
        action = action[..., : self.width]
        w_x, w_action, table, *rest = self._cast(
            x, action, tables, q.scale_0, q.shift_0, q.weight_1, q.bias_1,
            q.scale_1, q.shift_1, q.weight_2, q.bias_2,
        )  # fmt: skip
        norm_0, linear_1, norm_1, linear_2 = zip(rest[::2], rest[1::2], strict=True)
        return SplitMLP(w_x, w_action, table, norm_0, linear_1, norm_1, linear_2, None)

    def arrange(self, z: Tensor) -> Tensor:
        """Bring encoded latents [..., L] into the order and format used here."""
        return z[..., self.order].to(self.dtype)

    def bind(self, task: Tensor) -> BoundSplitModel:
        """Fix the tasks of E environments, [E] int64."""
        return BoundSplitModel(self, task)


class BoundSplitModel:
    """A :class:`SplitModel` for E environments: implements ``PlanningModel``."""

    def __init__(self, split: SplitModel, task: Tensor) -> None:
        self._split = split
        self._task = task
        self.discount = split.discount[task]
        self.mask = split.mask[task]

    def prior(self, z: Tensor, noise: Tensor) -> Tensor:
        """Policy actions: z [E, M or 1, L], noise [E, M, A] → [E, M, A] float32."""
        raw = self._split.policy.from_latent(z.to(self._split.dtype), None, self._task).float()
        mean, log_std = raw.chunk(2, dim=-1)
        width = self._split.width
        used = torch.cat([mean[..., :width], log_std[..., :width]], dim=-1)
        return policy_head.act(used, self.mask.unsqueeze(1), noise)

    def first_step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Step [E, L] latents by [E, M, A] actions → reward [E, M] and next latent [E, M, L]."""
        z, action = z.to(self._split.dtype), action.to(self._split.dtype)
        reward = self._split.reward.from_shared(z, action, self._task)
        return two_hot_mean(reward), self._split.dynamics.from_shared(z, action, self._task)

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Step [E, M, L] latents by [E, M, A] actions → reward [E, M] and next latent [E, M, L]."""
        action = action.to(self._split.dtype)
        reward = self._split.reward.from_latent(z, action, self._task)
        return two_hot_mean(reward), self._split.dynamics.from_latent(z, action, self._task)

    def value(self, z: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        """Mean of two heads at the policy's action: [E, M, L], [E, M, A] → [E, M]."""
        action = self.prior(z, noise).to(self._split.dtype)
        pair = self._split.q.of_heads(heads)
        values = [two_hot_mean(q.from_latent(z, action, self._task)) for q in pair]
        return torch.stack(values).mean(0)
