"""Meta-World: tabletop manipulation with a Sawyer arm, version 3.

Yu et al., "Meta-World" (2019). A task's ``env`` holds the library's ``name`` for it, such as
``door-open-v3``. Physics and rewards are the library's, with its second reward function ("v2"); but
in one task version 3 turned a term of the reward around, and here it is as its authors wrote it
(:data:`TURNED_AROUND`). The hand is pulled harder than in version 2 (``docs/fidelity.md``).

The library's benchmarks freeze the random vector that places object and goal, and hide the goal
or let nobody choose the seed. A plain environment class does better with four of its attributes
set: the goal stands in the observation and every reset draws a new vector, from a generator of
the environment's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.offscreen import FREE_CAMERA, Camera, camera_index
from newt_core.envs.stability import StabilityWatch
from newt_core.envs.textures import release_if_unused
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

REWARD_VERSION = "v2"
"""The library's reward functions that end in [0, 10] per control step."""
DEFAULT_CAMERA = "corner4"
"""From the front right corner of the table, near enough to see what the gripper does."""

GRIPPER = 3
"""Place in the observation of how far the gripper is open: 0 shut, 1 wide open."""
TURNED_AROUND = ("button-press-topdown-wall-v3",)
"""Environments whose reward takes the gripper's opening for its closedness."""

_IDLE = np.zeros(4, dtype=np.float32)
"""Hand stays, gripper without effort."""


def build(spec: TaskSpec) -> SawyerSimulator:
    """Build the environment that ``spec.env`` names.

    Raises:
        SpecError: the library has no such environment, or no such camera.
    """
    from metaworld.env_dict import ALL_V3_ENVIRONMENTS as CLASSES

    name = str(spec.env.get("name"))
    if name not in CLASSES:
        raise SpecError(
            f"task '{spec.id}': Meta-World has no '{name}' (env needs 'name')."
            f"{did_you_mean(name, CLASSES)}"
        )
    environment = CLASSES[name](reward_function_version=REWARD_VERSION)
    if name in TURNED_AROUND:
        _turn_gripper_term_back(environment)
    return SawyerSimulator(environment, spec)


def _turn_gripper_term_back(environment: Any) -> None:
    """Reward a shut gripper, as in the library's versions before 3, not an open one.

    The reward's first term is a product of the nearness to the button and of ``1 - opening``,
    which version 3 replaced by ``opening``: whoever keeps the gripper open beside the button then
    earns more than whoever presses it. The reward reads the opening in no other place, so it is
    shown what is missing to a wide open gripper instead.
    """
    reward = environment.compute_reward

    def compute_reward(action: Any, obs: np.ndarray) -> Any:
        mirrored = obs.copy()
        mirrored[GRIPPER] = 1.0 - obs[GRIPPER]
        return reward(action, mirrored)

    environment.compute_reward = compute_reward


class SawyerSimulator:
    """One Meta-World environment under Newt's contract.

    Args:
        environment: a new ``metaworld.sawyer_xyz_env.SawyerXYZEnv`` of its own class, not of
            one of the library's goal-observable subclasses.
        spec: gives the action repeat and the camera.
    """

    def __init__(self, environment: Any, spec: TaskSpec) -> None:
        environment._partially_observable = False
        # The bounds to which observations are clipped were made while the goal was hidden.
        del environment.sawyer_observation_space
        environment._freeze_rand_vec = False
        environment.seeded_rand_vec = True  # draws from np_random, not from NumPy's global one
        environment._set_task_called = True  # or it refuses to step
        self._env = environment
        self._repeat = spec.action_repeat
        self.step_seconds: float = environment.dt * spec.action_repeat
        self._stability = StabilityWatch(environment.data)
        camera = camera_index(environment.model, spec, DEFAULT_CAMERA)
        self._camera = Camera(environment.model, environment.data, camera)
        self._stands_on_head = _looks_upside_down(environment.model, camera)
        release_if_unused(environment.model.tex_data)

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode: a reset of the library's and one idle control step.

        Without that step the observation would hold the hand where it was placed, not where
        it comes to rest, and its earlier half would repeat the present.
        """
        if seed is not None:
            self._env.seed(seed)  # its reset takes a seed too, and passes it over
        self._env.reset()
        observation, *_ = self._env.step(_IDLE)
        return _as_float32(observation)

    def step(self, action: FloatArray) -> Outcome:
        """Hold ``action`` for ``action_repeat`` control steps of the library.

        Raises:
            FloatingPointError: the simulation has become unstable.
        """
        reward = 0.0
        for _ in range(self._repeat):
            observation, paid, _, _, info = self._env.step(action)
            reward += float(paid)
        self._stability.check()
        return Outcome(_as_float32(observation), reward, float(info["success"]))

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the scene; errors as :meth:`newt_core.envs.offscreen.Camera.draw`.

        The library's corner cameras are mounted upside down. Their frames are flipped top to
        bottom, as the benchmark's are: upright, but left and right are exchanged.
        """
        frame = self._camera.draw(height, width)
        return np.ascontiguousarray(frame[::-1]) if self._stands_on_head else frame

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self._camera.close()


def _looks_upside_down(model: Any, camera: int) -> bool:
    """Whether the upper edge of a camera's frames points toward the floor."""
    if camera == FREE_CAMERA:
        return False
    upward = model.cam_mat0[camera].reshape(3, 3)[:, 1]
    return bool(upward[2] < 0.0)


def _as_float32(observation: np.ndarray) -> FloatArray:
    return observation.astype(np.float32)
