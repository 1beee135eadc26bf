"""Behaviour cloning: its size, its loss by hand, masks, and what it learns to do."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.agents.bc.agent import BCAgent, BCConfig, BCModel, CloningSettings, cloning_loss
from newt_core.agents.bc.cloning import Cloning
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.replay import Batch, ReplayBuffer
from newt_core.types import Episode, Observation
from tests.fixtures.models import batch, normal, table
from tests.fixtures.transitions import gradients

UPDATE = UpdateConfig(batch_size=32, warmup_updates=10, lr=3e-3, encoder_lr=3e-3)


pytestmark = pytest.mark.usefixtures("tiny_networks")


def model(*, text: bool = True, obs: str = "state") -> BCModel:
    torch.manual_seed(0)
    made = BCModel(ModelConfig.model_validate({"size": "2M", "obs": obs}), table(), text=text)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize(("text", "count"), [(True, 4_372_000), (False, 3_323_424)])
def test_its_sizes_are_those_of_the_paper(text: bool, count: int):
    made = BCModel(ModelConfig(), table(), text=text)
    assert sum(each.numel() for each in made.parameters()) == count


def test_it_is_the_world_models_encoder_and_policy():
    from tests.fixtures import models

    whole = models.model()
    made = BCModel(ModelConfig(size="2M"), table())
    parts = ("encoder.", "policy.")
    weights = {k: v for k, v in whole.state_dict().items() if k.startswith(parts)}
    made.load_state_dict(weights)
    state, task, noise = normal(3, 128), torch.arange(3), normal(3, 16, seed=1)
    bound = whole.bind(task)
    expected = bound.policy(bound.encode(state), noise).action
    torch.testing.assert_close(made(state, task, noise).action, expected)


def test_every_action_counts_alike_however_many_entries_it_has():
    made, b, noise = model(), batch(3, 1), torch.zeros(3, 16)
    with torch.no_grad():
        sample = made(b.obs[0], b.task, noise)
        # Off by 0.5 in every entry of tasks with 1, 4 and 6 of them.
        off = (sample.action + 0.5)[None]
    settings = UpdateConfig(entropy_coef=0.0)
    loss, metrics = cloning_loss(made, replace(b, action=off), noise, settings)
    assert float(loss.detach()) == pytest.approx(0.25)
    assert float(metrics["loss/cloning"]) == pytest.approx(0.25)


def test_the_sampled_action_is_compared_not_the_mean():
    made, b, noise = model(), batch(3, 1), normal(3, 16)
    with torch.no_grad():
        drawn = made(b.obs[0], b.task, noise).action[None]
    b = replace(b, action=drawn)
    assert float(cloning_loss(made, b, noise, UPDATE)[1]["loss/cloning"]) == 0.0
    assert float(cloning_loss(made, b, torch.zeros(3, 16), UPDATE)[1]["loss/cloning"]) > 0.0


def test_entries_that_a_task_does_not_have_change_nothing():
    made, b, noise = model(), batch(6, 1), normal(6, 16)
    changed = replace(b, action=b.action + 3 * (1 - table().action_mask[b.task]))
    one, other = (cloning_loss(made, each, noise, UPDATE)[0] for each in (b, changed))
    assert float(one.detach()) == float(other.detach())


def test_the_order_of_a_batch_changes_no_gradient():
    made, b, noise = model(), batch(9, 1), normal(9, 16)
    order = torch.tensor([3, 0, 8, 1, 7, 2, 5, 4, 6])
    turned = Batch(b.obs[:, order], b.action[:, order], b.reward[:, order], b.task[order])
    one = gradients(made, lambda: cloning_loss(made, b, noise, UPDATE)[0])
    other = gradients(made, lambda: cloning_loss(made, turned, noise[order], UPDATE)[0])
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("obs", ["rgb", "both"])
def test_it_can_see(obs: str):
    made, b, noise = model(obs=obs), batch(3, 1, feature_stack=1), torch.zeros(3, 16)
    one = made(b.obs[0], b.task, noise, b.features_at(0)).action
    other = made(b.obs[0] + 1, b.task, noise, b.features_at(0)).action
    assert torch.equal(one, other) == (obs == "rgb")
    assert not torch.equal(one, made(b.obs[0], b.task, noise, b.features_at(1)).action)


def agent(*, text: bool = True, seed: int = 0) -> BCAgent:
    return BCAgent(
        ModelConfig(size="2M"),
        BCConfig(text=text),
        table(),
        CloningSettings(UPDATE, lr_factor=2.0),
        device=torch.device("cpu"),
        seed=seed,
    )


def followers() -> ReplayBuffer:
    """Episodes of the task with four entries, whose actions are entries of what was seen."""
    generator = np.random.default_rng(0)
    buffer = ReplayBuffer(2000)
    for _ in range(40):
        obs = np.zeros((13, 128), np.float32)
        obs[:, :5] = generator.uniform(-0.8, 0.8, (13, 5))
        action = np.zeros((12, 16), np.float32)
        action[:, :4] = obs[:-1, :4]
        buffer.add(Episode(1, obs, action, np.ones(12, np.float32)))
    return buffer


@pytest.mark.parametrize("text", [True, False])
def test_it_learns_to_do_what_was_demonstrated(text: bool):
    learner = Cloning(agent(text=text), followers(), seed=0)
    rates = []
    for _ in range(800):
        learner.update()
        rates.append(float(learner.report()["lr"]))
    assert rates[:10] == pytest.approx([6e-3 * n / 10 for n in range(1, 11)])
    assert set(rates[10:]) == {6e-3}
    wanted = followers().sample(100, 1, torch.Generator().manual_seed(9))
    player = learner.agent.player(100, seed=0, how=Acting())
    ids = np.arange(100)
    acted = player(
        Observation(wanted.obs[0].numpy(), wanted.task.numpy(), ids, np.ones(100, np.bool_))
    )
    assert not acted[:, 4:].any()
    error = np.square(acted - wanted.action[0].numpy())[:, :4].mean()
    # To stand still would be off by this, squared.
    assert error < 0.3 * float(wanted.action[0, :, :4].square().mean())


def test_a_restored_learner_goes_on_identically():
    one, other = (Cloning(agent(seed=seed), followers(), seed=seed) for seed in (0, 1))
    one.update()
    for name, part in other.parts.items():
        part.load_state_dict(copy.deepcopy(one.parts[name].state_dict()))
    for learner in (one, other):
        learner.update()
    assert one.updates == other.updates == 2
    for a, b in zip(one.agent.model.parameters(), other.agent.model.parameters(), strict=True):
        assert torch.equal(a, b)
