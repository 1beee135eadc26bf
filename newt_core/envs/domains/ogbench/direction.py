"""An ant on an open plane that must run where it is told; the direction changes now and then.

Observation (29): joint positions without x and y (13), joint velocities (14), the direction (2).
"""

from __future__ import annotations

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.ogbench.models import ant_model
from newt_core.envs.domains.ogbench.physics import Joints, Physics
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

CHANGE_AFTER = 100
"""Control steps for which a direction holds."""
CAMERA = "track"
NO_SUCCESS = 0.0
"""The success of a task that can only be done better or worse."""


class AntDirection:
    """The ant that is told a direction, under Newt's contract.

    Args:
        spec: gives the action repeat and, if any, the camera.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self.physics = Physics(ant_model(), spec, CAMERA)
        self.direction: Joints = np.zeros(2)
        """[2] a unit vector."""
        self._repeat = spec.action_repeat
        self.step_seconds = self.physics.control_seconds * spec.action_repeat
        self._control_steps = 0

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode at the origin, in a direction drawn at random."""
        self.physics.seed(seed)
        self.physics.restart()
        self.physics.settle()
        self._control_steps = 0
        self._turn()
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Set the motors; the reward is the metres gone in the direction that held so far."""
        physics = self.physics
        reward = 0.0
        for _ in range(self._repeat):
            before = physics.positions[:2].copy()
            physics.data.ctrl[:] = action
            physics.advance()
            reward += float((physics.positions[:2] - before).dot(self.direction))
            self._control_steps += 1
            if self._control_steps % CHANGE_AFTER == 0:
                self._turn()
        return Outcome(self._observe(), reward, NO_SUCCESS)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the ant from the side; the camera moves along."""
        return self.physics.render(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self.physics.close()

    def _turn(self) -> None:
        """Draw a direction, all equally probable."""
        drawn = self.physics.generator.standard_normal(2)
        self.direction = drawn / np.linalg.norm(drawn)

    def _observe(self) -> FloatArray:
        physics = self.physics
        numbers: FloatArray = np.concatenate(
            [physics.positions[2:], physics.velocities, self.direction], dtype=np.float32
        )
        return numbers
