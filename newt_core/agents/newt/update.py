"""The learner: optimisers, target network, running value scale, and one gradient step.

A step whose gradients are not finite is left out: the optimisers skip it on the device, so that
nobody has to wait for a GPU to find out. :class:`Skipped` counts, for whoever looks later.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newt_core.agents.base import Skipped
from newt_core.agents.newt import losses
from newt_core.agents.newt.captured_update import CapturedUpdate
from newt_core.agents.newt.config import REMEDY, UpdateConfig
from newt_core.agents.newt.generators import resume_generator
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.agents.optimisers import (
    gradient_step,
    load_moments,
    rates_as_tensors,
    saved_moments,
    set_lr,
)
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.devices.precision import matrix_products
from newt_core.devices.static_call import StaticCall
from newt_core.model.world_model import WorldModel
from newt_core.replay.buffer import Batch
from newt_core.replay.part import Part
from newt_core.seeds import Stream, stream_seed


class Learner:
    """Owns what changes a :class:`WorldModel`: two optimisers and the value scale.

    One optimiser holds encoder, dynamics, reward and Q heads, the other the policy.

    Args:
        model: What learns.
        config: How.
        seed: Determines the noise.
        ranks: Those that train the same weights, each on its part of every batch.
    """

    remedy = REMEDY

    def __init__(
        self, model: WorldModel, config: UpdateConfig, *, seed: int = 0, ranks: Ranks = ALONE
    ) -> None:
        self.model = model
        self.ranks = ranks
        self.config = config
        self._scale = torch.ones((), device=model.device, dtype=model.text.dtype)
        self.updates = 0
        self.skipped = Skipped.none(model.device)
        noise_seed = stream_seed(seed, Stream.LEARNER)
        self.generator = torch.Generator(model.device).manual_seed(noise_seed)
        # Head pairs index Python-side: drawing them on the CPU avoids waiting for the GPU.
        heads_seed = stream_seed(seed, Stream.LEARNER_HEADS)
        self.cpu_generator = torch.Generator().manual_seed(heads_seed)
        encoder = list(model.encoder.parameters())
        rest = [
            *model.dynamics.parameters(),
            *model.reward.parameters(),
            *model.q.parameters(),
        ]
        groups: list[dict[str, Any]] = [
            {"params": encoder, "lr": config.encoder_lr},
            {"params": rest},
        ]
        capturable = self._capturable()
        self._captured = CapturedUpdate(self._take) if capturable else None
        self.model_optimiser = torch.optim.Adam(
            groups, lr=config.lr, fused=True, capturable=capturable
        )
        self.policy_optimiser = torch.optim.Adam(
            model.policy.parameters(),
            lr=config.lr,
            eps=config.policy_adam_eps,
            fused=True,
            capturable=capturable,
        )
        self._base_lr = [group["lr"] for group in self._groups()]
        if capturable:
            rates_as_tensors(self.model_optimiser, self.policy_optimiser)
        self._model_loss = losses.model_loss
        self._policy_loss = losses.policy_loss
        self._joint_policy_loss = losses.joint_policy_loss
        self._latent_cloning_loss = losses.latent_cloning_loss
        if config.compile:
            self._model_loss = torch.compile(losses.model_loss)
            self._policy_loss = torch.compile(losses.policy_loss)
            self._joint_policy_loss = torch.compile(losses.joint_policy_loss)
            self._latent_cloning_loss = torch.compile(losses.latent_cloning_loss)

    @property
    def graphs(self) -> StaticCall | None:
        """What captures the updates and counts its graphs; None where nothing is captured."""
        return None if self._captured is None else self._captured.call

    def _capturable(self) -> bool:
        # What ranks say to each other is left out of graphs.
        alone = self.ranks.size == 1
        return self.config.graphs and alone and self.model.device.type == "cuda"

    @property
    def scale(self) -> Tensor:
        """The running value scale, []; a captured update knows its address."""
        return self._scale

    @scale.setter
    def scale(self, value: Tensor) -> None:
        self._scale.copy_(value)

    def _groups(self) -> list[dict[str, Any]]:
        return [*self.model_optimiser.param_groups, *self.policy_optimiser.param_groups]

    def set_lr_factor(self, factor: float) -> None:
        """Scale every learning rate, as the warm-up does; 1 restores the configured rates."""
        for group, lr in zip(self._groups(), self._base_lr, strict=True):
            set_lr(group, lr * factor)

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
        z = bound.encode(batch.obs[:1], batch.features_at(slice(0, 1)))
        action = bound.policy(z, noise.policy[:1]).action
        q = losses.policy_values(bound, z, action, noise.policy_heads)
        self.scale = losses.value_spread(self.ranks.joined(q[0], batch.place))

    def _autocast(self) -> torch.autocast:
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=enabled)

    def update(
        self,
        batch: Batch,
        *,
        bc_coef: float = 0.0,
        joint: bool = False,
        noise: UpdateNoise | None = None,
    ) -> dict[str, Tensor]:
        """Take one gradient step.

        Args:
            batch: Subsequences on the model's device.
            bc_coef: Weight of the behaviour-cloning term in the policy loss.
            joint: Pretraining: train all parts together on cloning instead of the values.
            noise: Used instead of drawing; for tests.

        Returns:
            Detached scalars on the model's device, named ``part/what``.
        """
        noise = noise or losses.draw_noise(self.model, batch, self.generator, self.cpu_generator)
        take = self._take if self._captured is None else self._captured
        with matrix_products(self.model.device, tf32=self.config.tf32):
            metrics = take(batch, noise, bc_coef, joint)
        self.updates += 1
        return metrics

    def _take(
        self, batch: Batch, noise: UpdateNoise, bc_coef: float, joint: bool
    ) -> dict[str, Tensor]:
        """Do an update's work on the device, all of which a CUDA graph can repeat."""
        for optimiser in (self.model_optimiser, self.policy_optimiser):
            optimiser.zero_grad(set_to_none=True)  # Those of an update that broke off
        bad = torch.zeros((), device=self.model.device)
        with self._autocast():
            bound = self.model.bind(batch.task)
            model_loss = self._model_loss(self.model, bound, batch, noise, self.config)
            total = model_loss.total
            metrics = dict(model_loss.metrics)
            if joint:
                policy = self._joint_policy_loss(
                    self.model, model_loss.latents, batch, noise, self.config, bc_coef=bc_coef
                )
                total = total + policy.total
                metrics |= policy.metrics
            elif bc_coef and self.config.bc_latents:
                total = total + bc_coef * self._latent_cloning_loss(
                    self.model, model_loss.latents, batch, noise, self.config
                )
        total.backward()
        part = batch.place
        metrics["grad/model"] = self._step(self.model_optimiser, total, part, bad)
        if not joint:
            # What cloning in the latents asked of the policy, its own step asks again.
            self.policy_optimiser.zero_grad(set_to_none=True)
            metrics |= self._policy_step(model_loss.latents, batch, noise, bad, bc_coef=bc_coef)
        else:
            metrics["grad/policy"] = self._step(self.policy_optimiser, total, part, bad)
        self.model.update_target(self.config.target_ema)
        self.skipped.count(bad)
        return metrics

    def _step(self, optimiser: torch.optim.Adam, loss: Tensor, part: Part, bad: Tensor) -> Tensor:
        """Step by the settings; see :func:`newt_core.agents.optimisers.gradient_step`."""
        return gradient_step(
            optimiser, loss, bad, clip=self.config.grad_clip, ranks=self.ranks, part=part
        )

    def _policy_step(
        self, latents: Tensor, batch: Batch, noise: UpdateNoise, bad: Tensor, *, bc_coef: float
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
                bc_coef=bc_coef,
                joined=self.ranks.joined,
            )
        loss.total.backward()
        metrics = dict(loss.metrics)
        metrics["grad/policy"] = self._step(self.policy_optimiser, loss.total, batch.place, bad)
        self.scale = torch.where(bad > 0, self.scale, loss.scale.detach())
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs besides the weights."""
        return {
            "model_optimiser": saved_moments(self.model_optimiser),
            "policy_optimiser": saved_moments(self.policy_optimiser),
            "scale": self.scale.clone(),
            "updates": self.updates,
            "skipped": vars(self.skipped).copy(),
            "generator": self.generator.get_state(),
            "cpu_generator": self.cpu_generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`; the learning rates stay those of the settings."""
        self.load_optimisers(state)
        self.scale = state["scale"]
        self.updates = int(state["updates"])
        device = self.model.device
        self.skipped = Skipped(**{k: v.to(device) for k, v in state["skipped"].items()})
        self._forget_graph()
        resume_generator(self.generator, state["generator"])
        resume_generator(self.cpu_generator, state["cpu_generator"])

    def load_optimisers(self, state: dict[str, Any]) -> None:
        """Take over the moments of Adam from a :meth:`state_dict`, and nothing else."""
        load_moments(self.model_optimiser, state["model_optimiser"])
        load_moments(self.policy_optimiser, state["policy_optimiser"])
        self._forget_graph()

    def _forget_graph(self) -> None:
        """Have the next updates captured anew: what they change lies elsewhere now."""
        if self._captured is not None:
            self._captured.call.forget()
