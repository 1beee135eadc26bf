"""PPO: advantages by hand, losses beside another library's, masks, discounts, rollouts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newt_core.agents.action_distribution import ActionDistribution
from newt_core.agents.ppo.agent import PPOAgent
from newt_core.agents.ppo.config import PPOConfig
from newt_core.agents.ppo.interaction import PPOInteraction
from newt_core.agents.ppo.losses import Samples, advantages, ppo_loss
from newt_core.agents.ppo.network import ActorCritic
from newt_core.types import ACTION_DIM, STATE_DIM, Observation, Transitions
from tests.fixtures.models import normal, table
from tests.fixtures.transitions import (
    gradients,
    masked_entries_changed,
    permuted,
    samples,
)

SMALL = PPOConfig(width=8)
NO_ENDS = torch.zeros(4, 2, dtype=torch.bool)


def network(config: PPOConfig = SMALL, seed: int = 0) -> ActorCritic:
    torch.manual_seed(seed)
    made = ActorCritic(config, table())
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made


def test_without_a_future_an_advantage_is_the_reward_less_the_value():
    reward, value, beyond = (normal(4, 2, seed=seed) for seed in range(3))
    found = advantages(reward, value, beyond, torch.zeros(2), NO_ENDS, 0.95)
    torch.testing.assert_close(found, reward - value)


def test_with_lambda_1_targets_are_whole_returns_with_a_discount_for_each_environment():
    reward, value, beyond = (normal(4, 2, seed=seed) for seed in range(3))
    beyond[:-1] = value[1:]
    discount, end = torch.tensor([0.9, 0.5]), NO_ENDS.clone()
    end[1, 1] = True
    beyond[1, 1] = 7.0  # of the last observation of the episode that ends there
    target = advantages(reward, value, beyond, discount, end, 1.0) + value
    left = sum(0.9**k * reward[k, 0] for k in range(4)) + 0.9**4 * beyond[3, 0]
    assert target[0, 0] == pytest.approx(float(left), rel=1e-5)
    right = reward[0, 1] + 0.5 * reward[1, 1] + 0.25 * 7.0
    assert target[0, 1] == pytest.approx(float(right), rel=1e-5)
    after = reward[2, 1] + 0.5 * reward[3, 1] + 0.25 * beyond[3, 1]
    assert target[2, 1] == pytest.approx(float(after), rel=1e-5)


def test_an_advantage_worked_out_by_hand():
    # δ = (1 + 0.5·3 - 2, 2 + 0.5·4 - 3) = (0.5, 1); A = (0.5 + 0.5·0.5·1, 1)
    reward, value = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [3.0]])
    beyond, ends = torch.tensor([[3.0], [4.0]]), torch.zeros(2, 1, dtype=torch.bool)
    found = advantages(reward, value, beyond, torch.tensor([0.5]), ends, 0.5)
    assert found.flatten().tolist() == [0.75, 1.0]


def test_the_density_of_a_squashed_action_integrates_to_1():
    mask = torch.zeros(1, 16)
    mask[0, 0] = 1
    made = ActionDistribution(torch.full((1, 16), 0.4), torch.full((16,), -0.5), mask, squash=True)
    action = torch.linspace(-0.9999, 0.9999, 20_001, dtype=torch.float64)
    raw = torch.zeros(len(action), 16, dtype=torch.float64)
    raw[:, 0] = torch.atanh(action)
    total = torch.trapezoid(made.log_prob(raw).exp(), action)
    assert float(total) == pytest.approx(1.0, abs=2e-3)
    assert float(made.entropy()) == pytest.approx(-0.5 + 0.5 * math.log(2 * math.pi * math.e))


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 3_429_409),
        ({"state_dependent_std": True}, 3_445_793),
        ({"variant": "untuned"}, 464_161),
    ],
)
def test_its_sizes_are_those_of_the_paper(options: dict[str, Any], count: int):
    made = ActorCritic(PPOConfig.model_validate(options), table())
    assert sum(each.numel() for each in made.parameters()) == count


def test_an_option_that_is_given_wins_over_its_variant():
    config = PPOConfig.model_validate({"variant": "untuned", "rollout": 32})
    assert (config.rollout, config.epochs, config.reward_scale) == (32, 4, 1.0)
    assert {config.squash, config.value_clip, config.bootstrap} == {False}
    usual = PPOConfig()
    assert (usual.rollout, usual.epochs, usual.value_coef) == (128, 8, 1.0)


def test_it_begins_as_published():
    made = ActorCritic(PPOConfig(), table())
    hidden, last = made.actor.layers[1].weight, made.actor.layers[2].weight
    assert isinstance(hidden, Tensor)
    assert isinstance(last, Tensor)
    torch.testing.assert_close(hidden @ hidden.T, 2 * torch.eye(1024), atol=1e-3, rtol=0)
    torch.testing.assert_close(last @ last.T, 1e-4 * torch.eye(16), atol=1e-6, rtol=0)
    assert made.log_std is not None
    assert not made.log_std.any()


def test_a_std_of_each_state_is_the_second_half_of_what_the_network_says():
    made = network(PPOConfig(width=8, state_dependent_std=True))
    states, tasks = normal(5, STATE_DIM, seed=0), torch.tensor([0, 1, 0, 1, 1])
    found, said = made.policy(states, tasks), made.actor(states, made.text, tasks)
    torch.testing.assert_close(found.mean, said[:, :ACTION_DIM] * made.action_mask[tasks])
    torch.testing.assert_close(found.log_std, said[:, ACTION_DIM:])
    one_std = network().policy(states, tasks)
    for mean in (found.mean, one_std.mean):
        assert not mean[made.action_mask[tasks] == 0].any()
        assert mean[made.action_mask[tasks] == 1].all()


@pytest.mark.parametrize("squash", [True, False])
def test_entries_that_a_task_does_not_have_change_nothing(squash: bool):
    config = PPOConfig(width=8, squash=squash, entropy_coef=0.1)
    made, batch = network(config), samples()
    loss, metrics = ppo_loss(made, batch, config)
    other, others = ppo_loss(made, masked_entries_changed(batch, "raw"), config)
    assert float(loss.detach()) == float(other.detach())
    assert {k: float(v) for k, v in metrics.items()} == {k: float(v) for k, v in others.items()}


def test_the_gradient_is_clipped_and_its_norm_before_is_told():
    config = PPOConfig(width=8, grad_clip=1e-3)
    agent = PPOAgent(config, table(), device=torch.device("cpu"))
    norm = float(agent.update(samples())["grad/all"])
    assert norm > 1e-2
    moments = [state["exp_avg"].flatten() for state in agent.learning["all"].state.values()]
    # After one step, Adam's first moment is a tenth of the gradient that it was given.
    assert float(torch.cat(moments).norm()) == pytest.approx(1e-4, rel=1e-2)


def test_the_order_of_a_batch_changes_no_gradient():
    made, batch = network(), samples()
    one = gradients(made, lambda: ppo_loss(made, batch, SMALL)[0])
    other = gradients(made, lambda: ppo_loss(made, permuted(batch), SMALL)[0])
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_value_that_jumps_is_held_near_what_it_was_where_that_is_worse():
    made, batch = network(), samples()
    now = made.value(batch.state, batch.task).detach()
    # Targets one above today's values, which have come closer by more than the clip range.
    batch = replace(batch, value=now - 0.5, advantage=torch.full_like(now, 1.5))
    batch = replace(batch, advantage=batch.advantage + 1e-3 * normal(len(now)))
    _, free = ppo_loss(made, batch, PPOConfig(width=8, value_clip=False))
    _, held = ppo_loss(made, batch, SMALL)
    assert float(free["loss/value"]) == pytest.approx(0.5 * 1.0**2, rel=1e-2)
    assert float(held["loss/value"]) == pytest.approx(0.5 * 1.3**2, rel=1e-2)


def test_losses_are_those_of_stable_baselines3():
    sb3 = pytest.importorskip("stable_baselines3")
    from gymnasium.spaces import Box
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.vec_env import DummyVecEnv

    class Nothing(__import__("gymnasium").Env):  # type: ignore[misc]
        observation_space = Box(-9.0, 9.0, (128,), np.float32)
        action_space = Box(-1.0, 1.0, (16,), np.float32)

    count = 24
    theirs = sb3.PPO(
        "MlpPolicy", DummyVecEnv([Nothing]), n_steps=count, batch_size=count, n_epochs=1,
        learning_rate=1e-12, clip_range=0.2, device="cpu", policy_kwargs={"net_arch": [8, 8]},
    )  # fmt: skip
    theirs.set_logger(configure(None, []))
    config = PPOConfig(width=8, squash=False, value_clip=False)
    ours = ActorCritic(config, replace(table(), action_mask=torch.ones(3, 16)))
    nets = theirs.policy.mlp_extractor
    with torch.no_grad():
        for mine, their in (
            (ours.actor, [nets.policy_net[0], nets.policy_net[2], theirs.policy.action_net]),
            (ours.critic, [nets.value_net[0], nets.value_net[2], theirs.policy.value_net]),
        ):
            for layer, other in zip(mine.layers, their, strict=True):
                into: Any = layer
                into.weight.zero_()
                into.weight[:, : other.weight.shape[1]] = other.weight
                into.bias.copy_(other.bias)
        state, raw = normal(count, 128, seed=1), normal(count, 16, seed=2)
        task = torch.zeros(count, dtype=torch.int64)
        old = ours.policy(state, task).log_prob(raw) + 0.3 * normal(count, seed=3)
    value, reward = normal(count, seed=4), normal(count, seed=5)
    buffer, start = theirs.rollout_buffer, np.zeros(1)
    buffer.reset()
    for k in range(count):
        begins = np.array([float(k in (0, 9))])
        buffer.add(state[k : k + 1].numpy(), raw[k : k + 1].numpy(), reward[k : k + 1].numpy(),
                   begins, value[k : k + 1], old[k : k + 1])  # fmt: skip
    buffer.compute_returns_and_advantage(torch.tensor([0.7]), start)
    theirs.train()
    said = theirs.logger.name_to_value

    end = torch.zeros(count, 1, dtype=torch.bool)
    end[8] = True
    beyond = torch.cat([value[1:], torch.tensor([0.7])])[:, None] * ~end
    gain = advantages(
        reward[:, None], value[:, None], beyond, torch.tensor([theirs.gamma]), end, 0.95
    )
    np.testing.assert_allclose(gain.numpy(), buffer.advantages.reshape(-1, 1), rtol=1e-4, atol=1e-5)
    batch = Samples(state, task, raw, old, value, gain.flatten())
    _, metrics = ppo_loss(ours, batch, config)
    assert float(metrics["loss/policy"]) == pytest.approx(said["train/policy_gradient_loss"], 1e-4)
    assert 2 * float(metrics["loss/value"]) == pytest.approx(said["train/value_loss"], rel=1e-4)
    assert float(metrics["policy/kl_low_variance"]) == pytest.approx(said["train/approx_kl"], 1e-4)
    assert float(metrics["policy/clipped"]) == pytest.approx(said["train/clip_fraction"])


def interaction(**options: Any) -> PPOInteraction:
    config = PPOConfig.model_validate({"width": 8, "rollout": 3, **options})
    agent = PPOAgent(config, table(), device=torch.device("cpu"))
    return PPOInteraction(agent, np.array([0, 2]), seed=1)


def one_step(number: int, *, done: bool = False, lost: bool = False) -> Transitions:
    state = normal(2, 128, seed=100 + number).numpy()
    return Transitions(
        env_ids=np.arange(2),
        obs=state,
        final_obs=np.asarray(state + 1, np.float32) if done else state,
        reward=np.ones(2, np.float32),
        done=np.array([done, False]),
        success=np.zeros(2, np.float32),
        score=np.zeros(2, np.float32),
        lost=np.array([lost, False]),
        action=np.zeros((2, 16), np.float32),
    )


def filled(online: PPOInteraction, *steps: Transitions) -> Samples:
    state, first = normal(2, 128, seed=99).numpy(), np.ones(2, np.bool_)
    for step in steps:
        online.act(Observation(state, np.array([0, 2]), np.arange(2), first), 0)
        online.observe(step, ())
        state, first = step.obs, step.done | step.lost
    return online._look_back()


def test_an_agent_of_states_reads_no_pictures():
    agent = interaction().agent
    assert (agent.obs, agent.feature_stack, agent.image_encoder) == ("state", 0, None)


def test_a_time_out_bootstraps_from_the_true_last_observation():
    steps = (one_step(0), one_step(1, done=True), one_step(2))
    online = interaction(gae_lambda=0.0)
    found, value = filled(online, *steps), online.agent.network.value
    states = torch.from_numpy(np.concatenate([step.final_obs for step in steps]))
    expected = 0.1 + torch.tensor([0.95, 0.995] * 3) * value(states, torch.tensor([0, 2] * 3))
    torch.testing.assert_close(found.advantage + found.value, expected.detach())
    ended = filled(interaction(gae_lambda=0.0, bootstrap=False), *steps)
    assert float((ended.advantage + ended.value)[2]) == pytest.approx(0.1)
    torch.testing.assert_close(ended.advantage[3:], found.advantage[3:])


def test_a_step_that_a_dying_worker_took_with_it_is_not_learned_from():
    steps = (one_step(0), one_step(1, lost=True), one_step(2))
    found = filled(interaction(gae_lambda=1.0), *steps)
    assert found.task.tolist() == [0, 2, 2, 0, 2]
    # Nothing of what comes after the loss reaches the step before it.
    alone = filled(interaction(gae_lambda=1.0, rollout=1), steps[0])
    torch.testing.assert_close(found.advantage[0], alone.advantage[0])


def test_a_full_rollout_is_gone_through_epoch_by_epoch_and_forgotten():
    online = interaction(minibatches=2, epochs=3)
    filled(online, one_step(0), one_step(1))
    assert list(online.learn(0)) == []
    filled(online, one_step(2))
    seen: list[int] = []
    update = online.agent.update

    def note(batch: Samples) -> Any:
        seen.append(len(batch.task))
        return update(batch)

    online.agent.update = note  # type: ignore[method-assign]
    assert len(list(online.learn(0))) == online.updates == 6
    assert seen == [3] * 6
    assert list(online.learn(0)) == []
