"""Behaviour cloning's agent: Newt's encoder and policy, and nothing else (Newt, section E)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from newt_core.agents.base import Metrics
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.generators import resume_generator
from newt_core.agents.optimisers import Optimisers, gradient_step
from newt_core.agents.policy_agent import PolicyAgent
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import initial_weights
from newt_core.encoders.image.base import ImageEncoder
from newt_core.model import policy_head
from newt_core.model.config import ModelConfig
from newt_core.model.policy_head import PolicySample
from newt_core.model.sizes import SIZES
from newt_core.model.world_model import TaskTable, make_encoder, make_policy
from newt_core.replay.buffer import Batch
from newt_core.seeds import Stream, stream_seed
from newt_core.settings.base import Settings


class BCConfig(Settings):
    """What behaviour cloning has of its own, ``agent.options``; the rest are groups of the run."""

    text: bool = Field(
        True, description="Read the tasks' texts; a policy of one task alone can do without."
    )


class BCModel(nn.Module):
    """Encoder h and policy p as in :class:`newt_core.model.world_model.WorldModel`.

    Args:
        config: Its size and what it sees.
        tasks: Text and mask of each task.
        text: Whether it reads the text.
    """

    def __init__(self, config: ModelConfig, tasks: TaskTable, *, text: bool = True) -> None:
        super().__init__()
        size, self.reads_state = SIZES[config.size], config.obs != "rgb"
        self.encoder = make_encoder(
            size, state=self.reads_state, text=text, feature_stack=config.feature_stack
        )
        self.policy = make_policy(size, text=text)
        self.text: Tensor
        self.action_mask: Tensor
        read = tasks.text.float() if text else tasks.text.float()[:, :0]
        self.register_buffer("text", read, persistent=False)
        self.register_buffer("action_mask", tasks.action_mask.float(), persistent=False)

    def forward(
        self, state: Tensor, task: Tensor, noise: Tensor, image: Tensor | None = None
    ) -> PolicySample:
        """Draw actions.

        Args:
            state: [B, S].
            task: [B].
            noise: [B, A] standard normal.
            image: [B, F · D] features, where it sees.
        """
        seen = state if self.reads_state else state[..., :0]
        if image is not None:
            image = image.to(state.dtype)
        latent = self.encoder.bind(self.text, task)(seen, image)
        raw = self.policy.bind(self.text, task)(latent)
        return policy_head.sample(raw, self.action_mask[task], noise)


@dataclass(frozen=True)
class CloningSettings:
    """How a gradient step is taken; see :class:`newt_core.agents.newt.config.UpdateConfig`."""

    update: UpdateConfig
    lr_factor: float = 1.0
    """How many times the learning rates it learns at, after the warm-up."""


class BCAgent(PolicyAgent):
    """One language-conditioned policy for a list of tasks, which imitates.

    Args:
        model_config: Size and observations.
        options: Whether it reads texts.
        tasks: Text and mask of each task, in the run's order.
        cloning: How it learns.
        device: Where the weights are.
        image_encoder: Makes the features that it reads; None if it reads none.
        seed: Determines the initial weights and the noise.
        ranks: Those that train it together.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        options: BCConfig,
        tasks: TaskTable,
        cloning: CloningSettings,
        *,
        device: torch.device,
        image_encoder: ImageEncoder | None = None,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        with initial_weights(seed):
            model = BCModel(model_config, tasks, text=options.text)
        self.policy = model.to(device)
        update = cloning.update
        adam = torch.optim.Adam(
            [
                {"params": list(self.policy.encoder.parameters()), "lr": update.encoder_lr},
                {"params": list(self.policy.policy.parameters()), "eps": update.policy_adam_eps},
            ],
            lr=update.lr,
            fused=True,
        )
        super().__init__(self.policy, Optimisers({"all": adam}, device), device)
        self.obs = model_config.obs
        self.feature_stack = model_config.feature_stack
        self.image_encoder = image_encoder
        self.cloning = cloning
        self._ranks = ranks
        first = stream_seed(seed, Stream.LEARNER)
        self.generator = torch.Generator(device).manual_seed(first)

    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`: the mean, squashed."""
        noise = torch.zeros_like(self.policy.action_mask[task])
        return self.policy(state, task, noise, image).mean

    def update(self, batch: Batch, noise: Tensor | None = None) -> Metrics:
        """Take one gradient step on the first step of each subsequence.

        Args:
            batch: On the model's device.
            noise: [B, A] used instead of drawing; for tests.
        """
        bad = torch.zeros((), device=self.device)
        settings, rate = self.cloning.update, self.cloning.lr_factor
        warm = min(1.0, (self.learning.updates + 1) / max(1, settings.warmup_updates))
        self.learning.set_lr_factor(rate * warm)
        if noise is None:
            shape = batch.action[0].shape
            noise = torch.randn(shape, device=self.device, generator=self.generator)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"
        ):
            loss, metrics = cloning_loss(self.policy, batch, noise, settings)
        loss.backward()
        norm = gradient_step(
            self.learning["all"], loss, bad, clip=settings.grad_clip, ranks=self._ranks
        )
        self.learning.count(bad)
        return {**metrics, "grad/all": norm}

    def state_dict(self) -> dict[str, object]:
        """Return the weights, and how learning goes on."""
        return {**super().state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`."""
        super().load_state_dict(state)
        words = state["generator"]
        assert isinstance(words, Tensor)
        resume_generator(self.generator, words)


def cloning_loss(
    model: BCModel, batch: Batch, noise: Tensor, settings: UpdateConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of sampled actions, averaged over each task's valid entries, less entropy.

    Every action counts alike, however many entries it has.

    Returns:
        The loss [], and detached scalars named ``part/what``.
    """
    sample = model(batch.obs[0], batch.task, noise, batch.features_at(0))
    mask = model.action_mask[batch.task]
    error = (sample.action - batch.action[0]).square() * mask
    cloning = (error.sum(-1) / mask.sum(-1)).mean()
    entropy = sample.scaled_entropy(settings.entropy).mean()
    total = cloning - settings.entropy_coef * entropy
    return total, {
        "loss/cloning": cloning.detach(),
        "policy/scaled_entropy": entropy.detach(),
    }
