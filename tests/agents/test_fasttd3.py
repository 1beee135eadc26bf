"""FastTD3: targets, losses and the scale of rewards by hand, and how it explores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newt_core.agents.fasttd3 import networks as widths
from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.interaction import FastTD3Interaction
from newt_core.agents.fasttd3.losses import actor_loss, critic_loss, target_distributions
from newt_core.agents.fasttd3.networks import FastTD3Networks
from newt_core.agents.fasttd3.reward_scale import RewardScale
from newt_core.agents.off_policy.atoms import cross_entropy
from newt_core.types import Observation
from tests.fixtures.models import normal, table
from tests.fixtures.transitions import (
    gradients,
    masked_entries_changed,
    permuted,
    transitions,
)


def small(patch: pytest.MonkeyPatch, **options: Any) -> tuple[FastTD3Networks, FastTD3Config]:
    """Networks of a few rows, all weights of which say something."""
    patch.setattr(widths, "ACTOR_WIDTHS", (16,))
    patch.setattr(widths, "CRITIC_WIDTHS", (16,))
    config = FastTD3Config.model_validate(options)
    torch.manual_seed(0)
    made = FastTD3Networks(config, table())
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made, config


def test_its_sizes_are_those_of_the_paper():
    made = FastTD3Networks(FastTD3Config(), table())
    assert sum(each.numel() for each in made.actor.parameters()) == 494_480
    assert sum(each.numel() for each in made.critics.parameters()) == 2_709_706


@pytest.mark.parametrize("clipped", [True, False])
def test_targets_are_one_of_the_target_critics_moved_by_reward_and_discount(monkeypatch, clipped):
    nets, config = small(
        monkeypatch, v_min=-20.0, v_max=20.0, target_noise=0.0, clipped_double_q=clipped
    )
    batch = transitions(9)  # Whose values stay among the atoms.
    batch = replace(batch, reward=0.4 * batch.reward, discount=torch.full((9,), 0.9))
    found = target_distributions(nets, batch, normal(9, 16), config)
    seen = nets.see(batch.next_state)
    with torch.no_grad():
        action = nets.act(seen, batch.task)
        means = nets.logits(seen, batch.task, action, target=True).softmax(-1) @ nets.atoms
    expected = batch.reward + batch.discount * (means.amin(0) if clipped else means)
    got = found @ nets.atoms
    torch.testing.assert_close(got, expected.expand(2, 9), rtol=1e-4, atol=1e-3)
    # Not the lower of two means of atoms: a whole distribution of one of the two.
    assert clipped == torch.equal(found[0], found[1])


def test_the_noise_of_targets_is_clipped_and_stays_among_a_tasks_entries(monkeypatch):
    nets, config = small(monkeypatch, target_noise=0.3, target_noise_clip=0.5)
    batch = transitions(9)
    acted: list[Tensor] = []
    logits = nets.logits

    def note(seen: Tensor, task: Tensor, action: Tensor, *, target: bool = False) -> Tensor:
        acted.append(action)
        return logits(seen, task, action, target=target)

    monkeypatch.setattr(nets, "logits", note)
    still = nets.act(nets.see(batch.next_state), batch.task)
    for noise in (torch.full((9, 16), 1.0), torch.full((9, 16), 100.0)):
        target_distributions(nets, batch, noise, config)
    torch.testing.assert_close(acted[0], (still + 0.3).clamp(-1, 1))
    torch.testing.assert_close(acted[1], (still + 0.5).clamp(-1, 1))


def test_losses_worked_out_by_hand(monkeypatch):
    nets, config = small(monkeypatch, num_atoms=2, v_min=0.0, v_max=1.0)
    batch, target = transitions(2), torch.tensor([[[1.0, 0.0]] * 2, [[0.5, 0.5]] * 2])
    say = torch.tensor([[[0.0, 0.0]] * 2, [[1.0, 0.0]] * 2]).log_softmax(-1)
    monkeypatch.setattr(nets, "logits", lambda *seen, **named: say)
    one, other = -np.log(0.5), -0.5 * float(say[1, 0].sum())
    assert float(cross_entropy(say, target)) == pytest.approx(one + other, rel=1e-5)
    # Means 0.5 and 1 / (1 + e) = 0.2689.
    assert float(actor_loss(nets, batch, config)) == pytest.approx(-0.26894, rel=1e-4)
    average = config.model_copy(update={"clipped_double_q": False})
    assert float(actor_loss(nets, batch, average)) == pytest.approx(-0.38447, rel=1e-4)


def test_entries_that_a_task_does_not_have_change_nothing(monkeypatch):
    nets, config = small(monkeypatch)
    batch = transitions()
    changed = masked_entries_changed(batch, "action")
    noise, moved = normal(12, 16), 5 * (1 - table().action_mask[batch.task])
    one = float(critic_loss(nets, batch, noise, config).detach())
    assert one == float(critic_loss(nets, changed, noise + moved, config).detach())
    assert not nets.act(nets.see(batch.state), batch.task)[moved > 0].any()


def test_the_order_of_a_batch_changes_no_gradient(monkeypatch):
    nets, config = small(monkeypatch, target_noise=0.0)
    batch, noise = transitions(), torch.zeros(12, 16)
    for loss in (
        lambda b: critic_loss(nets, b, noise, config),
        lambda b: actor_loss(nets, b, config),
    ):
        one = gradients(nets, lambda loss=loss: loss(batch))  # type: ignore[misc]
        other = gradients(nets, lambda loss=loss: loss(permuted(batch)))  # type: ignore[misc]
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def agent(patch: pytest.MonkeyPatch, **options: Any) -> FastTD3Agent:
    _, config = small(patch, batch_size=4, **options)
    return FastTD3Agent(config, table(), device=torch.device("cpu"))


def test_the_actor_is_improved_every_second_time_and_the_critics_not_by_it(monkeypatch):
    made = agent(monkeypatch, weight_decay=0.0)
    before = {k: v.clone() for k, v in made.model.state_dict().items()}

    def moved(name: str) -> bool:
        return not torch.equal(before[name], made.model.state_dict()[name])

    first = made.update(transitions(4), normal(4, 16))
    assert "loss/policy" not in first
    assert moved("critics.0.layers.0.weight")
    assert not moved("actor.layers.0.weight")
    online, target = (f"{part}.1.layers.1.weight" for part in ("critics", "target_critics"))
    now = made.model.state_dict()
    torch.testing.assert_close(now[target], 0.9 * before[target] + 0.1 * now[online])
    assert "loss/policy" in made.update(transitions(4, seed=9), normal(4, 16))
    assert moved("actor.layers.0.weight")
    assert all(each.requires_grad for each in made.networks.critics.parameters())


def test_how_often_the_actor_is_improved_is_an_option(monkeypatch):
    made = agent(monkeypatch, actor_every=3)
    updates = [made.update(transitions(4, seed=k), normal(4, 16)) for k in range(6)]
    assert ["loss/policy" in update for update in updates] == [False, False, True] * 2


def test_states_are_counted_whether_acted_on_or_drawn(monkeypatch):
    online = FastTD3Interaction(agent(monkeypatch), np.array([0, 2]), seed=0)
    seen = online.agent.networks.normaliser
    state = normal(2, 128).numpy()
    online.act(Observation(state, np.array([0, 2]), np.arange(2), np.ones(2, np.bool_)), 0)
    assert float(seen.count) == 2
    online.agent.update(transitions(4), normal(4, 16))
    assert float(seen.count) == 2 + 2 * 4
    online.agent.act(Observation(state, np.array([0, 2]), np.arange(2), np.ones(2, np.bool_)))
    assert float(seen.count) == 10  # not in an evaluation


def test_each_environment_explores_by_a_noise_of_its_own(monkeypatch):
    made = agent(monkeypatch, noise_min=0.1, noise_max=0.9, ring=2)
    online = FastTD3Interaction(made, np.array([1] * 400), seed=0)
    state = np.zeros((400, 128), np.float32)
    watched = Observation(state, np.ones(400, np.int64), np.arange(400), np.ones(400, np.bool_))
    still = made.act(watched)
    std = online.state_dict()["std"]
    assert 0.1 <= float(std.min()) < 0.15
    assert 0.85 < float(std.max()) <= 0.9
    moved = np.stack([online.act(watched, 0) - still for _ in range(60)])
    calm = std < 0.3  # Where the limits of actions cut next to nothing off.
    found = torch.from_numpy(moved[:, :, :4]).std(dim=(0, 2))
    np.testing.assert_allclose(found[calm], std[calm], rtol=0.25)
    assert not moved[:, :, 4:].any()


@pytest.mark.parametrize(
    ("options", "says"),
    [({"v_min": 3.0, "v_max": 1.0}, "v_max must be"), ({"noise_min": 0.5}, "noise_max must")],
)
def test_ranges_that_are_none_are_refused(options: Mapping[str, Any], says: str):
    with pytest.raises(ValueError, match=says):
        FastTD3Config.model_validate(options)


def test_rewards_are_divided_before_they_are_learned_from(monkeypatch):
    batch = transitions(4)
    nets, config = small(monkeypatch, v_min=-5.0, v_max=5.0, target_noise=0.0)
    doubled = target_distributions(
        nets, replace(batch, reward=2 * batch.reward), torch.zeros(4, 16), config
    )
    plain = target_distributions(nets, batch, torch.zeros(4, 16), config)
    assert not torch.equal(doubled, plain)


def test_a_tasks_rewards_are_scaled_by_its_discounted_returns():
    task, discount = torch.tensor([0, 1, 1]), torch.tensor([0.5, 0.9])
    made = RewardScale(task, discount, largest=4.0)
    assert made.of_tasks().tolist() == [1.0, 1.0]
    rewards = torch.tensor([[8.0, 1.0, 2.0], [8.0, 1.0, 0.0], [8.0, 3.0, 1.0]])
    ends = torch.zeros(3, 3, dtype=torch.bool)
    ends[1, 2] = True
    for reward, end in zip(rewards, ends, strict=True):
        made.add(reward, end, torch.ones(3, dtype=torch.bool))
    # Returns of task 0: 8, 12, 14; the largest is 3.5 times what critics can tell.
    assert float(made.of_tasks()[0]) == pytest.approx(14 / 4)
    returns = [1.0, 1.9, 4.71, 2.0, 1.8, 1.0]
    assert float(made.of_tasks()[1]) == pytest.approx(max(np.std(returns), 4.71 / 4), rel=1e-5)
    again = RewardScale(task, discount, largest=4.0)
    again.load_state_dict(made.state_dict())
    for each in (made, again):
        each.add(rewards[0], ends[1], torch.tensor([True, False, True]))
    assert torch.equal(made.of_tasks(), again.of_tasks())
