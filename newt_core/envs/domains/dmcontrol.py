"""DMControl: tasks of the DeepMind Control Suite, unchanged.

Tassa et al., "DeepMind Control Suite" (2018). A task's ``env`` holds the suite's two names for
it, ``domain_name`` and ``task_name``.

The suite's own ``Environment.step`` builds an observation after every control step, though an
agent that repeats its actions sees only every second one, and looks for simulation errors twice
as often. :class:`SuiteSimulator` makes the same calls to the same physics and task objects
without those. Observations, rewards and the random stream equal the suite's to the last bit
(``tests/envs/test_dmcontrol.py``).
"""

from __future__ import annotations

import importlib
import math
import os
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.imports import OPENGL_ERRORS, draws_by_egl, no_opengl, without_a_screen
from newt_core.envs.textures import release_if_unused
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

DEFAULT_CAMERA = 0
"""The suite's first fixed camera: the side view of most bodies."""


def build(spec: TaskSpec) -> SuiteSimulator:
    """Build the suite environment that ``spec.env`` names.

    Raises:
        SpecError: the suite has no such task.
    """
    with without_a_screen():
        from dm_control import suite

    name = (spec.env.get("domain_name"), spec.env.get("task_name"))
    if name not in suite.ALL_TASKS:
        known = ["/".join(pair) for pair in suite.ALL_TASKS]
        wanted = f"{name[0]}/{name[1]}"
        raise SpecError(
            f"task '{spec.id}': the control suite has no '{wanted}' "
            f"(env needs 'domain_name' and 'task_name').{did_you_mean(wanted, known)}"
        )
    return SuiteSimulator(suite.load(*name), spec)


class SuiteSimulator:
    """One suite environment under Newt's contract.

    Args:
        environment: a ``dm_control.rl.control.Environment``; used for its physics and task.
        spec: gives the action repeat and the camera.
    """

    def __init__(self, environment: Any, spec: TaskSpec) -> None:
        bounds = environment.action_spec()
        self._low = bounds.minimum
        self._half_range = (bounds.maximum - bounds.minimum) / 2.0
        self._rescale = bool(np.any(bounds.minimum != -1.0) or np.any(bounds.maximum != 1.0))
        self._physics = environment.physics
        self._task = environment.task
        self._model = self._physics.model.ptr
        self._data = self._physics.data.ptr
        self._substeps = round(environment.control_timestep() / self._physics.timestep())
        self._splits_steps = self._model.opt.integrator != mujoco.mjtIntegrator.mjINT_RK4
        self._warnings = self._physics.data.warning.number  # a live view
        self._warnings_at_reset = self._warnings.copy()
        self._repeat = spec.action_repeat
        self.step_seconds: float = environment.control_timestep() * spec.action_repeat
        self._camera = DEFAULT_CAMERA if spec.camera is None else spec.camera
        release_if_unused(self._physics.model.tex_data)

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode, drawn as a suite environment built with ``random=seed`` would."""
        if seed is not None:
            self._task.random.seed(seed)
        with self._physics.reset_context():
            self._task.initialize_episode(self._physics)
        np.copyto(self._warnings_at_reset, self._warnings)
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Hold ``action`` for ``action_repeat`` control steps of the suite.

        Raises:
            FloatingPointError: MuJoCo warns that the simulation has become unstable.
        """
        physics, task = self._physics, self._task
        # Of the benchmark's bodies only the quadruped has controls beyond [-1, 1].
        control: NDArray[np.floating] = action
        if self._rescale:
            control = self._low + self._half_range * (action.astype(np.float64) + 1.0)
        reward = 0.0
        for _ in range(self._repeat):
            task.before_step(control, physics)
            self._advance()
            task.after_step(physics)
            reward += float(task.get_reward(physics))
        if not np.array_equal(self._warnings, self._warnings_at_reset):
            raise FloatingPointError("MuJoCo warns that the simulation is unstable")
        return Outcome(self._observe(), reward, math.nan)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the scene; the first call chooses and starts OpenGL.

        Raises:
            MissingDependencyError: OpenGL is switched off or not installed.
        """
        try:
            _choose_opengl()
            frame: Frame = self._physics.render(height, width, camera_id=self._camera)
        except OPENGL_ERRORS as error:
            raise no_opengl(error) from error
        return frame

    def close(self) -> None:
        """Free the simulation and, if there is one, its OpenGL context."""
        self._physics.free()

    def _advance(self) -> None:
        """Advance physics by a control step, as ``Physics.step`` does with its legacy order.

        Position and velocity are computed first and last, so that what the task reads belongs
        to the state it reads; acceleration and integration lie between.
        """
        substeps = self._substeps
        if self._splits_steps:
            mujoco.mj_step2(self._model, self._data)
            if substeps > 1:
                mujoco.mj_step(self._model, self._data, substeps - 1)
        else:
            mujoco.mj_step(self._model, self._data, substeps)
        mujoco.mj_step1(self._model, self._data)

    def _observe(self) -> FloatArray:
        """Flatten the suite's observations and join them in the order it lists them."""
        parts = tuple(self._task.get_observation(self._physics).values())
        joined: FloatArray = np.concatenate(parts, axis=None, dtype=np.float32)
        return joined


def _choose_opengl() -> None:
    """Use EGL where it is to be had and the user has not said what to use.

    dm_control chooses its OpenGL binding when it is first imported, which for a state-only
    task is too early: EGL alone takes 50 MB. Its choosing module is therefore run again.
    """
    from dm_control import _render

    if _render.BACKEND != "egl" and draws_by_egl():
        os.environ["MUJOCO_GL"] = "egl"
        importlib.reload(_render)
