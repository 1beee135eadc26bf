"""What every task must pass, for ``newt tasks check`` and for the tests of every domain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from newt_core.envs.task_env import TaskEnv
from newt_core.errors import NewtError, TaskCheckError, located
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

COMPARED_STEPS = 20
"""Agent steps over which two episodes are compared."""
ROUNDING = 1e-6
"""How far a sum of rewards may carry a score beyond its bounds."""


def check_task(
    spec: TaskSpec, episodes: int = 1, builders: Mapping[str, str] | None = None
) -> None:
    """Build a task and play it with random actions; return if it keeps the contract.

    Checked are the observation's shape, type and finiteness, that a seed determines an episode,
    also one that follows a whole episode, as where episodes restart by themselves, that returned
    observations are not changed later, that an episode lasts for the spec's length, that the
    masks are those of the spec throughout, and that rewards, success and score are sensible
    numbers.

    Args:
        spec: the task.
        episodes: whole episodes to play.
        builders: domains beside the installed ones, name → ``module:function``.

    Raises:
        TaskCheckError: the task breaks the contract; the message says how.
        NewtError: the task cannot be built.
    """
    env = TaskEnv(spec, builders=builders)
    try:
        first = _play(env)
        _compare(spec, first, _play(env))
        for episode in range(episodes):
            _check_episode(env, np.random.default_rng(episode))
        _compare(spec, first, _play(env), ", one before and one after a whole episode,")
    except TaskCheckError:
        raise
    except NewtError as error:
        problem = str(error).removeprefix(f"task '{spec.id}'").lstrip(": ")
        raise TaskCheckError(f"{spec.id}: {problem}") from error
    except Exception as error:
        raise TaskCheckError(f"{spec.id}: {type(error).__name__}: {located(error)}") from error
    finally:
        env.close()


class _Moment(NamedTuple):
    """What a step led to."""

    obs: FloatArray
    reward: float


def _play(env: TaskEnv) -> list[_Moment]:
    """Play the beginning of a seeded episode, watching over the observations returned."""
    spec = env.task
    generator = np.random.default_rng(0)
    moments = [_Moment(env.reset(seed=1)[0], 0.0)]
    for _ in range(min(COMPARED_STEPS, spec.episode_length)):
        before = moments[-1].obs.copy()
        obs, reward, *_ = env.step(_random_action(spec, generator))
        moments.append(_Moment(obs, reward))
        if not np.array_equal(before, moments[-2].obs):
            raise TaskCheckError(f"{spec.id}: a step changes the observation returned before.")
    return moments


def _compare(spec: TaskSpec, first: list[_Moment], second: list[_Moment], when: str = "") -> None:
    for step, (one, other) in enumerate(zip(first, second, strict=True)):
        if not np.array_equal(one.obs, other.obs) or one.reward != other.reward:
            raise TaskCheckError(
                f"{spec.id}: two episodes with the same seed and actions{when} differ at step "
                f"{step}."
            )


def _check_episode(env: TaskEnv, generator: np.random.Generator) -> None:
    spec = env.task
    obs, info = env.reset(seed=int(generator.integers(2**32)))
    _check_moment(spec, obs, info)
    for step in range(1, spec.episode_length + 1):
        obs, _, terminated, truncated, info = env.step(_random_action(spec, generator))
        _check_moment(spec, obs, info)
        success = info["success"]
        if not (math.isnan(success) or success in (0.0, 1.0)):
            raise TaskCheckError(f"{spec.id}: success is {success}, not 0, 1 or NaN.")
        if terminated or truncated != (step == spec.episode_length):
            raise TaskCheckError(f"{spec.id}: an episode ends, or does not, at step {step}.")
    if not -ROUNDING <= info["score"] <= 1.0 + ROUNDING:
        raise TaskCheckError(
            f"{spec.id}: the score of a whole episode is {info['score']}, not from 0 to 1."
        )


def _check_moment(spec: TaskSpec, obs: FloatArray, info: Mapping[str, Any]) -> None:
    """Check what an environment does not: it refuses wrong shapes and values itself."""
    if obs.dtype != np.float32:
        raise TaskCheckError(f"{spec.id}: observations are {obs.dtype}, not float32.")
    for name, used in (("obs_mask", len(obs)), ("action_mask", spec.action_dim)):
        mask = info[name]
        if not (mask[:used] == 1).all() or mask[used:].any():
            raise TaskCheckError(f"{spec.id}: the {name} does not show its first {used} entries.")


def _random_action(spec: TaskSpec, generator: np.random.Generator) -> FloatArray:
    return generator.uniform(-1.0, 1.0, spec.action_dim).astype(np.float32)
