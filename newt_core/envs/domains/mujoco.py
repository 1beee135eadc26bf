"""MuJoCo: Gymnasium's classic locomotion and control tasks, version 4.

Todorov et al., "MuJoCo" (2012); Towers et al., "Gymnasium" (2024). A task's ``env`` holds
Gymnasium's ``id``. Bodies, observations and random streams are the library's. An episode never
ends early here, so three rewards are the benchmark's own:

============== ==================================================================
hopper, walker what the library pays but at least 0 while healthy, else -1
pendulum       what the library pays until it would have ended the episode, then 0
others         what the library pays
============== ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.offscreen import Camera, camera_index
from newt_core.envs.stability import StabilityWatch
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

UNHEALTHY_REWARD = -1.0
"""Per control step, for a hopper or walker that has fallen."""
NO_SUCCESS = 0.0
"""The success of tasks that can only be done better or worse."""
DEFAULT_CAMERA = "track"
"""The side view that moves along, in the models that have one."""

RewardRule = Callable[[Any, float], float]
"""From a library environment after a control step, and the reward it paid, to ours."""


def as_paid(environment: Any, paid: float) -> float:
    """The library's reward."""
    return paid


def while_healthy(environment: Any, paid: float) -> float:
    """The library's reward, at least 0, while the body is up, else :data:`UNHEALTHY_REWARD`."""
    return max(0.0, paid) if environment.is_healthy else UNHEALTHY_REWARD


class Body(NamedTuple):
    """How Newt builds one of the library's environments."""

    entry_point: str
    """``module:class``, below ``gymnasium.envs.mujoco``."""
    options: Mapping[str, Any]
    """Arguments of the class."""
    rule: RewardRule


_NO_END: Mapping[str, Any] = MappingProxyType({"terminate_when_unhealthy": False})
_PLAIN: Mapping[str, Any] = MappingProxyType({})

BODIES: Mapping[str, Body] = MappingProxyType(
    {
        "Ant-v4": Body("ant_v4:AntEnv", _NO_END, as_paid),
        "HalfCheetah-v4": Body("half_cheetah_v4:HalfCheetahEnv", _PLAIN, as_paid),
        "Hopper-v4": Body("hopper_v4:HopperEnv", _NO_END, while_healthy),
        "InvertedPendulum-v4": Body("inverted_pendulum_v4:InvertedPendulumEnv", _PLAIN, as_paid),
        "Reacher-v4": Body("reacher_v4:ReacherEnv", _PLAIN, as_paid),
        "Walker2d-v4": Body("walker2d_v4:Walker2dEnv", _NO_END, while_healthy),
    }
)
"""Gymnasium's id → how it is built."""


def build(spec: TaskSpec) -> GymnasiumSimulator:
    """Build the environment that ``spec.env`` names, without Gymnasium's wrappers.

    Raises:
        SpecError: the domain has no such environment, or its model no such camera.
    """
    name = str(spec.env.get("id"))
    if name not in BODIES:
        raise SpecError(
            f"task '{spec.id}': the domain mujoco has no '{name}' (env needs 'id')."
            f"{did_you_mean(name, BODIES)} Known: {', '.join(BODIES)}."
        )
    body = BODIES[name]
    module_name, _, class_name = body.entry_point.partition(":")
    module = import_module(f"gymnasium.envs.mujoco.{module_name}")
    return GymnasiumSimulator(getattr(module, class_name)(**body.options), body.rule, spec)


class GymnasiumSimulator:
    """One Gymnasium environment under Newt's contract.

    Args:
        environment: a ``gymnasium.envs.mujoco.MujocoEnv``.
        rule: makes the reward of a control step.
        spec: gives the action repeat and the camera.
    """

    def __init__(self, environment: Any, rule: RewardRule, spec: TaskSpec) -> None:
        self._env = environment
        self._rule = rule
        self._repeat = spec.action_repeat
        self.step_seconds: float = environment.dt * spec.action_repeat
        self._scale: FloatArray = environment.action_space.high
        self._stability = StabilityWatch(environment.data)
        self._over = False
        self._camera = Camera(
            environment.model,
            environment.data,
            camera_index(environment.model, spec, DEFAULT_CAMERA),
            environment.mujoco_renderer.default_cam_config,
        )

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode, drawn as the library's ``reset(seed=seed)`` would."""
        self._over = False
        observation, _ = self._env.reset(seed=seed)
        return _as_float32(observation)

    def step(self, action: FloatArray) -> Outcome:
        """Hold ``action``, scaled to the body's controls, for ``action_repeat`` control steps.

        Raises:
            FloatingPointError: the simulation has become unstable.
        """
        control = action * self._scale
        reward = 0.0
        for _ in range(self._repeat):
            observation, paid, terminated, _, _ = self._env.step(control)
            # Only the pendulum's library environment can say so: nothing is paid from then on.
            self._over = self._over or terminated
            if not self._over:
                reward += self._rule(self._env, float(paid))
        self._stability.check()
        return Outcome(_as_float32(observation), reward, NO_SUCCESS)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the scene; errors as :meth:`newt_core.envs.offscreen.Camera.draw`."""
        return self._camera.draw(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self._camera.close()


def _as_float32(observation: np.ndarray) -> FloatArray:
    return observation.astype(np.float32)
