"""The world model: five networks over a shared latent, conditioned on a task's text.

===========  ==========================  =====================================
part         input                       output
===========  ==========================  =====================================
encoder h    (state,) text (, image)     latent z
dynamics d   z, text, action             next latent
reward R     z, text, action             logits of the reward's two-hot bins
Q 1…n        z, text, action             logits of the value's two-hot bins
policy p     z, text                     mean and log-std of the action prior
===========  ==========================  =====================================

Newt, section 3 and table 7; TD-MPC2, section 3. Inputs are fused by concatenation in the order
above, which is also the column order of the published weights.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from newt_core.model import policy_head
from newt_core.model.discrete import two_hot_mean
from newt_core.model.elementwise import at_least_float32, simnorm
from newt_core.model.layers import Blocks, BoundMLP, FusedMLP, NormedLinear, plain_linear
from newt_core.model.policy_head import PolicySample
from newt_core.model.q_ensemble import BoundQ, QEnsemble
from newt_core.model.sizes import NUM_BINS, SIMNORM_GROUP, Size
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM, TEXT_DIM


def latent_activation(x: Tensor) -> Tensor:
    """SimNorm with the model's group size."""
    return simnorm(x, SIMNORM_GROUP)


def make_encoder(
    size: Size, *, state: bool = True, text: bool = True, feature_stack: int = 0
) -> FusedMLP:
    """Return an encoder h with random weights; for what it reads see :class:`WorldModel`."""
    return FusedMLP(
        Blocks(STATE_DIM if state else 0, TEXT_DIM if text else 0, feature_stack * IMAGE_DIM),
        [size.enc_dim] * (size.enc_layers - 1),
        NormedLinear(size.enc_dim, size.latent_dim, latent_activation),
    )


def make_policy(size: Size, *, text: bool = True) -> FusedMLP:
    """Return a policy p with random weights, which reads latents and, perhaps, texts."""
    return FusedMLP(
        Blocks(size.latent_dim, TEXT_DIM if text else 0),
        [size.mlp_dim, size.mlp_dim],
        plain_linear(size.mlp_dim, 2 * ACTION_DIM),
    )


@dataclass(frozen=True)
class TaskTable:
    """What the model knows of each task of a run, as constants."""

    text: Tensor
    """[tasks, 512] embeddings; [tasks, 0] for a model without texts."""
    action_mask: Tensor
    """[tasks, A] ones in the valid action entries."""
    discount: Tensor
    """[tasks] in (0, 1)."""


class WorldModel(nn.Module):
    """Encoder, dynamics, reward, policy prior, Q ensemble and its target copy.

    Args:
        size: Widths.
        tasks: The constants of each task.
        state: Whether the encoder reads states.
        feature_stack: Image features F that it reads, the newest and those before it; 0 for none.
        q_dropout: See :class:`newt_core.model.q_ensemble.QEnsemble`.
    """

    def __init__(
        self,
        size: Size,
        tasks: TaskTable,
        *,
        state: bool = True,
        feature_stack: int = 0,
        q_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.size = size
        latent, hidden = size.latent_dim, [size.mlp_dim, size.mlp_dim]
        text = tasks.text.shape[1]
        with_action = Blocks(latent, text, ACTION_DIM)
        self.encoder = make_encoder(size, state=state, text=text > 0, feature_stack=feature_stack)
        self.dynamics = FusedMLP(
            with_action, hidden, NormedLinear(size.mlp_dim, latent, latent_activation)
        )
        self.reward = FusedMLP(with_action, hidden, plain_linear(size.mlp_dim, NUM_BINS, zero=True))
        self.policy = make_policy(size, text=text > 0)
        self.q = QEnsemble(with_action, size.mlp_dim, size.num_q, q_dropout)
        self.target_q = copy.deepcopy(self.q).requires_grad_(False)
        self.text: Tensor
        self.action_mask: Tensor
        self.discount: Tensor
        self.register_buffer("text", tasks.text.float(), persistent=False)
        self.register_buffer("action_mask", tasks.action_mask.float(), persistent=False)
        self.register_buffer("discount", tasks.discount.float(), persistent=False)

    @cached_property
    def action_width(self) -> int:
        """Action entries that the widest task has; the first look waits for a GPU."""
        return int(self.action_mask.sum(-1).max())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.text.device

    def bind(self, task: Tensor) -> BoundModel:
        """Fix each row's task, [B] int64; the text products are computed here, once."""
        return BoundModel(self, task)

    def encode(self, obs: Tensor, task: Tensor, image: Tensor | None = None) -> Tensor:
        """Latents of observations: [..., B, S], tasks [B] → [..., B, L].

        Args:
            obs: [..., B, S] states; a model of pictures alone does not look at them.
            task: [B].
            image: [..., B, F · D] features in any precision, where the model reads them.
        """
        return self.bind(task).encode(obs, image)

    @torch.no_grad()
    def update_target(self, rate: float) -> None:
        """Move the target heads towards the online heads by ``rate`` (an EMA)."""
        targets: list[Tensor] = list(self.target_q.parameters())
        online: list[Tensor] = list(self.q.parameters())
        torch._foreach_lerp_(targets, online, rate)


class BoundModel:
    """The networks of a :class:`WorldModel` for rows whose tasks are known.

    Each part's text product is formed on first use and kept for the object's life, so one
    object must not outlive an update of the weights.
    """

    def __init__(self, model: WorldModel, task: Tensor) -> None:
        self.model = model
        self.task = task
        self._bound: dict[tuple[str, bool], BoundMLP] = {}

    def _part(self, name: str) -> BoundMLP:
        # A product formed without gradient must not serve where one is wanted.
        key = (name, torch.is_grad_enabled())
        if key not in self._bound:
            mlp: FusedMLP = getattr(self.model, name)
            self._bound[key] = mlp.bind(self.model.text, self.task)
        return self._bound[key]

    def encode(self, obs: Tensor, image: Tensor | None = None) -> Tensor:
        """[..., B, S] and features [..., B, F · D] → latents [..., B, L]."""
        blocks = self.model.encoder.blocks
        if (0 if image is None else image.shape[-1]) != blocks.extra:
            raise ValueError(f"the encoder reads {blocks.extra} entries of image features")
        if image is not None:
            image = image.to(obs.dtype)
        # Without columns for the state, none of it is read.
        return self._part("encoder")(obs[..., : blocks.x], image)

    def next(self, z: Tensor, action: Tensor) -> Tensor:
        """Latents after an action: [..., B, L], [..., B, A] → [..., B, L]."""
        return self._part("dynamics")(z, action)

    def reward_logits(self, z: Tensor, action: Tensor) -> Tensor:
        """[..., B, bins]."""
        return self._part("reward")(z, action)

    def policy(self, z: Tensor, noise: Tensor) -> PolicySample:
        """Actions of the prior, in float32 at least: z [..., B, L], noise [..., B, A] normal."""
        raw = at_least_float32(self._part("policy")(z))
        return policy_head.sample(raw, self.model.action_mask[self.task], noise)

    def q_heads(self, heads: Tensor | None = None, *, target: bool = False) -> BoundQ:
        """The chosen online or target heads as a function of (z, action)."""
        ensemble = self.model.target_q if target else self.model.q
        return ensemble.bind(self.model.text, self.task, heads)

    def q_value(self, z: Tensor, action: Tensor, heads: Tensor, *, target: bool = False) -> Tensor:
        """Scalar values of the chosen heads, [n, ..., B]."""
        return two_hot_mean(self.q_heads(heads, target=target)(z, action))
