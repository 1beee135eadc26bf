"""The whole agent learns a task whose best return is known, in seconds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.model.sizes import SIZES, Size
from newt_core.model.world_model import TaskTable
from newt_core.planner.config import PlannerConfig
from newt_core.replay import EpisodeRecorder, ReplayBuffer
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM, FloatArray, Observation, Transitions

ENVS, LENGTH, SPEED = 8, 15, 0.25


class Points:
    """Points in the unit square that are pushed about; being near the centre pays.

    Even environments are of the task "go to the left", odd ones "go to the right": the goal is
    not observed, only the text tells it. Reward 1 - distance to the goal, at least 0.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.goal = np.array([[-0.5, 0.0], [0.5, 0.0]])[np.arange(ENVS) % 2]
        self.at = np.zeros((ENVS, 2))
        self.t = 0

    def reset(self) -> FloatArray:
        self.at = self.rng.uniform(-1, 1, (ENVS, 2))
        self.t = 0
        return self._obs()

    def step(self, action: FloatArray) -> Transitions:
        self.at = np.clip(self.at + SPEED * action[:, :2], -1, 1)
        reward = np.maximum(0, 1 - np.linalg.norm(self.at - self.goal, axis=1))
        final = self._obs()
        self.t += 1
        done = np.full(ENVS, self.t == LENGTH)
        obs = self.reset() if done[0] else final
        nothing = np.zeros(ENVS, np.float32)
        return Transitions(
            np.arange(ENVS),
            obs,
            final,
            reward.astype(np.float32),
            done,
            nothing,
            nothing,
            np.zeros(ENVS, np.bool_),
            action,
        )

    def _obs(self) -> FloatArray:
        obs = np.zeros((ENVS, STATE_DIM), np.float32)
        obs[:, :2] = self.at
        return obs


def mean_return(points: Points, actor: Actor, episodes: int) -> FloatArray:
    """Mean return of each of the two tasks, [2]."""
    task = np.arange(ENVS) % 2
    totals = np.zeros(ENVS)
    for _ in range(episodes):
        obs = points.reset()
        for t in range(LENGTH):
            now = Observation(obs, task, np.arange(ENVS), np.full(ENVS, t == 0))
            transitions = points.step(actor(now))
            totals += transitions.reward
            obs = transitions.obs
    return totals.reshape(-1, 2).mean(0) / episodes


def test_one_agent_learns_two_tasks_that_only_their_text_tells_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SIZES, "2M", Size(64, 128, 64, 2, 3))
    text = torch.zeros(2, TEXT_DIM)
    text[0, :256], text[1, 256:] = 1 / 16, 1 / 16  # two orthogonal unit vectors
    mask = torch.zeros(2, ACTION_DIM)
    mask[:, :2] = 1
    agent = NewtAgent(
        ModelConfig(size="2M"),
        PlannerConfig(num_samples=64, policy_trajectories=8, num_elites=8, iterations=3),
        UpdateConfig(batch_size=64, encoder_lr=3e-4),
        TaskTable(text, mask, torch.full((2,), 0.9)),
        device=torch.device("cpu"),
    )
    task = np.arange(ENVS) % 2
    points = Points(seed=0)
    replay, generator = ReplayBuffer(20_000), torch.Generator().manual_seed(0)
    recorder = EpisodeRecorder(task.tolist(), [LENGTH] * ENVS)
    rng = np.random.default_rng(0)
    recorder.begin(points.reset())
    random_return = 0.0
    for _ in range(12 * LENGTH):
        action = rng.uniform(-1, 1, (ENVS, ACTION_DIM)).astype(np.float32)
        action[:, 2:] = 0
        transitions = points.step(action)
        random_return += float(transitions.reward.mean()) / 12
        for episode in recorder.add(transitions):
            replay.add(episode)
    for _ in range(600):
        agent.learner.update(replay.sample(64, 3, generator))

    # Walking straight to the goal from a random start takes at most six steps: 13 to 14 of 15.
    for settings in (ActorSettings(), ActorSettings(policy_only=True)):
        actor = Actor(agent, ENVS, seed=1, settings=settings)
        learned = mean_return(Points(seed=1), actor, episodes=2)
        assert learned.min() > 11.0, f"{settings}: {learned}, random actions {random_return:.1f}"
    assert random_return < 6.0
