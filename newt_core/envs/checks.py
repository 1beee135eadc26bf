"""What every task must pass, for ``newt tasks check`` and for the tests of every domain."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from newt_core.envs.contract import Outcome, Simulator
from newt_core.envs.registry import build_simulator
from newt_core.envs.session import Session
from newt_core.errors import TaskCheckError
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

COMPARED_STEPS = 20
"""Agent steps over which two episodes are compared."""


def check_task(
    spec: TaskSpec, episodes: int = 1, builders: Mapping[str, str] | None = None
) -> None:
    """Build a task and play it with random actions; return if it keeps the contract.

    Checked are the observation's shape, type and finiteness, that a seed determines an episode,
    that returned observations are not changed later, that the simulator lasts for the spec's
    episode length, and that rewards, success and score are sensible numbers.

    Args:
        spec: the task.
        episodes: whole episodes to play.
        builders: domains beside the installed ones, name → ``module:function``.

    Raises:
        TaskCheckError: the task breaks the contract; the message says how.
        NewtError: the task cannot be built.
    """
    simulator = build_simulator(spec, builders)
    try:
        _check_determinism(spec, simulator)
        session = Session(spec, simulator)
        for episode in range(episodes):
            _check_episode(session, np.random.default_rng(episode))
    except TaskCheckError:
        raise
    except Exception as error:
        raise TaskCheckError(f"{spec.id}: {type(error).__name__}: {error}") from error
    finally:
        simulator.close()


def _check_determinism(spec: TaskSpec, simulator: Simulator) -> None:
    """The same seed and actions give the same episode, in the same simulator."""
    steps = min(COMPARED_STEPS, spec.episode_length)
    first = _play(spec, simulator, steps)
    second = _play(spec, simulator, steps)
    for step, (one, other) in enumerate(zip(first, second, strict=True)):
        if not np.array_equal(one.obs, other.obs) or one.reward != other.reward:
            raise TaskCheckError(
                f"{spec.id}: two episodes with the same seed and actions differ at step {step}."
            )


def _play(spec: TaskSpec, simulator: Simulator, steps: int) -> list[Outcome]:
    """Play the beginning of a seeded episode, watching over the observations returned."""
    generator = np.random.default_rng(0)
    outcomes = [Outcome(simulator.reset(1), 0.0, math.nan)]
    for _ in range(steps):
        before = outcomes[-1].obs.copy()
        outcomes.append(simulator.step(_random_action(spec, generator)))
        if not np.array_equal(before, outcomes[-2].obs):
            raise TaskCheckError(f"{spec.id}: a step changes the observation returned before.")
    return outcomes


def _check_episode(session: Session, generator: np.random.Generator) -> None:
    spec = session.spec
    _check_obs(spec, session.reset(int(generator.integers(2**32))))
    while not session.done:
        outcome = session.step(_random_action(spec, generator))
        _check_obs(spec, outcome.obs)
        if not (math.isnan(outcome.success) or outcome.success in (0.0, 1.0)):
            raise TaskCheckError(f"{spec.id}: success is {outcome.success}, not 0, 1 or NaN.")
    if not math.isfinite(session.score):
        raise TaskCheckError(f"{spec.id}: the score of a whole episode is {session.score}.")


def _check_obs(spec: TaskSpec, obs: FloatArray) -> None:
    """Check what a session does not: the type. A session refuses wrong shapes and values."""
    if obs.dtype != np.float32:
        raise TaskCheckError(f"{spec.id}: observations are {obs.dtype}, not float32.")


def _random_action(spec: TaskSpec, generator: np.random.Generator) -> FloatArray:
    return generator.uniform(-1.0, 1.0, spec.action_dim).astype(np.float32)
