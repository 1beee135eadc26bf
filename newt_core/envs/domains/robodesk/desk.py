"""The simulator: an arm at a desk that is told where to move its hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.robodesk.goals import HAND, Goal
from newt_core.envs.domains.robodesk.model import load_bare_desk, load_desk
from newt_core.envs.domains.robodesk.reach import ARM_JOINTS, Reach
from newt_core.envs.offscreen import Camera, camera_index
from newt_core.envs.stability import StabilityWatch
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

ROBOT = 9
"""The robot's joints: seven of the arm and two fingers; the model's first, as its motors are."""
WRIST, FINGER, FINGERS = 6, 7, slice(7, ROBOT)
ACTION_DIM = 5
"""Hand along x, y and z, wrist, fingers."""

HAND_STEP = 0.01
"""Metres by which an action of 1 moves the hand's goal from where the hand is."""
WRIST_STEP = 0.02
"""Share of the wrist's range by which an action turns its goal from where the wrist is."""
PHYSICS_STEPS = 10
"""Steps of 2 ms in a control step."""

ROBOT_AT_REST = np.array([-0.30, -0.4, 0.28, -2.5, 0.13, 1.87, 0.91, 0.01, 0.01])
"""Positions, in radians and metres, around which the robot's joints are drawn at a reset."""
ROBOT_SPREAD = 0.15
"""Share of the joints' ranges in which they are drawn."""

FREE_VIEW = {
    "distance": 1.4,
    "azimuth": 90.0,
    "elevation": -60.0,
    "lookat": np.array([0.0, 0.535, 1.1]),
}
"""From the front, at a height: the benchmark's view (metres, degrees)."""


class DeskSimulator:
    """One desk under Newt's contract.

    Args:
        goal: makes the task's goal in a simulation.
        spec: gives the action repeat and the camera.

    Raises:
        SpecError: the desk has no such camera as the spec names.
        MissingDependencyError: the package robodesk is not installed.
    """

    def __init__(self, goal: Callable[[Any], Goal], spec: TaskSpec) -> None:
        self._model = load_bare_desk()
        self._data = mujoco.MjData(self._model)
        self._reach = Reach(self._model, HAND)
        self._random = np.random.RandomState()
        self._repeat = spec.action_repeat
        self.step_seconds: float = PHYSICS_STEPS * self._model.opt.timestep * spec.action_repeat
        self._view = camera_index(self._model, spec, default="")  # none: the free camera
        self._stability = StabilityWatch(self._data)
        self._goal = goal(self._data)
        # Live views.
        data = self._data
        self._hand = data.site(HAND).xpos
        self._qpos, self._qvel, self._ctrl = data.qpos, data.qvel, data.ctrl
        self._applied, self._bias = data.qfrc_applied[:ROBOT], data.qfrc_bias[:ROBOT]
        bounds = self._model.actuator_ctrlrange
        self._low, self._high = bounds[:, 0].copy(), bounds[:, 1].copy()
        self._picture: _Picture | None = None

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode: the library's reset after ``numpy.random.seed(seed)``.

        As in the benchmark, one agent step with a zero action follows.
        """
        if seed is not None:
            self._random.seed(seed)
        mujoco.mj_resetData(self._model, self._data)
        self._settle_without_motors()
        self._draw()
        mujoco.mj_forward(self._model, self._data)
        return self.step(np.zeros(ACTION_DIM, dtype=np.float32)).obs

    def step(self, action: FloatArray) -> Outcome:
        """Move towards a new goal of the hand in each of ``action_repeat`` control steps.

        Raises:
            FloatingPointError: the simulation has become unstable.
        """
        reward = 0.0
        for _ in range(self._repeat):
            self._ctrl[:] = self._controls(action)
            self._advance()
            reward += self._goal.reward()
        self._stability.check()
        return Outcome(self._observe(), reward, float(self._goal.success()))

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the scene; errors as :meth:`newt_core.envs.offscreen.Camera.draw`."""
        if self._picture is None:
            self._picture = _Picture(self._view)
        return self._picture.draw(self._qpos, height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        if self._picture is not None:
            self._picture.close()

    def _controls(self, action: FloatArray) -> np.ndarray:
        """Return where the motors should hold the joints, [9] in radians and metres.

        As in the library, an action is scaled in single precision. That shows: the search for the
        hand's goal wants three numbers of six joints, so that rounding has a say in the rest.
        """
        controls = np.empty(ROBOT)
        controls[:ARM_JOINTS] = self._reach.solve(self._qpos, self._hand + action[:3] * HAND_STEP)
        turn = WRIST_STEP * self._in_range(WRIST, action[3])
        wrist = turn + self._qpos[WRIST]
        controls[WRIST] = min(max(wrist, self._low[WRIST]), self._high[WRIST])
        controls[FINGERS] = self._in_range(FINGER, action[4])
        return controls

    def _in_range(self, joint: int, action: np.float32) -> float:
        """Map [-1, 1] to a joint's range."""
        low, high = self._low[joint], self._high[joint]
        return float((action + 1.0) * (high - low) / 2.0 + low)

    def _advance(self) -> None:
        """Make a control step's physics steps, with the robot's own weight held.

        As in dm_control, position and velocity are computed last, so that what is read belongs
        to the state that is read. The force that holds the weight changes in every step.
        """
        model, data, applied, bias = self._model, self._data, self._applied, self._bias
        for _ in range(PHYSICS_STEPS):
            applied[:] = bias
            mujoco.mj_step2(model, data)
            mujoco.mj_step1(model, data)

    def _settle_without_motors(self) -> None:
        """Compute the initial state's forces as dm_control does: its solver starts from them."""
        options, off = self._model.opt, int(mujoco.mjtDisableBit.mjDSBL_ACTUATION)
        options.disableflags |= off
        mujoco.mj_forward(self._model, self._data)
        options.disableflags &= ~off

    def _draw(self) -> None:
        """Draw where things are, in the library's order; metres."""
        data, draw = self._data, self._random.random_sample
        data.joint("drawer_joint").qpos[0] -= 0.10 * draw()
        data.joint("slide_joint").qpos[0] += 0.20 * draw()
        flat, ball, upright = (
            data.joint(name).qpos for name in ("flat_block", "ball", "upright_block")
        )
        flat[0] += 0.3 * draw()
        flat[1] += 0.07 * draw()
        ball[0] += 0.48 * draw()
        ball[1] += 0.08 * draw()
        upright[0] += 0.3 * draw() + 0.05
        upright[1] += 0.05 * draw()
        spread = self._random.uniform(self._low, self._high)
        self._qpos[:ROBOT] = ROBOT_AT_REST + ROBOT_SPREAD * spread

    def _observe(self) -> FloatArray:
        """Return [73] hand 3, objects 26, robot 9, objects' velocities 26, robot's 9.

        Where the objects' positions belong, the library repeats their velocities.
        """
        objects = self._qvel[ROBOT:]
        parts = (self._hand, objects, self._qpos[:ROBOT], objects, self._qvel[:ROBOT])
        joined: FloatArray = np.concatenate(parts, dtype=np.float32)
        return joined


class _Picture:
    """The whole desk, loaded when the first frame is drawn, in the state of the bare one."""

    def __init__(self, view: int) -> None:
        self._model = load_desk()
        self._data = mujoco.MjData(self._model)
        self._camera = Camera(self._model, self._data, view, FREE_VIEW, short_side=1)

    def draw(self, qpos: np.ndarray, height: int, width: int) -> Frame:
        """Return the desk with everything at ``qpos`` as [height, width, 3]."""
        np.copyto(self._data.qpos, qpos)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        return self._camera.draw(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self._camera.close()
