"""Where a training step's time goes, stage by stage.

======== =====================================================================================
stage    is
======== =====================================================================================
step     the simulators' physics, in the pool's workers
render   drawing one picture of each environment, one after the other on one core
transfer the pictures' way out of the shared memory and to the encoder's device, as bytes
encode   pictures into features
act      encoding observations and planning
learn    drawing batches, and the gradient steps owed
whole    all of it together, as a run does it; workers draw side by side
======== =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.agents.newt.update_debt import UpdateDebt
from newt_core.bench.inputs import synchronise
from newt_core.bench.timing import compare, describe_hardware
from newt_core.encoders import HashedEncoder
from newt_core.encoders.feature_pool import FeaturePool, open_pool
from newt_core.envs.pool import EnvPool, make_pool, observation
from newt_core.envs.session import open_session
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.types import ACTION_DIM, FRAME_SIZE, IMAGE_DIM, STATE_DIM, ByteArray, Episode
from newt_core.version import git_version
from newt_core.workflows.load_agent import open_image_encoder

STATE_ONLY = "whole_state"
"""The whole again, for an agent that sees states."""
EPISODE = 100
"""Steps in the stored episodes, whose content is random."""
EPISODES = 50


def bench_train(
    config: RunConfig, specs: Sequence[TaskSpec], *, rounds: int, repeats: int
) -> dict[str, Any]:
    """Time the stages of training, one by one and together.

    Args:
        config: Settings of a run; its tasks are ``specs``.
        specs: One environment each.
        rounds: Steps of every environment in a timed run.
        repeats: Timed runs of each stage.

    Returns:
        The document that ``newt bench train --json`` prints: ``steps_per_s`` counts agent steps
        of all environments. ``shares`` are those of the stages in the sum of their times.

    Raises:
        NewtError: A task or an encoder cannot be built.
    """
    with ExitStack() as stack:
        loop = stack.enter_context(_Loop(config, specs))
        stages = loop.stages()
        whole = {"whole": loop.whole}
        if config.model.feature_stack:
            states = config.model.model_copy(update={"obs": "state"})
            plain = stack.enter_context(_Loop(config.model_copy(update={"model": states}), specs))
            whole[STATE_ONLY] = plain.whole

        def repeated(once: Callable[[], None]) -> Callable[[], int]:
            def run() -> int:
                for _ in range(rounds):
                    once()
                synchronise(loop.agent.device)
                return rounds * len(specs)

            return run

        timed = compare({name: repeated(once) for name, once in (stages | whole).items()}, repeats)
    total = sum(timed[name]["median_s"] for name in stages)
    ratios = {"whole_over_sum_of_stages": total / timed["whole"]["median_s"]}
    if STATE_ONLY in timed:
        ratios[f"whole_over_{STATE_ONLY}"] = (
            timed["whole"]["steps_per_s"] / timed[STATE_ONLY]["steps_per_s"]
        )
    encoder = loop.agent.image_encoder
    return {
        "what": f"train: {len(specs)} environments, obs {config.model.obs}",
        "tasks": [spec.id for spec in specs],
        "commit": git_version(),
        "hardware": describe_hardware(),
        "settings": {
            "model": config.model.model_dump(),
            "image_encoder": None if encoder is None else encoder.name,
            "planner": config.planner.model_dump(),
            "batch_size": config.update.batch_size,
            "updates_per_step": config.update.updates_per_step,
        },
        "variants": timed,
        "shares": {name: timed[name]["median_s"] / total for name in stages},
        "ratios": ratios,
    }


class _Loop:
    """The parts of a run, and one round of each stage."""

    def __init__(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        device = choose_device(config.device)
        text = HashedEncoder().encode_tasks(specs)
        self.config = config
        self.agent = NewtAgent(
            config.model,
            config.planner,
            config.update,
            task_table(specs, text),
            device=device,
            image_encoder=open_image_encoder(config, device),
        )
        settings = ActorSettings(explore=True)
        self._actor = Actor(self.agent, len(specs), seed=0, settings=settings)
        self._specs = specs
        self._replay = ReplayBuffer(
            EPISODES * (EPISODE + 1),
            storage="ram",
            device=device,
            feature_stack=config.model.feature_stack,
        )
        self._generator = torch.Generator().manual_seed(0)
        self._debt = UpdateDebt(config.update.updates_per_step, catch_up=True)
        self._steps = 0
        self._tasks = np.arange(len(specs))
        self._actions = np.random.default_rng(0).uniform(-1, 1, (len(specs), ACTION_DIM))
        self._exit = ExitStack()

    def __enter__(self) -> _Loop:
        for number in range(EPISODES):
            self._replay.add(
                _random_episode(number % len(self._specs), self.config.model.feature_stack)
            )
        encoder = self.agent.image_encoder
        self._pool = self._open(open_pool(self._specs, encoder, self.config.model.feature_stack))
        self._obs = self._pool.reset()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def _open(self, pool: EnvPool | FeaturePool) -> EnvPool | FeaturePool:
        self._exit.callback(pool.close)
        pool.reset()
        return pool

    def stages(self) -> dict[str, Callable[[], None]]:
        """One round of each stage, by its name."""
        bare = self._open(make_pool(self._specs))
        found: dict[str, Callable[[], None]] = {"step": lambda: self._step(bare)}
        encoder = self.agent.image_encoder
        if encoder is not None and isinstance(self._pool, FeaturePool):
            sessions = [open_session(spec) for spec in self._specs]
            for session in sessions:
                self._exit.callback(session.simulator.close)
                session.reset(0)
            pictures = np.stack([s.simulator.render(FRAME_SIZE, FRAME_SIZE) for s in sessions])

            def render() -> None:
                for session in sessions:
                    session.simulator.render(FRAME_SIZE, FRAME_SIZE)

            found["render"] = render
            found["transfer"] = lambda: self._transfer(pictures)
            found["encode"] = lambda: _discard(encoder.encode(pictures))
        found["act"] = lambda: _discard(self._act())
        found["learn"] = self._learn
        return found

    def whole(self) -> None:
        """One round of a run after its random phase."""
        self._obs = self._pool.step(self._act()).obs
        self._learn()

    def _step(self, pool: EnvPool | FeaturePool) -> None:
        pool.step(self._actions)

    def _transfer(self, pictures: ByteArray) -> None:
        copied = torch.from_numpy(pictures[self._tasks])
        copied.to(self.agent.device)

    def _act(self) -> np.ndarray:
        first = np.zeros(len(self._specs), np.bool_)
        return self._actor(observation(self._pool, self._tasks, self._obs, self._tasks, first))

    def _learn(self) -> None:
        self._steps += len(self._specs)
        update, learner = self.config.update, self.agent.learner
        for _ in range(self._debt.owed(self._steps, learner.updates, began=0)):
            learner.update(self._replay.sample(update.batch_size, update.horizon, self._generator))


def _discard(result: object) -> None:
    """Take a stage's result, which nobody needs."""


def _random_episode(task: int, feature_stack: int) -> Episode:
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
