"""FastTD3's targets and losses beside those of Stable-Baselines3's TD3, on the same batch.

TD3's critics say a number, FastTD3's a distribution of it. Stable-Baselines3 is given the means of
FastTD3's distributions for its critics' numbers: then targets have to agree, in the mean.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from torch import Tensor, nn

from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.losses import actor_loss, target_distributions
from newt_core.agents.fasttd3.networks import FastTD3Networks
from newt_core.agents.off_policy.atoms import mean
from newt_core.types import ACTION_DIM, STATE_DIM
from tests.fixtures.models import table
from tests.fixtures.transitions import transitions

COUNT = 32
NOISE, CLIP = 0.4, 0.5
"""Of the targets' actions: large, so that some of the noise is clipped, and some actions are."""


class Nothing(gymnasium.Env):
    observation_space = Box(-9.0, 9.0, (STATE_DIM,), np.float32)
    action_space = Box(-1.0, 1.0, (ACTION_DIM,), np.float32)


class Part(nn.Module):
    """An actor or critics of FastTD3, as Stable-Baselines3 asks them."""

    def __init__(self, nets: FastTD3Networks, task: Tensor, *, target: bool = False) -> None:
        super().__init__()
        self.nets, self.task, self.target = nets, task, target
        self.optimizer = torch.optim.SGD(nets.parameters(), lr=0.0)

    def set_training_mode(self, mode: bool) -> None:
        pass


class Actor(Part):
    def forward(self, state: Tensor) -> Tensor:
        return self.nets.act(self.nets.see(state), self.task)


class Critics(Part):
    def forward(self, state: Tensor, action: Tensor) -> tuple[Tensor, ...]:
        seen = self.nets.see(state)
        said = self.nets.logits(seen, self.task, action, target=self.target).softmax(-1)
        return tuple(mean(said, self.nets.atoms)[..., None])

    def q1_forward(self, state: Tensor, action: Tensor) -> Tensor:
        return self(state, action)[0]


def test_targets_and_losses_are_those_of_stable_baselines3(monkeypatch):
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.logger import configure

    config = FastTD3Config(v_min=-30.0, v_max=30.0, target_noise=NOISE, target_noise_clip=CLIP)
    torch.manual_seed(0)
    whole = replace(table(), action_mask=torch.ones(3, ACTION_DIM))
    nets = FastTD3Networks(config, whole)
    with torch.no_grad():
        for parameter in nets.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        # So that actions with noise leave [-1, 1].
        nets.actor.get_parameter("layers.3.weight").mul_(5.0)
    # Its actor climbs the first critic alone, FastTD3's the lower of the two: make them the same.
    nets.critics[1].load_state_dict(nets.critics[0].state_dict())
    batch = transitions(COUNT)  # No mass of whose targets is beyond the outermost atoms.
    batch = replace(batch, reward=0.5 * batch.reward, discount=torch.linspace(0.5, 0.9, COUNT))

    theirs = sb3.TD3(
        "MlpPolicy", Nothing(), learning_rate=0.0, policy_delay=1, tau=0.0, device="cpu",
        target_policy_noise=NOISE, target_noise_clip=CLIP, policy_kwargs={"net_arch": [8]},
    )  # fmt: skip
    theirs.set_logger(configure(None, []))
    theirs.actor = theirs.actor_target = Actor(nets, batch.task)
    theirs.critic = Critics(nets, batch.task)
    theirs.critic_target = Critics(nets, batch.task, target=True)
    drawn = SimpleNamespace(
        observations=batch.state,
        actions=batch.action,
        next_observations=batch.next_state,
        rewards=batch.reward[:, None],
        dones=torch.zeros(COUNT, 1),
        discounts=batch.discount[:, None],
    )
    monkeypatch.setattr(theirs.replay_buffer, "sample", lambda count, env=None: drawn)
    torch.manual_seed(1)
    theirs.train(gradient_steps=1, batch_size=COUNT)
    said = theirs.logger.name_to_value

    torch.manual_seed(1)
    noise = torch.empty_like(batch.action).normal_(0, NOISE) / NOISE
    clipped = (NOISE * noise).clamp(-CLIP, CLIP)
    assert (NOISE * noise).abs().max() > CLIP
    assert (Actor(nets, batch.task)(batch.next_state) + clipped).abs().max() > 1.0
    target = mean(target_distributions(nets, batch, noise, config), nets.atoms)
    means = torch.stack(Critics(nets, batch.task)(batch.state, batch.action))[..., 0]
    squares = (means - target).square().mean(1).sum()
    assert float(squares.detach()) == pytest.approx(said["train/critic_loss"], rel=1e-4)
    loss = float(actor_loss(nets, batch, config).detach())
    assert loss == pytest.approx(said["train/actor_loss"], rel=1e-4)
