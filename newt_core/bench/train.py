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

With overlap, the whole is timed as often as there are ways to do some of it at the same time; see
:mod:`newt_core.training.overlap`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from newt_core.bench.inputs import synchronise
from newt_core.bench.timing import Told, compare, describe_hardware, speed_ratios, untold
from newt_core.envs.pool import make_pool
from newt_core.envs.session import open_session
from newt_core.specs import TaskSpec
from newt_core.training.config import OverlapMode, RunConfig
from newt_core.types import ACTION_DIM, FRAME_SIZE, ByteArray, FloatArray
from newt_core.version import git_version
from newt_core.workflows.trial_loop import TrialLoop, trial_loop

STATE_ONLY = "whole_state"
"""The whole again, for an agent that sees states."""
OVERLAPPING: Mapping[str, OverlapMode] = MappingProxyType(
    {"whole_simulation": "simulation", "whole_full": "full"}
)
"""The whole again, with some of it at the same time: variant → the setting ``overlap``."""


def bench_train(
    config: RunConfig,
    specs: Sequence[TaskSpec],
    *,
    rounds: int,
    repeats: int,
    overlap: bool = False,
    told: Told = untold,
) -> dict[str, Any]:
    """Time the stages of training, one by one and together.

    Args:
        config: Settings of a run; its tasks are ``specs``.
        specs: One environment each.
        rounds: Steps of every environment in a timed run.
        repeats: Timed runs of each stage.
        overlap: Whether to time :data:`OVERLAPPING`, too, beside the whole in lock-step.
        told: Hears of every run of a stage.

    Returns:
        The document that ``newt bench train --json`` prints: ``steps_per_s`` counts agent steps
        of all environments. ``shares`` are those of the stages in the sum of their times, and
        ``at_work`` those of the time in which each stage of a whole was at work or waited for.

    Raises:
        NewtError: A task or an encoder cannot be built.
    """
    with ExitStack() as stack:
        loop = stack.enter_context(trial_loop(config, specs))
        stages = _Stages(loop, stack).rounds()
        modes: dict[str, OverlapMode] = {"whole": config.overlap}
        if overlap:
            modes = {"whole": "off", **OVERLAPPING}
        loops = {name: stack.enter_context(closing(loop.loop_in(m))) for name, m in modes.items()}
        wholes = {name: partial(loop.rounds, rounds, each) for name, each in loops.items()}
        if config.model.feature_stack:
            states = config.model.model_copy(update={"obs": "state"})
            plain = config.model_copy(update={"model": states})
            wholes[STATE_ONLY] = partial(
                stack.enter_context(trial_loop(plain, specs)).rounds, rounds
            )

        def repeated(once: Callable[[], object]) -> Callable[[], None]:
            def run() -> None:
                for _ in range(rounds):
                    once()

            return run

        def counted(run: Callable[[], None]) -> Callable[[], int]:
            def count() -> int:
                run()
                synchronise(loop.agent.device)
                return rounds * len(specs)

            return count

        runs = {name: repeated(once) for name, once in stages.items()} | wholes
        timed = compare({name: counted(run) for name, run in runs.items()}, repeats, told)
    total = sum(timed[name]["median_s"] for name in stages)
    ratios = {"whole_over_sum_of_stages": total / timed["whole"]["median_s"]}
    if STATE_ONLY in timed:
        ratios[f"whole_over_{STATE_ONLY}"] = (
            timed["whole"]["steps_per_s"] / timed[STATE_ONLY]["steps_per_s"]
        )
    ratios |= speed_ratios(timed, [(name, "whole") for name in OVERLAPPING if name in timed])
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
            "overlap": {name: asdict(each.overlap) for name, each in loops.items()},
            "threads": torch.get_num_threads(),
        },
        "variants": timed,
        "at_work": {name: each.clock.shares() for name, each in loops.items()},
        "shares": {name: timed[name]["median_s"] / total for name in stages},
        "ratios": ratios,
    }


class _Stages:
    """One round of each stage of a loop, by its name.

    Args:
        trial: The loop; open.
        stack: Closes what is made for the stages alone.
    """

    def __init__(self, trial: TrialLoop, stack: ExitStack) -> None:
        self._trial = trial
        self._steps = 0
        specs = trial.specs
        self._bare = stack.enter_context(make_pool(specs))
        self._bare.reset()
        self._actions = np.random.default_rng(0).uniform(-1, 1, (len(specs), ACTION_DIM))
        self._sessions = []
        if trial.agent.image_encoder is not None:
            self._sessions = [open_session(spec) for spec in specs]
        for session in self._sessions:
            stack.callback(session.simulator.close)
            session.reset(0)

    def rounds(self) -> dict[str, Callable[[], object]]:
        """Return what one round of each does."""
        found: dict[str, Callable[[], object]] = {"step": lambda: self._bare.step(self._actions)}
        encoder = self._trial.agent.image_encoder
        if encoder is not None:
            pictures = np.stack(self._draw())
            found["render"] = self._draw
            found["transfer"] = lambda: torch.from_numpy(pictures.copy()).to(
                self._trial.agent.device
            )
            found["encode"] = lambda: encoder.encode(pictures)
        found["act"] = self._act
        found["learn"] = self._learn
        return found

    def _draw(self) -> list[ByteArray]:
        return [each.simulator.render(FRAME_SIZE, FRAME_SIZE) for each in self._sessions]

    def _act(self) -> FloatArray:
        return self._trial.learner.act(self._trial.collector.observation, self._trial.steps)

    def _learn(self) -> None:
        self._trial.steps += len(self._trial.specs)
        self._trial.learn()
