"""Single decisions: what the model promises of action sequences, and what the simulator pays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from benchmarks.planning.model_errors import model_errors
from benchmarks.planning.policy import Episode, Numbers, Policy
from newt_core.agents.newt.agent import NewtAgent
from newt_core.envs.task_env import TaskEnv
from newt_core.model.split import BoundSplitModel
from newt_core.planner.mppi import Plan, draw_plan_noise, plan
from newt_core.planner.rollout import rollout
from newt_core.specs import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, FloatArray

NEAR, WIDE = 0.05, 0.3
"""Std of the random sequences around the policy's own: the planner's floor, and far more."""


def padded(obs: FloatArray) -> FloatArray:
    """Observation [obs_dim] → [S]."""
    return np.pad(np.asarray(obs, np.float32), (0, STATE_DIM - len(obs)))


def play(env: TaskEnv, policy: Callable[[FloatArray], FloatArray], seed: int) -> Episode:
    """Play one episode; the policy, or whoever else, is asked for every action."""
    obs, _ = env.reset(seed=seed)
    seen, actions, rewards, done = [padded(obs)], [], [], False
    while not done:
        action = policy(seen[-1][None])[0]
        obs, reward, _, done, _ = env.step(action[: env.task.action_dim])
        seen.append(padded(obs))
        actions.append(action)
        rewards.append(reward)
    return Episode(seed, np.stack(seen), np.stack(actions), np.asarray(rewards, np.float32))


def paid(
    envs: Sequence[TaskEnv],
    policy: Callable[[FloatArray], FloatArray],
    episode: Episode,
    start: int,
    sequences: FloatArray,
    tail: int,
) -> tuple[Numbers, float]:
    """What the simulator pays for sequences from a state of an episode on, and the policy after.

    Args:
        envs: One environment of the task for each sequence.
        policy: Goes on after them, for ``tail`` steps.
        episode: Is replayed.
        start: The state's time in it.
        sequences: [C, H, A].
        tail: Steps.

    Returns:
        Discounted sums of rewards [C], and the largest difference of a replayed state.
    """
    width, discount = envs[0].task.action_dim, envs[0].task.gamma
    total = np.zeros(len(envs))
    obs = np.zeros((len(envs), STATE_DIM), np.float32)
    for row, env in enumerate(envs):
        state, _ = env.reset(seed=episode.seed)
        for action in episode.actions[:start]:
            state = env.step(action[:width])[0]
        obs[row] = padded(state)
    error = float(np.abs(obs - episode.obs[start]).max())
    horizon = sequences.shape[1]
    for t in range(horizon + tail):
        actions = sequences[:, t] if t < horizon else policy(obs)
        for row, env in enumerate(envs):
            state, reward, *_ = env.step(actions[row, :width])
            obs[row] = padded(state)
            total[row] += discount**t * reward
    return total, error


def make_plan(
    agent: NewtAgent, bound: BoundSplitModel, z: Tensor, weight: float, seed: int
) -> Plan:
    """Plan at states z [K, L] of one task, as at an episode's beginning."""
    config, split = agent.planner_config, agent.planning_snapshot()
    generator = torch.Generator().manual_seed(seed)
    noise = draw_plan_noise(
        config, len(z), split.width, split.num_q, horizon=config.horizon,
        device=z.device, generator=generator, cpu_generator=generator,
    )  # fmt: skip
    mean = torch.zeros(config.horizon, len(z), split.width)
    return plan(bound, z, mean, noise, config, prior_weight=weight)


def planner_of(agent: NewtAgent, policy: Policy, seed: int) -> Callable[[FloatArray], FloatArray]:
    """Planning near the policy, as a function of one observation [1, S]."""
    split, count = agent.planning_snapshot(), itertools.count(seed)

    def act(obs: FloatArray) -> FloatArray:
        bound = split.bind(torch.tensor([policy.index]))
        first = make_plan(agent, bound, split.arrange(policy.encode(obs)), 1.0, next(count))
        return np.pad(first.actions[0].numpy(), ((0, 0), (0, ACTION_DIM - split.width)))

    return act


def own_sequence(bound: BoundSplitModel, z: Tensor, horizon: int) -> Tensor:
    """The policy's mean actions in the model, [H, K, A] from z [K, L]."""
    actions, latent = [], z.unsqueeze(1)
    for _ in range(horizon):
        actions.append(bound.prior(latent, torch.zeros(len(z), 1, bound.mask.shape[1])))
        _, latent = bound.step(latent, actions[-1])
    return torch.stack(actions).squeeze(2)


def judged(bound: BoundSplitModel, z: Tensor, sequences: Tensor, num_q: int) -> Tensor:
    """What the model says of sequences [H, K, C, A] from z [K, L], by all heads: [K, C]."""
    reward, latent = rollout(bound, z, sequences)
    noise = torch.zeros(*latent.shape[:2], bound.mask.shape[1])
    value = bound.value(latent, noise, torch.arange(num_q))
    return reward + bound.discount.unsqueeze(1) ** len(sequences) * value


def mean_and_error(values: Numbers) -> dict[str, float]:
    """Mean and its standard error."""
    error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
    return {"mean": round(float(values.mean()), 5), "se": round(error, 5)}


def rank_correlation(a: Numbers, b: Numbers) -> float | None:
    """Spearman's correlation; None where either is all alike."""
    if np.ptp(a) < 1e-9 or np.ptp(b) < 1e-9:
        return None
    first, second = (np.argsort(np.argsort(x)) for x in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


def judgement(predicted: Numbers, real: Numbers) -> dict[str, Any]:
    """How well the model tells sequences of one state apart: both [states, C].

    ``best_gain`` is what the sequence that the model likes best pays beyond their mean, and
    ``possible_gain`` what the best one does.
    """
    found = [rank_correlation(p, r) for p, r in zip(predicted, real, strict=True)]
    kept = np.asarray([c for c in found if c is not None])
    rows = np.arange(len(real))
    above = real - real.mean(1, keepdims=True)
    return {
        "rank_correlation": mean_and_error(kept) if len(kept) else None,
        "states_that_differ": len(kept),
        "predicted_std": round(float(predicted.std(1).mean()), 5),
        "paid_std": round(float(real.std(1).mean()), 5),
        "best_gain": mean_and_error(above[rows, predicted.argmax(1)]),
        "possible_gain": mean_and_error(above.max(1)),
    }


def _rms(x: Tensor, mask: Tensor) -> float:
    return round(float(((x.square() * mask).sum() / mask.expand_as(x).sum()).sqrt()), 4)


@torch.inference_mode()
def inspect(
    agent: NewtAgent,
    spec: TaskSpec,
    index: int,
    *,
    episodes: int,
    states: int,
    around: int,
    tail: int,
    seed: int,
    along: Literal["policy", "constrained"] = "policy",
) -> dict[str, Any]:
    """Look at decisions in one task.

    Args:
        agent: Decides.
        spec: The task.
        index: The task's place in the agent's list.
        episodes: Played by the policy.
        states: Looked at in each of them.
        around: Random sequences near the policy's own, and as many wide of it.
        tail: Steps that the policy goes on for after a sequence.
        seed: Of the episodes and of all noise.
        along: Who plays the episodes: the policy, or planning near it.
    """
    policy, split = Policy(agent, index), agent.planning_snapshot()
    horizon, width = agent.planner_config.horizon, split.width
    tail = min(tail, spec.episode_length // 2)
    planned = {"constrained": 1.0, "free": 0.0}
    names = ["policy", *(f"{w} {take}" for w in planned for take in ("drawn", "mean"))]
    envs = [TaskEnv(spec) for _ in range(len(names) + 2 * around)]
    generator = torch.Generator().manual_seed(seed)
    player = policy if along == "policy" else planner_of(agent, policy, seed)
    played = [play(envs[0], player, seed + number) for number in range(episodes)]
    starts = np.linspace(0, spec.episode_length - horizon - tail, states).astype(int)
    predictions, payments, replay_error = [], [], 0.0
    deviation: dict[str, list[Tensor]] = {name: [] for name in (*names[1:], "std c", "std f")}
    policy_std = []
    for episode in played:
        z = split.arrange(policy.encode(episode.obs[starts]))
        bound = split.bind(torch.full((len(z),), index))
        own = own_sequence(bound, z, horizon)
        candidates = [own]
        for number, (name, weight) in enumerate(planned.items()):
            made = make_plan(agent, bound, z, weight, seed + 1_000 * number)
            candidates += [made.actions, made.mean]
            deviation[f"{name} drawn"].append(made.actions[0] - own[0])
            deviation[f"{name} mean"].append(made.mean[0] - own[0])
            deviation[f"std {name[0]}"].append(made.std[0])
        for std in (NEAR, WIDE):
            for _ in range(around):
                noise = std * torch.randn(own.shape, generator=generator)
                candidates.append((own + noise).clamp(-1, 1) * bound.mask)
        sequences = torch.stack(candidates, dim=2)
        predictions.append(judged(bound, z, sequences, split.num_q).numpy())
        many = torch.randn(len(z), 64, width, generator=generator)
        policy_std.append(bound.prior(z.unsqueeze(1), many).std(1))
        for row, start in enumerate(starts):
            rows = np.pad(
                sequences[:, row].movedim(1, 0).numpy(), ((0, 0), (0, 0), (0, ACTION_DIM - width))
            )
            payment, error = paid(envs, policy, episode, int(start), rows, tail)
            payments.append(payment)
            replay_error = max(replay_error, error)
    for env in envs:
        env.close()
    predicted, real = np.concatenate(predictions), np.stack(payments)
    mask = agent.model.action_mask[index, :width]
    near = slice(len(names), len(names) + around)
    return {
        "states": len(real),
        "tail": tail,
        "discount": spec.gamma,
        "largest_replay_error": replay_error,
        "along": along,
        "return_of_the_episodes": float(np.mean([episode.rewards.sum() for episode in played])),
        "policy_std": _rms(torch.cat(policy_std), mask),
        "planner_std": {
            name: _rms(torch.cat(deviation.pop(f"std {name[0]}")), mask) for name in planned
        },
        "first_action_from_policy_rms": {
            name: _rms(torch.cat(rows), mask) for name, rows in deviation.items()
        },
        "gain_over_the_policy": {
            name: {
                "predicted": mean_and_error(predicted[:, column] - predicted[:, 0]),
                "paid": mean_and_error(real[:, column] - real[:, 0]),
                "paid_more": round(float((real[:, column] > real[:, 0]).mean()), 3),
                "paid_less": round(float((real[:, column] < real[:, 0]).mean()), 3),
            }
            for column, name in enumerate(names)
            if column > 0
        },
        "judgement": {
            f"std {NEAR}": judgement(predicted[:, near], real[:, near]),
            f"std {WIDE}": judgement(predicted[:, near.stop :], real[:, near.stop :]),
        },
        "model": model_errors(agent, policy, played),
    }
