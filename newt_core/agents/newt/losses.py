"""The losses of one gradient step (Newt, section 3; TD-MPC2, eqs. 3, 4 and 7).

All functions are pure: noise and head choices come in as :class:`UpdateNoise`, so that a test
can feed the same to a plain reference. Time is the leading axis: H actions, H + 1 observations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from newt_core.agents.newt.config import UpdateConfig
from newt_core.devices.transfer import on_device
from newt_core.model.config import EntropyKind
from newt_core.model.discrete import soft_cross_entropy, two_hot_mean
from newt_core.model.elementwise import at_least_float32
from newt_core.model.policy_head import PolicySample
from newt_core.model.q_ensemble import draw_heads
from newt_core.model.world_model import BoundModel, WorldModel
from newt_core.replay.buffer import Batch
from newt_core.replay.part import Part


@dataclass(frozen=True)
class UpdateNoise:
    """Everything random in an update."""

    target: Tensor
    """[H, B, A] standard normal, for the actions of the TD targets."""
    policy: Tensor
    """[H + 1, B, A] standard normal, for the actions of the policy loss."""
    target_heads: Tensor
    """[2] heads whose minimum makes the TD targets."""
    policy_heads: Tensor
    """[2] heads whose mean the policy maximises."""
    value_dropout: Tensor | None = None
    """[n, H, B, hidden] of the Q heads in the value loss; None without dropout."""
    policy_dropout: Tensor | None = None
    """[2, H + 1, B, hidden] of the heads that the policy maximises, likewise."""


def draw_noise(
    model: WorldModel, batch: Batch, generator: torch.Generator, cpu_generator: torch.Generator
) -> UpdateNoise:
    """Draw an update's noise on the model's device; its head pairs come from the CPU.

    For a part of a larger batch, the noise of the whole is drawn and that of its rows taken: so
    ranks with the same generators draw what one would that had all rows.
    """
    horizon, _, width = batch.action.shape
    device, part, num_q = model.device, batch.place, model.size.num_q
    mine = slice(part.first, part.first + part.own)
    shape, extended = (horizon, part.whole), (horizon + 1, part.whole)
    target = torch.randn(*shape, width, device=device, generator=generator)[:, mine]
    policy = torch.randn(*extended, width, device=device, generator=generator)[:, mine]
    heads = torch.stack([draw_heads(num_q, cpu_generator) for _ in range(2)])
    value_dropout = model.q.draw_dropout(shape, num_q, generator)
    policy_dropout = model.q.draw_dropout(extended, 2, generator)
    target_heads, policy_heads = on_device(heads, device)
    return UpdateNoise(
        target,
        policy,
        target_heads,
        policy_heads,
        None if value_dropout is None else value_dropout[:, :, mine],
        None if policy_dropout is None else policy_dropout[:, :, mine],
    )


def temporal_weights(horizon: int, decay: float, device: torch.device) -> Tensor:
    """Weights decay^t for t = 0 … H that sum to 1: [H + 1]."""
    weights = decay ** torch.arange(horizon + 1, device=device, dtype=torch.float32)
    return weights / weights.sum()


@torch.no_grad()
def td_target(
    model: WorldModel, bound: BoundModel, next_z: Tensor, reward: Tensor, noise: UpdateNoise
) -> Tensor:
    """One-step targets r + γ · min of two target heads (TD-MPC2, eq. 4).

    Every task has a fixed length and ends by truncation, so each step bootstraps.

    Args:
        model: Supplies the per-task discounts.
        bound: The model bound to the batch's tasks.
        next_z: [H, B, L] encoded next observations.
        reward: [H, B].
        noise: Its ``target`` and ``target_heads`` are used.

    Returns:
        [H, B].
    """
    action = bound.policy(next_z, noise.target).action
    value = bound.q_value(next_z, action, noise.target_heads, target=True).amin(0)
    return reward + model.discount[bound.task] * value


@dataclass(frozen=True)
class ModelLoss:
    """The world model's loss, its parts, and the latents that the policy learns from."""

    total: Tensor
    latents: Tensor
    """[H + 1, B, L] z_0 = h(s_0), then the dynamics' rollout; with gradient."""
    metrics: dict[str, Tensor]


def model_loss(
    model: WorldModel, bound: BoundModel, batch: Batch, noise: UpdateNoise, config: UpdateConfig
) -> ModelLoss:
    """Latent consistency, reward and value losses over a rollout of the model (eq. 3)."""
    horizon = batch.action.shape[0]
    rho = temporal_weights(horizon, config.temporal_decay, model.device)[:horizon]
    with torch.no_grad():
        next_z = at_least_float32(bound.encode(batch.obs[1:], batch.features_at(slice(1, None))))
        target = td_target(model, bound, next_z, batch.reward, noise)

    latents = [bound.encode(batch.obs[0], batch.features_at(0))]
    for t in range(horizon):
        latents.append(bound.next(latents[-1], batch.action[t]))
    z = torch.stack([at_least_float32(latent) for latent in latents])

    consistency = (rho * F.mse_loss(z[1:], next_z, reduction="none").mean((1, 2))).sum()
    reward_logits = bound.reward_logits(z[:-1], batch.action)
    reward = (rho * soft_cross_entropy(reward_logits, batch.reward).mean(1)).sum()
    q_logits = bound.q_heads()(z[:-1], batch.action, noise.value_dropout)
    value = (rho * soft_cross_entropy(q_logits, target).mean((0, 2))).sum()
    total = (
        config.consistency_coef * consistency
        + config.reward_coef * reward
        + config.value_coef * value
    )
    metrics = {
        "loss/consistency": consistency,
        "loss/reward": reward,
        "loss/value": value,
        "value/td_target": target.mean(),
    }
    return ModelLoss(total, z, {name: m.detach() for name, m in metrics.items()})


def cloning_loss(sample: PolicySample, batch: Batch, mask: Tensor, rho: Tensor) -> Tensor:
    """Squared error between prior and replayed actions, averaged over valid entries.

    Dividing by each task's own number of entries makes tasks weigh alike.

    Args:
        sample: The prior at [H + 1, B]; its last step has no replayed action.
        batch: The replayed actions [H, B, A].
        mask: [B, A] valid entries.
        rho: [H + 1] temporal weights.
    """
    error = (sample.action[:-1] - batch.action).square() * mask
    per_row = error.sum(-1) / mask.sum(-1)
    return (rho[:-1] * per_row.mean(1)).sum()


def entropy_bonus(sample: PolicySample, rho: Tensor, kind: EntropyKind) -> Tensor:
    """Temporally weighted scaled entropy, a scalar."""
    return (rho * sample.scaled_entropy(kind).mean(1)).sum()


@dataclass(frozen=True)
class PolicyLoss:
    """The policy's loss, its parts, and the running scale after this batch."""

    total: Tensor
    scale: Tensor
    """[] to keep for the next update."""
    metrics: dict[str, Tensor]


def policy_values(
    bound: BoundModel, z: Tensor, action: Tensor, heads: Tensor, dropout: Tensor | None = None
) -> Tensor:
    """Mean of two heads' values with gradient into the action only: [H + 1, B]."""
    return two_hot_mean(bound.q_heads(heads).frozen()(z, action, dropout)).mean(0)


def policy_loss(
    model: WorldModel,
    latents: Tensor,
    batch: Batch,
    noise: UpdateNoise,
    scale: Tensor,
    config: UpdateConfig,
    *,
    bc_coef: float,
    joined: Callable[[Tensor, Part], Tensor] = lambda values, part: values,
) -> PolicyLoss:
    """Maximise scaled value and entropy, and stay near the replayed actions (eq. 7).

    Args:
        model: Its policy is trained; its Q heads only pass gradient through.
        latents: [H + 1, B, L], detached here.
        batch: Supplies tasks and replayed actions.
        noise: Its ``policy`` and ``policy_heads`` are used.
        scale: [] the running value scale *before* this update; moved by the values at t = 0.
        config: Coefficients.
        bc_coef: Weight of behaviour cloning; 0 for none.
        joined: Puts the values of all ranks' parts of the batch together.
    """
    bound = model.bind(batch.task)
    z = latents.detach()
    rho = temporal_weights(z.shape[0] - 1, config.temporal_decay, z.device)
    sample = bound.policy(z, noise.policy)
    q = policy_values(bound, z, sample.action, noise.policy_heads, noise.policy_dropout)
    spread = value_spread(joined(q[0].detach(), batch.place))
    new_scale = torch.lerp(scale, spread, config.scale_ema)
    value = (rho * (q / new_scale).mean(1)).sum()
    entropy = entropy_bonus(sample, rho, config.entropy)
    cloning = cloning_loss(sample, batch, model.action_mask[batch.task], rho)
    total = bc_coef * cloning - value - config.entropy_coef * entropy
    metrics = {
        "loss/policy": total,
        "loss/cloning": cloning,
        "policy/scaled_entropy": entropy,
        "value/scale": new_scale,
    }
    return PolicyLoss(total, new_scale, {name: m.detach() for name, m in metrics.items()})


@dataclass(frozen=True)
class JointPolicyLoss:
    """What pretraining adds to the world model's loss, and its parts."""

    total: Tensor
    metrics: dict[str, Tensor]


def joint_policy_loss(
    model: WorldModel,
    latents: Tensor,
    batch: Batch,
    noise: UpdateNoise,
    config: UpdateConfig,
    *,
    bc_coef: float,
) -> JointPolicyLoss:
    """Cloning and entropy alone, with gradient into the latents (pretraining)."""
    bound = model.bind(batch.task)
    rho = temporal_weights(latents.shape[0] - 1, config.temporal_decay, latents.device)
    sample = bound.policy(latents, noise.policy)
    cloning = cloning_loss(sample, batch, model.action_mask[batch.task], rho)
    entropy = entropy_bonus(sample, rho, config.entropy)
    total = bc_coef * cloning - config.entropy_coef * entropy
    metrics = {"loss/policy": total, "loss/cloning": cloning, "policy/scaled_entropy": entropy}
    return JointPolicyLoss(total, {name: m.detach() for name, m in metrics.items()})


def latent_cloning_loss(
    model: WorldModel, latents: Tensor, batch: Batch, noise: UpdateNoise, config: UpdateConfig
) -> Tensor:
    """Cloning with gradient into the latents, during interaction (ours, not the paper's).

    Pretraining shapes the latents by cloning. Without it they keep only what rewards, values and
    their own prediction need, and a policy that was cloned on them loses what it acts by.
    """
    bound = model.bind(batch.task)
    rho = temporal_weights(latents.shape[0] - 1, config.temporal_decay, latents.device)
    sample = bound.policy(latents, noise.policy)
    return cloning_loss(sample, batch, model.action_mask[batch.task], rho)


def value_spread(q: Tensor) -> Tensor:
    """Return what values q [B] move the running scale towards: max(1, P95 - P5)."""
    # Two numbers instead of a tensor of both: a tensor would be copied to the GPU.
    low, high = (torch.quantile(q, share) for share in (0.05, 0.95))
    return (high - low).clamp(min=1.0)
