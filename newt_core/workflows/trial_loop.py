"""A run's own loop on made-up experience: what benchmarks and forecasts put a clock to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from newt_core.agents.base import Agent, OfflineAgent, OnlineAgent
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.interaction import Interaction
from newt_core.agents.newt.setup import choose_device
from newt_core.encoders.feature_pool import open_pool
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.collector import Collector
from newt_core.training.config import OverlapMode, RunConfig
from newt_core.training.loop import Loop
from newt_core.types import (
    ACTION_DIM,
    IMAGE_DIM,
    STATE_DIM,
    TEXT_DIM,
    Episode,
    FloatArray,
    IntArray,
)
from newt_core.workflows.agent_kinds import AgentInputs, find_kind
from newt_core.workflows.load_agent import open_image_encoder
from newt_core.workflows.overlap import overlap_of

EPISODE = 100
"""Steps in the stored episodes, whose content is random."""
EPISODES = 50


@dataclass
class Player:
    """An agent, and environments in which it has begun an episode each."""

    agent: Agent
    collector: Collector


@dataclass
class Trial(Player):
    """What a run that is past its first phase is made of, whatever kind of agent learns."""

    learner: OnlineAgent


@dataclass
class TrialLoop(Trial):
    """The loop of a run that is past its first phase, one environment of each task."""

    agent: NewtAgent
    learner: Interaction
    config: RunConfig
    specs: Sequence[TaskSpec]
    loop: Loop
    """As the settings say; for others see :meth:`loop_in`."""
    steps: int = 0
    """Agent steps so far."""

    def loop_in(self, mode: OverlapMode) -> Loop:
        """Return a loop of the same parts in which as much goes on at the same time."""
        config = self.config.model_copy(update={"overlap": mode})
        overlap = overlap_of(config, len(self.specs), self.agent.device)
        return Loop(self.learner, self.collector, overlap)

    def act(self) -> None:
        """Make one agent step in every environment, and nothing beside."""
        self.steps += Loop(self.learner, self.collector).act(self.steps)

    def rounds(self, count: int, loop: Loop | None = None) -> None:
        """Make some rounds of a run, and take all updates that are due by then."""
        loop = loop or self.loop
        for number in range(1, count + 1):
            self.steps += loop.act(self.steps)
            for _ in loop.learn(self.steps, leaving=number < count):
                pass

    def plan(self) -> None:
        """Choose the actions that the next step would begin with."""
        self.learner.act(self.collector.observation, self.steps)

    def learn(self) -> None:
        """Take the updates that are due."""
        for _ in self.learner.learn(self.steps):
            pass

    def update(self) -> None:
        """Take one update more than is due, and wait for it."""
        update, learner = self.config.update, self.agent.learner
        generator = torch.Generator().manual_seed(learner.updates)
        batch = self.learner.replay.sample(update.batch_size, update.horizon, generator)
        float(learner.update(batch, bc_coef=update.bc_coef)["loss/value"])


@contextmanager
def trial_loop(config: RunConfig, specs: Sequence[TaskSpec]) -> Iterator[TrialLoop]:
    """Open the loop of a run, with episodes of random numbers in its replay.

    Args:
        config: The run's settings, of an agent of Newt's own or built on it; where they lie, how
            many environments and what the first phase is do not matter here.
        specs: The tasks.
    """
    config = _past_its_first_phase(config)
    with open_trial(config, specs, np.arange(len(specs))) as trial:
        agent, learner = trial.agent, trial.learner
        assert isinstance(agent, NewtAgent)
        assert isinstance(learner, Interaction)
        overlap = overlap_of(config, len(specs), agent.device)
        with closing(Loop(learner, trial.collector, overlap)) as loop:
            yield TrialLoop(agent, trial.collector, learner, config, specs, loop)


@contextmanager
def open_trial(
    config: RunConfig, specs: Sequence[TaskSpec], task_of_env: IntArray
) -> Iterator[Trial]:
    """Open environments and make an agent that acts and learns in them.

    Agents with a replay of episodes find some in it and are past their first phase; others begin
    as a run does.

    Args:
        config: The run's settings, of a kind that learns online; where they lie does not matter.
        specs: The tasks.
        task_of_env: [E] index of each environment's task.
    """
    config = _past_its_first_phase(config)
    with TemporaryDirectory() as folder, open_player(config, specs, task_of_env) as player:
        kind = find_kind(config.agent.kind)
        learner = kind.online(player.agent, config, task_of_env, Path(folder), None, restored=False)
        if isinstance(learner, Interaction):
            for number in range(EPISODES):
                episode = random_episode(number % len(specs), config.model.feature_stack)
                learner.replay.online.add(episode)
        yield Trial(player.agent, player.collector, learner)


@contextmanager
def open_player(
    config: RunConfig, specs: Sequence[TaskSpec], task_of_env: IntArray
) -> Iterator[Player]:
    """Open environments, begin an episode in each, and make an agent for them.

    Args:
        config: The run's settings; where they lie does not matter.
        specs: The tasks.
        task_of_env: [E] index of each environment's task.
    """
    device = choose_device(config.device)
    encoder, stack = open_image_encoder(config, device), config.model.feature_stack
    played = [specs[index] for index in task_of_env]
    with open_pool(played, encoder, stack) as pool:
        inputs = AgentInputs(config, specs, random_texts(specs), device, encoder)
        agent = find_kind(config.agent.kind).new(inputs)
        collector = Collector(pool, task_of_env, seed=0, features=encoder is not None)
        collector.begin()
        yield Player(agent, collector)


@contextmanager
def open_cloner(
    config: RunConfig, specs: Sequence[TaskSpec], task_of_env: IntArray
) -> Iterator[tuple[Player, OfflineAgent]]:
    """Open environments and make an agent that learns from demonstrations of random numbers.

    Args:
        config: The run's settings, of a kind that learns from demonstrations.
        specs: The tasks.
        task_of_env: [E] index of each environment's task.
    """
    device, stack = choose_device(config.device), config.model.feature_stack
    demos = ReplayBuffer(EPISODES * (EPISODE + 1), device=device, feature_stack=stack)
    for number in range(EPISODES):
        demos.add(random_episode(number % len(specs), stack))
    with open_player(config, specs, task_of_env) as player:
        yield player, find_kind(config.agent.kind).offline(player.agent, config, demos)


def random_texts(specs: Sequence[TaskSpec]) -> FloatArray:
    """Return vectors [tasks, 512] in the place of texts."""
    drawn = np.random.default_rng(0).normal(size=(len(specs), TEXT_DIM))
    return drawn.astype(np.float32)


def _past_its_first_phase(config: RunConfig) -> RunConfig:
    """Return the settings of a run that learns from its first step on, out of memory."""
    first = config.random_phase.model_copy(update={"episodes": 0, "until_reward": 0})
    capacity = EPISODES * (EPISODE + 1)
    replay = config.replay.model_copy(update={"storage": "ram", "capacity": capacity})
    update = config.update.model_copy(update={"catch_up": True})
    return config.model_copy(update={"random_phase": first, "replay": replay, "update": update})


def random_episode(task: int, feature_stack: int) -> Episode:
    """Return an episode of :data:`EPISODE` steps of random numbers."""
    generator = np.random.default_rng(task)
    features = None
    if feature_stack:
        features = generator.normal(size=(EPISODE + 1, IMAGE_DIM)).astype(np.float16)
    return Episode(
        task=task,
        obs=generator.normal(size=(EPISODE + 1, STATE_DIM)).astype(np.float32),
        action=generator.uniform(-1, 1, (EPISODE, ACTION_DIM)).astype(np.float32),
        reward=generator.uniform(0, 1, EPISODE).astype(np.float32),
        features=features,
    )
