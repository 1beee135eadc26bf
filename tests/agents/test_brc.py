"""BRC: targets, losses and the scale of rewards by hand, and what it does with what it sees."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newt_core.agents.brc.agent import BRCAgent
from newt_core.agents.brc.config import BRCConfig
from newt_core.agents.brc.interaction import BRCInteraction
from newt_core.agents.brc.losses import (
    actor_loss,
    critic_loss,
    target_distribution,
    temperature_loss,
)
from newt_core.agents.brc.networks import Block, BRCNetworks
from newt_core.agents.brc.return_scale import ReturnScale
from newt_core.model.world_model import TaskTable
from newt_core.types import ACTION_DIM, STATE_DIM, Episode, FloatArray, Observation, Transitions
from tests.fixtures.models import ACTION_DIMS, normal, table
from tests.fixtures.transitions import gradients, masked_entries_changed, permuted, transitions

SMALL = {"critic_width": 16, "actor_width": 16, "batch_size": 4}


def small(tasks: TaskTable | None = None, **options: Any) -> BRCNetworks:
    """Networks of a few rows, all weights of which say something."""
    torch.manual_seed(0)
    made = BRCNetworks(BRCConfig.model_validate({**SMALL, **options}), tasks or table())
    with torch.no_grad():
        for parameter in (*made.actor.parameters(), *made.critics.parameters()):
            parameter.add_(0.1 * torch.randn_like(parameter))
        for target, online in zip(
            made.target_critics.parameters(), made.critics.parameters(), strict=True
        ):
            target.copy_(online + 0.1 * torch.randn_like(online))
    return made


def agent(**options: Any) -> BRCAgent:
    config = BRCConfig.model_validate({**SMALL, **options})
    return BRCAgent(config, table(), device=torch.device("cpu"))


def copied(made: BRCAgent) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in made.model.state_dict().items()}


def test_a_block_adds_to_its_input_what_two_normalised_layers_make_of_it():
    block, x = Block(4), normal(6, 4)
    one, two, last = block.layers[0], block.layers[3], block.layers[4].weight
    assert isinstance(last, Tensor)
    with torch.no_grad():
        hidden = torch.relu(torch.layer_norm(one(x), [4], eps=1e-6))
        added = torch.layer_norm(two(hidden), [4], eps=1e-6)
        torch.testing.assert_close(block(x), x + added)
        last.zero_()
        assert torch.equal(block(x), x)


def test_the_text_stands_in_the_place_of_a_task_embedding():
    few = table()
    twin = TaskTable(few.text[[0, 0, 1]], few.action_mask[[1, 1, 1]], few.discount[[1, 1, 1]])
    nets, state = small(twin), normal(1, STATE_DIM).expand(3, -1)
    action = normal(1, ACTION_DIM).expand(3, -1)
    mean = nets.policy(state, torch.arange(3)).mean
    said = nets.logits(state, torch.arange(3), action)
    # Two tasks of the same text are the same one; of another text, another one.
    torch.testing.assert_close(mean[0], mean[1])
    torch.testing.assert_close(said[:, 0], said[:, 1])
    assert not torch.allclose(mean[0], mean[2], atol=1e-3)
    assert not torch.allclose(said[:, 0], said[:, 2], atol=1e-3)
    one = TaskTable(few.text[:1], few.action_mask[:1], few.discount[:1])
    sizes = {sum(p.numel() for p in each.parameters()) for each in (nets, small(one), small(few))}
    assert len(sizes) == 1


def test_the_target_is_the_average_critic_moved_by_reward_discount_and_entropy():
    nets = small(v_min=-60.0, v_max=60.0)
    batch, noise = transitions(9), normal(9, ACTION_DIM)
    batch = replace(batch, discount=0.5 * batch.discount)  # Values stay among the atoms.
    with torch.no_grad():
        policy = nets.policy(batch.next_state, batch.task)
        raw = policy.sample(noise)
        said = nets.logits(batch.next_state, batch.task, torch.tanh(raw), target=True).softmax(-1)
        value = (said.mean(0) * nets.atoms).sum(-1) - 0.1 * policy.log_prob(raw)
    found = target_distribution(nets, batch, noise)
    torch.testing.assert_close(found.sum(-1), torch.ones(9))
    expected = batch.reward + batch.discount * value
    torch.testing.assert_close(found @ nets.atoms, expected, rtol=1e-4, atol=1e-3)


def test_without_a_future_the_target_is_the_reward():
    nets, batch = small(), transitions(9)
    batch = replace(batch, reward=0.3 * batch.reward, discount=torch.zeros(9))
    found = target_distribution(nets, batch, normal(9, ACTION_DIM))
    torch.testing.assert_close(found @ nets.atoms, batch.reward, rtol=1e-4, atol=1e-4)
    assert int((found > 1e-6).sum(-1).max()) <= 2  # the two atoms beside it


def test_losses_worked_out_by_hand(monkeypatch):
    nets, batch = small(num_atoms=2, v_min=0.0, v_max=1.0), transitions(2)
    say = torch.tensor([[[0.0, 0.0]] * 2, [[1.0, 0.0]] * 2]).log_softmax(-1)
    monkeypatch.setattr(nets, "logits", lambda *seen, **named: say)
    ends = replace(batch, reward=torch.tensor([0.0, 0.5]), discount=torch.zeros(2))
    # Targets are (1, 0) and (1/2, 1/2).
    even, first, second = -math.log(0.5), -float(say[1, 0, 0]), -float(say[1, 0, 1])
    expected = even + 0.5 * (first + 0.5 * (first + second))
    noise = normal(2, ACTION_DIM)
    assert float(critic_loss(nets, ends, noise)) == pytest.approx(expected, rel=1e-5)
    # Of the average distribution, the upper atom has (0.5 + 0.26894) / 2.
    loss, entropy = actor_loss(nets, batch, noise)
    policy = nets.policy(batch.state, batch.task)
    log_prob = policy.log_prob(policy.sample(noise)).detach()
    assert torch.equal(entropy, -log_prob)
    assert float(loss.detach()) == pytest.approx(0.1 * float(log_prob.mean()) - 0.38447, rel=1e-4)


def test_the_entropy_that_is_aimed_at_is_that_of_the_entries_a_task_has():
    nets = small()
    wanted = [-0.5 * entries for entries in ACTION_DIMS]
    assert nets.target_entropy.tolist() == wanted
    task = torch.arange(3)
    for above, sign in ((1.0, 1.0), (-1.0, -1.0), (0.0, 0.0)):
        loss = temperature_loss(nets, nets.target_entropy + above, task)
        assert float(loss.detach()) == pytest.approx(0.1 * sign)
        (slope,) = torch.autograd.grad(loss, nets.log_temperature)
        # Descending lowers the temperature where there is more entropy than is aimed at.
        assert float(slope) == pytest.approx(0.1 * sign)


def test_entries_that_a_task_does_not_have_change_nothing():
    nets, batch, noise = small(), transitions(), normal(12, ACTION_DIM)
    changed = masked_entries_changed(batch, "action")
    moved = noise + 5 * (1 - table().action_mask[batch.task])
    one = float(critic_loss(nets, batch, noise).detach())
    assert one == float(critic_loss(nets, changed, moved).detach())
    for found, other in zip(
        actor_loss(nets, batch, noise), actor_loss(nets, changed, moved), strict=True
    ):
        assert torch.equal(found, other)


def test_the_order_of_a_batch_changes_no_gradient():
    nets, batch, still = small(), transitions(), torch.zeros(12, ACTION_DIM)
    for loss in (
        lambda b: critic_loss(nets, b, still),
        lambda b: actor_loss(nets, b, still)[0],
        lambda b: temperature_loss(nets, b.reward, b.task),
    ):
        one = gradients(nets, lambda loss=loss: loss(batch))  # type: ignore[misc]
        other = gradients(nets, lambda loss=loss: loss(permuted(batch)))  # type: ignore[misc]
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_an_update_improves_critics_actor_and_temperature():
    made = agent(target_ema=0.25)
    before = copied(made)
    shown = made.update(transitions(4), normal(2, 4, ACTION_DIM))
    assert set(shown) >= {"loss/value", "loss/policy", "policy/temperature", "policy/entropy"}
    now = made.model.state_dict()
    for part in ("actor", "critics.0", "critics.1", "target_critics.0"):
        assert not torch.equal(before[f"{part}.first.weight"], now[f"{part}.first.weight"]), part
    assert before["log_temperature"] != now["log_temperature"]
    online, target = (f"{part}.1.last.weight" for part in ("critics", "target_critics"))
    torch.testing.assert_close(now[target], 0.75 * before[target] + 0.25 * now[online])
    assert all(each.requires_grad for each in made.networks.critics.parameters())


def test_the_actor_moves_no_critic():
    made = agent(weight_decay=0.0, lr=1e-2)
    batch, noise = transitions(4), normal(4, ACTION_DIM)
    before = copied(made)
    with made.critics_still():
        made.descend("actor", actor_loss(made.networks, batch, noise)[0], torch.zeros(()))
    assert all(each.grad is None for each in made.networks.critics.parameters())
    assert made.networks.log_temperature.grad is None
    assert not torch.equal(before["actor.last.weight"], made.networks.actor.last.weight)


def test_weights_decay_and_the_temperature_does_not():
    made = agent(weight_decay=0.5, lr=0.1)
    before = copied(made)
    for name, part in (
        ("actor", made.networks.actor),
        ("critics", made.networks.critics),
        ("temperature", made.networks.log_temperature),
    ):
        learned = list(part.parameters()) if isinstance(part, torch.nn.Module) else [part]
        nothing = sum((0.0 * w.sum() for w in learned), torch.zeros(()))
        made.descend(name, nothing.clone(), torch.zeros(()))
    now = made.model.state_dict()
    for name in ("actor.first.weight", "critics.1.blocks.0.layers.3.weight"):
        torch.testing.assert_close(now[name], 0.95 * before[name])
    assert now["log_temperature"] == before["log_temperature"]


def episode(task: int, rewards: list[float]) -> Episode:
    length = len(rewards)
    return Episode(
        task,
        np.zeros((length + 1, STATE_DIM), np.float32),
        np.zeros((length, ACTION_DIM), np.float32),
        np.array(rewards, np.float32),
    )


def test_a_tasks_rewards_are_scaled_by_its_largest_return_and_entropy():
    discount, wanted = torch.tensor([0.5, 0.9]), torch.tensor([-1.0, -3.0])
    made = ReturnScale(discount, wanted, largest=10.0)
    none, warm = torch.tensor(0.0), torch.tensor(0.2)
    assert made.of_tasks(warm).tolist() == [1.0, 1.0]
    made.add([episode(0, [1.0, 3.0])])
    assert not made.knows_all()
    # The mean reward for ever is 2 / (1 - 0.5) = 4: returns are 3 + 2 = 5, then 1 + 2.5.
    assert made.of_tasks(none).tolist() == pytest.approx([0.5, 1.0])
    made.add([episode(1, [-2.0] * 3), episode(0, [1.0, 1.0])])
    assert made.knows_all()
    assert made.of_tasks(none).tolist() == pytest.approx([0.5, 2.0])
    # Half of 1 / (1 - 0.5), and of 3 / (1 - 0.9), times the temperature, over 10.
    assert made.of_tasks(warm).tolist() == pytest.approx([0.52, 2.3])
    again = ReturnScale(discount, wanted, largest=10.0)
    again.load_state_dict(made.state_dict())
    assert again.knows_all()
    assert torch.equal(again.of_tasks(warm), made.of_tasks(warm))


def seen(state: FloatArray) -> Observation:
    count = len(state)
    return Observation(state, np.arange(count), np.arange(count), np.ones(count, np.bool_))


def stepped(action: FloatArray, reward: float) -> Transitions:
    count = len(action)
    obs = np.zeros((count, STATE_DIM), np.float32)
    none, nothing = np.zeros(count, np.bool_), np.zeros(count, np.float32)
    paid = np.full(count, reward, np.float32)
    return Transitions(np.arange(count), obs, obs, paid, none, nothing, nothing, none, action)


def test_it_acts_at_random_until_each_task_has_had_an_episode_and_there_is_enough():
    online = BRCInteraction(agent(learning_starts=2, batch_size=3), np.arange(3), seed=0)
    mask = table().action_mask.numpy()
    state = np.zeros((3, STATE_DIM), np.float32)
    drawn = []
    for step in range(6):
        action = online.act(seen(state), 3 * step)
        drawn.append(action)
        assert not action[mask == 0].any()
        ended = [episode(task, [1.0, 2.0]) for task in range(3)] if step == 3 else []
        online.observe(stepped(action, 1.0), ended)
        assert len(list(online.learn(3 * step))) == (1 if step >= 3 else 0)
    at_random = np.concatenate([each[mask == 1] for each in drawn[:4]])
    assert np.abs(at_random).max() > 0.8
    again = BRCInteraction(agent(), np.arange(3), seed=0)
    np.testing.assert_array_equal(again.act(seen(state), 0), drawn[0])
    # After that, by its policy: near tanh of the mean where that says so.
    with torch.no_grad():
        last = online.agent.networks.actor.last
        last.weight.zero_()
        last.bias.copy_(torch.cat([torch.full((16,), 0.3), torch.full((16,), -9.0)]))
    action = online.act(seen(state), 18)
    np.testing.assert_allclose(action, math.tanh(0.3) * mask, atol=1e-3)


def test_rewards_are_learned_from_in_their_scale(monkeypatch):
    learned: list[Tensor] = []
    made = agent(learning_starts=0, batch_size=3)

    def note(batch: Any, noise: Tensor) -> dict[str, Tensor]:
        learned.append(batch.reward)
        return {}

    monkeypatch.setattr(made, "update", note)
    online = BRCInteraction(made, np.arange(3), seed=0)
    state = np.zeros((3, STATE_DIM), np.float32)
    action = online.act(seen(state), 0)
    online.observe(stepped(action, 3.0), [episode(task, [3.0, 3.0]) for task in range(3)])
    list(online.learn(3))
    horizon = 1 / (1 - table().discount)
    entropy = 0.1 * horizon * 0.25 * torch.tensor(ACTION_DIMS)
    torch.testing.assert_close(learned[0], 3.0 / ((3.0 * horizon + entropy) / 10.0))
