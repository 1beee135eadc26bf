"""The learner: optimisers, target network, running value scale, and one gradient step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.model.world_model import WorldModel
from newt_core.replay.buffer import Batch


class Learner:
    """Owns what changes a :class:`WorldModel`: two optimisers and the value scale.

    One optimiser holds encoder, dynamics, reward and Q heads, the other the policy.
    """

    def __init__(self, model: WorldModel, config: UpdateConfig, *, seed: int = 0) -> None:
        self.model = model
        self.config = config
        self.scale = torch.ones((), device=model.device, dtype=model.text.dtype)
        self.updates = 0
        self.generator = torch.Generator(model.device).manual_seed(seed)
        # Head pairs index Python-side: drawing them on the CPU avoids waiting for the GPU.
        self.cpu_generator = torch.Generator().manual_seed(seed + 1)
        encoder = list(model.encoder.parameters())
        rest = [
            *model.dynamics.parameters(),
            *model.reward.parameters(),
            *model.q.parameters(),
        ]
        self._model_parameters = [*encoder, *rest]
        self._policy_parameters = list(model.policy.parameters())
        groups: list[dict[str, Any]] = [
            {"params": encoder, "lr": config.encoder_lr},
            {"params": rest},
        ]
        self.model_optimiser = torch.optim.Adam(groups, lr=config.lr, fused=True)
        self.policy_optimiser = torch.optim.Adam(
            self._policy_parameters, lr=config.lr, eps=config.policy_adam_eps, fused=True
        )
        self._base_lr = [group["lr"] for group in self._groups()]
        self._model_loss = losses.model_loss
        self._policy_loss = losses.policy_loss
        if config.compile:
            self._model_loss = torch.compile(losses.model_loss)
            self._policy_loss = torch.compile(losses.policy_loss)

    def _groups(self) -> list[dict[str, Any]]:
        return [*self.model_optimiser.param_groups, *self.policy_optimiser.param_groups]

    def set_lr_factor(self, factor: float) -> None:
        """Scale every learning rate, as the warm-up does; 1 restores the configured rates."""
        for group, lr in zip(self._groups(), self._base_lr, strict=True):
            group["lr"] = lr * factor

    def warmup_factor(self) -> float:
        """Linear warm-up over the first ``warmup_updates`` updates (pretraining only)."""
        return min(1.0, (self.updates + 1) / max(1, self.config.warmup_updates))

    @torch.no_grad()
    def calibrate(self, batch: Batch) -> None:
        """Begin with the value scale of a batch, where the values are learned already.

        From its usual beginning, 1, the running scale needs some hundred updates to reach the
        range of the values. Until then, values would count for too much beside cloning, and
        undo what a policy has learned from demonstrations.
        """
        noise = losses.draw_noise(self.model, batch, self.generator, self.cpu_generator)
        bound = self.model.bind(batch.task)
        z = bound.encode(batch.obs[:1], batch.images(slice(0, 1)))
        action = bound.policy(z, noise.policy[:1]).action
        q = losses.policy_values(bound, z, action, noise.policy_heads)
        self.scale = losses.moved_scale(self.scale, q[0], 1.0)

    def _autocast(self) -> torch.autocast:
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=enabled)

    def update(
        self,
        batch: Batch,
        *,
        cloning: bool = False,
        joint: bool = False,
        noise: UpdateNoise | None = None,
    ) -> dict[str, Tensor]:
        """Take one gradient step.

        Args:
            batch: Subsequences on the model's device.
            cloning: Add the behaviour-cloning term to the policy loss.
            joint: Pretraining: train all parts together on cloning instead of the values.
            noise: Used instead of drawing; for tests.

        Returns:
            Detached scalars on the model's device, named ``part/what``.
        """
        noise = noise or losses.draw_noise(self.model, batch, self.generator, self.cpu_generator)
        with self._autocast():
            bound = self.model.bind(batch.task)
            model_loss = self._model_loss(self.model, bound, batch, noise, self.config)
            total = model_loss.total
            metrics = dict(model_loss.metrics)
            if joint:
                policy = losses.joint_policy_loss(
                    self.model, model_loss.latents, batch, noise, self.config
                )
                total = total + policy.total
                metrics |= policy.metrics
            elif cloning and self.config.bc_latents:
                total = total + self.config.bc_coef * losses.latent_cloning_loss(
                    self.model, model_loss.latents, batch, noise, self.config
                )
        total.backward()
        metrics["grad/model"] = _clip(self._model_parameters, self.config.grad_clip)
        self.model_optimiser.step()
        self.model_optimiser.zero_grad(set_to_none=True)
        if not joint:
            # What cloning in the latents asked of the policy, its own step asks again.
            self.policy_optimiser.zero_grad(set_to_none=True)
            metrics |= self._policy_step(model_loss.latents, batch, noise, cloning=cloning)
        else:
            metrics["grad/policy"] = _clip(self._policy_parameters, self.config.grad_clip)
            self.policy_optimiser.step()
            self.policy_optimiser.zero_grad(set_to_none=True)
        self.model.update_target(self.config.target_ema)
        self.updates += 1
        return metrics

    def _policy_step(
        self, latents: Tensor, batch: Batch, noise: UpdateNoise, *, cloning: bool
    ) -> dict[str, Tensor]:
        """Improve the policy on the model as it is after its own step."""
        with self._autocast():
            loss = self._policy_loss(
                self.model,
                latents,
                batch,
                noise,
                self.scale,
                self.config,
                bc_coef=self.config.bc_coef if cloning else 0.0,
            )
        loss.total.backward()
        metrics = dict(loss.metrics)
        metrics["grad/policy"] = _clip(self._policy_parameters, self.config.grad_clip)
        self.policy_optimiser.step()
        self.policy_optimiser.zero_grad(set_to_none=True)
        self.scale = loss.scale.detach()
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs besides the weights."""
        return {
            "model_optimiser": self.model_optimiser.state_dict(),
            "policy_optimiser": self.policy_optimiser.state_dict(),
            "scale": self.scale,
            "updates": self.updates,
            "generator": self.generator.get_state(),
            "cpu_generator": self.cpu_generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self.model_optimiser.load_state_dict(state["model_optimiser"])
        self.policy_optimiser.load_state_dict(state["policy_optimiser"])
        self.scale = state["scale"].to(self.model.device)
        self.updates = int(state["updates"])
        self.generator.set_state(state["generator"].cpu())
        self.cpu_generator.set_state(state["cpu_generator"].cpu())


def _clip(parameters: Iterable[nn.Parameter], limit: float) -> Tensor:
    """Clip gradients in place to a joint norm and return the norm before."""
    return torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=True).detach()
