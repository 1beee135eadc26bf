"""One MuJoCo simulation of a point or an ant, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from newt_core.envs.contract import Frame
from newt_core.envs.offscreen import Camera, camera_index
from newt_core.envs.stability import StabilityWatch
from newt_core.envs.textures import release_if_unused
from newt_core.specs.schema import TaskSpec

SUBSTEPS = 5
"""Physics steps, of 0.02 s, in a control step."""
NOISE = 0.1
"""Of joint positions (largest) and velocities (standard deviation) at the start."""
FRAME_SIDE = 224
"""Pixels of a drawing's shorter side, at least: frames of the benchmark's size are drawn as they
are, without being shrunk."""

Joints = NDArray[np.float64]


class Physics:
    """A simulation.

    Args:
        model: a ``mujoco.MjModel``.
        spec: may name one of the model's cameras.
        default_camera: which one to use otherwise; empty for the free camera.
        view: the free camera's ``lookat``, ``distance``, ``elevation`` and ``azimuth``.
    """

    def __init__(
        self,
        model: Any,
        spec: TaskSpec,
        default_camera: str = "",
        view: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.data = mujoco.MjData(model)
        self.positions: Joints = self.data.qpos
        """[nq] joint positions: a live view, in metres and radians."""
        self.velocities: Joints = self.data.qvel
        """[nv] joint velocities: a live view."""
        self.generator = np.random.default_rng()
        """This environment's random stream."""
        camera = camera_index(model, spec, default_camera)
        self._camera = Camera(model, self.data, camera, view, short_side=FRAME_SIDE)
        self._watch = StabilityWatch(self.data)
        release_if_unused(model.tex_data)

    @property
    def control_seconds(self) -> float:
        """Simulated seconds of a control step."""
        return SUBSTEPS * float(self.model.opt.timestep)

    def seed(self, seed: int | None) -> None:
        """Start the random stream at ``seed``; None goes on with the present one."""
        if seed is not None:
            self.generator = np.random.default_rng(seed)

    def restart(self) -> None:
        """Put all joints close to where the model begins; :meth:`settle` must follow."""
        mujoco.mj_resetData(self.model, self.data)
        model = self.model
        self.positions[:] = model.qpos0 + self.generator.uniform(-NOISE, NOISE, model.nq)
        self.velocities[:] = NOISE * self.generator.standard_normal(model.nv)

    def settle(self) -> None:
        """Compute all that follows from joint positions that were set."""
        mujoco.mj_forward(self.model, self.data)

    def advance(self) -> None:
        """Make one control step.

        Raises:
            FloatingPointError: MuJoCo warns that the simulation has become unstable.
        """
        mujoco.mj_step(self.model, self.data, nstep=SUBSTEPS)
        self._watch.check()

    def render(self, height: int, width: int) -> Frame:
        """Draw the present state; errors as :meth:`Camera.draw`."""
        return self._camera.draw(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self._camera.close()
