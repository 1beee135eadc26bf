r"""Why planning scores less, or more, than the policy that it starts from.

    python benchmarks/planning_gap.py states runs/demo/checkpoints/last.pt --out gap.json
    python benchmarks/planning_gap.py scores runs/demo/checkpoints/last.pt --out gap.json \
        --ways policy,constrained,free

``states`` looks at single decisions. In every task the policy (or, with ``--along constrained``,
planning near it) plays episodes; at states spread over them, several sequences of H actions are
judged by the model and then paid by the simulator: the episode is replayed up to that state, the
sequence is executed, and the policy goes on for ``--tail`` steps, half an episode at most. What is
compared is the gain over the policy's own sequence, as predicted and as paid. A short-sighted
model does well with a short tail and badly with a long one.

``scores`` plays whole episodes in several ways of acting, see :data:`WAYS`.

A file that exists is gone on with: what it holds of the same checkpoint is not done again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import PlannerConfig
from newt_core.bench.timing import describe_hardware
from newt_core.envs.task_env import TaskEnv
from newt_core.evaluation.aggregate import summarise
from newt_core.evaluation.rollout import evaluate
from newt_core.files import sha256, write_json
from newt_core.model.discrete import two_hot_mean
from newt_core.model.split import BoundSplitModel
from newt_core.model.world_model import BoundModel
from newt_core.planner.mppi import Plan, draw_plan_noise, plan
from newt_core.planner.value import rollout
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import ACTION_DIM, STATE_DIM, BoolArray, FloatArray, IntArray
from newt_core.version import git_version
from newt_core.workflows.load_agent import load_agent

Numbers = npt.NDArray[np.floating[Any]]

NEAR, WIDE = 0.05, 0.3
"""Std of the random sequences around the policy's own: the planner's floor, and far more."""


@dataclass(frozen=True)
class Way:
    """A way of acting."""

    prior_weight: float | None = None
    """As planning is told; None for the policy alone."""
    take: Literal["drawn", "mean"] = "drawn"
    """An elite drawn by its weight, as published, or the weighted mean of all."""
    planner: dict[str, Any] = field(default_factory=dict)
    """Settings of the planner other than the checkpoint's."""
    noise: float = 0.0
    """Std of noise added to every action: what merely leaving the policy costs."""


_LARGE = {"num_samples": 256, "policy_trajectories": 16, "iterations": 4, "num_elites": 32}

WAYS: dict[str, Way] = {
    "policy": Way(),
    "policy-noise-0.02": Way(noise=0.02),
    "policy-noise-0.05": Way(noise=0.05),
    "policy-noise-0.1": Way(noise=0.1),
    "constrained": Way(1.0),
    "constrained-mean": Way(1.0, "mean"),
    "constrained-sharp": Way(1.0, planner={"temperature": 10.0}),
    "constrained-large": Way(1.0, planner=_LARGE),
    "constrained-std-0.02": Way(1.0, planner={"min_std": 0.02}),
    "constrained-std-0.01": Way(1.0, planner={"min_std": 0.01}),
    "constrained-own": Way(1.0, planner={"policy_trajectories": 60, "iterations": 1}),
    "free": Way(0.0),
    "free-mean": Way(0.0, "mean"),
    "free-large": Way(0.0, planner=_LARGE),
}


# -- whole episodes ---------------------------------------------------------------------------


def score(
    agent: NewtAgent, specs: Sequence[TaskSpec], way: Way, episodes: int, seed: int
) -> dict[str, Any]:
    """Play episodes of all tasks in one way."""
    usual = agent.planner_config
    agent.planner_config = PlannerConfig.model_validate(usual.model_dump() | way.planner)
    settings = ActorSettings(policy_only=way.prior_weight is None, prior_weight=way.prior_weight)
    actor = Actor(agent, len(specs) * episodes, seed=seed, settings=settings)
    generator = np.random.default_rng(seed)
    masks = np.stack([spec.action_mask for spec in specs])

    def act(obs: FloatArray, task: IntArray, env_ids: IntArray, first: BoolArray) -> FloatArray:
        actions = actor(obs, task, env_ids, first)
        if way.take == "mean" and way.prior_weight is not None:
            # The refitted mean, which the actor keeps for its next plan.
            mean = actor.state_dict()["mean"][0, torch.from_numpy(env_ids)]
            actions[:, : mean.shape[-1]] = mean.numpy()
        if way.noise:
            noise = generator.normal(0.0, way.noise, actions.shape) * masks[task]
            actions = np.clip(actions + noise, -1.0, 1.0).astype(np.float32)
        return actions

    try:
        results = evaluate(act, specs, episodes, envs_per_task=episodes, workers=1, seed=seed)
    finally:
        agent.planner_config = usual
    summary = summarise(results, specs, mode="policy" if way.prior_weight is None else "planning")
    return {
        "score": summary.total.score,
        "ci95": summary.total.ci95,
        "tasks": {
            task: {"score": shown.score, "ci95": shown.ci95, "return": shown.mean_return}
            for task, shown in summary.tasks.items()
        },
    }


# -- single decisions -------------------------------------------------------------------------


@dataclass(frozen=True)
class Episode:
    """What one episode saw, did and got."""

    seed: int
    obs: FloatArray
    """[T + 1, S]."""
    actions: FloatArray
    """[T, A]."""
    rewards: FloatArray
    """[T]."""


class Policy:
    """The policy's mean action in one task."""

    def __init__(self, agent: NewtAgent, index: int) -> None:
        self.agent = agent
        self.index = index

    def encode(self, obs: FloatArray) -> Tensor:
        """Latents of observations, [K, S] → [K, L]."""
        task = torch.full((len(obs),), self.index)
        return self.agent.model.encode(torch.from_numpy(obs), task)

    def __call__(self, obs: FloatArray) -> FloatArray:
        """Actions [K, A]."""
        z = self.encode(obs)
        bound = self.agent.model.bind(torch.full((len(obs),), self.index))
        actions: FloatArray = own_action(bound, z).numpy()
        return actions


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


def own_action(bound: BoundModel, z: Tensor) -> Tensor:
    """The policy's mean action at latents of the model's own order, [K, L] → [K, A]."""
    return bound.policy(z, torch.zeros(len(z), ACTION_DIM)).mean


def model_errors(agent: NewtAgent, policy: Policy, episodes: Sequence[Episode]) -> dict[str, Any]:
    """Errors of latents, rewards and values by depth along real episodes.

    A latent's error is compared with that of not predicting anything: the latent it began from
    ("standing still"), and the episode's mean. A value's is what the latent's error makes of it.
    """
    horizon, index = agent.planner_config.horizon, policy.index
    latent_error = np.zeros((len(episodes), horizon))
    moved, reward_error = latent_error.copy(), latent_error.copy()
    value_error = latent_error.copy()
    heads = torch.arange(agent.planning_snapshot().num_q)
    values, returns, variance = [], [], []
    for row, episode in enumerate(episodes):
        real = policy.encode(episode.obs)
        variance.append(float(real.var(0, correction=0).mean()))
        length = len(episode.rewards) - horizon + 1
        bound = agent.model.bind(torch.full((length,), index))
        z = real[:length]
        for depth in range(horizon):
            action = torch.from_numpy(episode.actions[depth : depth + length])
            reward = two_hot_mean(bound.reward_logits(z, action)).numpy()
            reward_error[row, depth] = np.abs(reward - episode.rewards[depth:][:length]).mean()
            z = bound.next(z, action)
            goal = real[depth + 1 :][:length]
            latent_error[row, depth] = float((z - goal).square().mean())
            moved[row, depth] = float((goal - real[:length]).square().mean())
            stood, led = (bound.q_value(x, own_action(bound, x), heads).mean(0) for x in (goal, z))
            value_error[row, depth] = float((led - stood).abs().mean())
        half = len(episode.rewards) // 2
        bound = agent.model.bind(torch.full((half,), index))
        action = torch.from_numpy(episode.actions[:half])
        values.append(bound.q_value(real[:half], action, heads).mean(0).numpy())
        returns.append(discounted_rest(episode.rewards, float(agent.model.discount[index]))[:half])
    value, rest = np.concatenate(values), np.concatenate(returns)
    correlation = float(np.corrcoef(value, rest)[0, 1]) if rest.std() > 1e-9 else None
    return {
        "latent_mse_by_depth": [round(float(x), 7) for x in latent_error.mean(0)],
        "latent_mse_of_the_episodes_mean": round(float(np.mean(variance)), 7),
        "latent_mse_of_standing_still": [round(float(x), 7) for x in moved.mean(0)],
        "reward_error_by_depth": [round(float(x), 5) for x in reward_error.mean(0)],
        "value_error_by_depth": [round(float(x), 4) for x in value_error.mean(0)],
        "value_mean": round(float(value.mean()), 4),
        "return_mean": round(float(rest.mean()), 4),
        "value_return_correlation": correlation,
    }


def discounted_rest(rewards: Numbers, discount: float) -> Numbers:
    """Discounted sum of the rewards from every step on: [T] → [T]."""
    rest, total = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        total = float(rewards[t]) + discount * total
        rest[t] = total
    return rest


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


# -- the file ---------------------------------------------------------------------------------


class Results:
    """One file, gone on with if it is there."""

    def __init__(self, path: Path, command: str) -> None:
        self.path, self.command = path, command
        self.document: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        )

    def of(self, checkpoint: Path, label: str) -> dict[str, Any]:
        """Return what is known of a checkpoint, to be added to.

        Raises:
            SystemExit: The label stands for another file by now.
        """
        digest = sha256(checkpoint)[:16]
        known: dict[str, Any] = self.document.setdefault(label, {"checkpoint": digest})
        if known["checkpoint"] != digest:
            raise SystemExit(f"error: {self.path} has another checkpoint under '{label}'.")
        return known

    def keep(self, part: dict[str, Any], name: str, shown: Mapping[str, Any], began: float) -> None:
        """Add a result and write the file."""
        part[name] = {
            **shown,
            "wall_s": round(time.monotonic() - began, 1),
            "command": self.command,
            "commit": git_version(),
            "hardware": describe_hardware(),
        }
        write_json(self.path, self.document)
        sys.stderr.write(f"{name}: {shown}\n")


def main(words: Sequence[str] | None = None) -> None:
    """Parse the command line and do what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("states", "scores"))
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--label", default="", help="of the checkpoint; by default its path")
    parser.add_argument("--tasks", help="a selector; by default all it was trained on")
    parser.add_argument("--ways", default=",".join(WAYS), help="of acting, for scores")
    parser.add_argument("--episodes", type=int, default=0, help="of each task; 2 or 10")
    parser.add_argument("--states", type=int, default=12, help="of each episode")
    parser.add_argument("--around", type=int, default=6, help="random sequences near and wide")
    parser.add_argument("--along", choices=("policy", "constrained"), default="policy")
    parser.add_argument("--tail", type=int, default=100, help="steps that are paid afterwards")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    library = load_specs()
    chosen = library.select(arguments.tasks) if arguments.tasks else None
    agent, specs = load_agent(arguments.checkpoint, chosen, library=library, device="cpu")
    given = sys.argv[1:] if words is None else list(words)
    results = Results(arguments.out, shlex.join(["python", "benchmarks/planning_gap.py", *given]))
    known = results.of(arguments.checkpoint, arguments.label or str(arguments.checkpoint))
    part: dict[str, Any] = known.setdefault(arguments.what, {})
    if arguments.what == "scores":
        for name in arguments.ways.split(","):
            if name not in part:
                began, episodes = time.monotonic(), arguments.episodes or 10
                seed = stream_seed(arguments.seed, Stream.REPORTED_EPISODES)
                shown = score(agent, specs, WAYS[name], episodes, seed)
                results.keep(part, name, {"episodes": episodes, **shown}, began)
        return
    for index, spec in enumerate(specs):
        name = f"{spec.id}, along {arguments.along}, tail {arguments.tail}"
        if name not in part:
            began = time.monotonic()
            shown = inspect(
                agent, spec, index, episodes=arguments.episodes or 2, states=arguments.states,
                around=arguments.around, tail=arguments.tail, seed=arguments.seed,
                along=arguments.along,
            )  # fmt: skip
            results.keep(part, name, shown, began)


if __name__ == "__main__":
    main()
