"""An ant on an open plane that must push a ball to a goal.

Observation (42): joint positions of the ant without x and y (13), the ball's height and
orientation (5), all velocities (20), the way from ant to ball and from ball to goal (2 + 2).
"""

from __future__ import annotations

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.ogbench.models import ball_model, target_index
from newt_core.envs.domains.ogbench.physics import Physics
from newt_core.envs.domains.ogbench.rewards import Point, ball_reward, distance
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

ANT_JOINTS = 15
"""Joint positions of the ant, which are followed by the seven of the ball."""
ANT_SPREAD, BALL_SPREAD, GOAL_SPREAD = 1.0, 2.0, 3.0
"""Largest x and y, in metres, of where they are put. The package puts goals up to 12 away."""
TOLERANCE = 0.5
"""Metres from the goal that count as being there."""
VIEW = {"lookat": (0.0, 0.0, 0.0), "distance": 8.0, "elevation": -90.0, "azimuth": 90.0}
"""The middle from above."""


class AntBall:
    """The ant that plays a ball, under Newt's contract.

    Args:
        spec: gives the action repeat and, if any, the camera.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self.physics = Physics(ball_model(), spec, view=VIEW)
        self.goal: Point = (0.0, 0.0)
        self._repeat = spec.action_repeat
        self.step_seconds = self.physics.control_seconds * spec.action_repeat
        self._target = self.physics.model.geom_pos[target_index(self.physics.model)]

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode with ant, ball and goal put around the origin."""
        physics = self.physics
        physics.seed(seed)
        physics.restart()
        ant, ball, goal = (
            physics.generator.uniform(-spread, spread, 2)
            for spread in (ANT_SPREAD, BALL_SPREAD, GOAL_SPREAD)
        )
        physics.positions[:2] = ant
        physics.positions[ANT_JOINTS : ANT_JOINTS + 2] = ball
        self._target[:2] = goal
        self.goal = (float(goal[0]), float(goal[1]))
        physics.settle()
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Set the motors; coming closer is rewarded: the ant to the ball, the ball to the goal."""
        reward = 0.0
        for _ in range(self._repeat):
            before = self._distances()
            self.physics.data.ctrl[:] = action
            self.physics.advance()
            after = self._distances()
            reward += ball_reward(before, after)
        return Outcome(self._observe(), reward, float(after[0] <= TOLERANCE))

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the middle of the plane from above, with the goal as a disc."""
        return self.physics.render(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self.physics.close()

    def _places(self) -> tuple[Point, Point]:
        """Return where the ant and the ball are."""
        positions = self.physics.positions
        ant, ball = positions[:2].tolist(), positions[ANT_JOINTS : ANT_JOINTS + 2].tolist()
        return (ant[0], ant[1]), (ball[0], ball[1])

    def _distances(self) -> tuple[float, float]:
        """Return the distances from ball to goal and from ant to ball."""
        ant, ball = self._places()
        return distance(ball, self.goal), distance(ant, ball)

    def _observe(self) -> FloatArray:
        ant, ball = self._places()
        positions = self.physics.positions
        numbers: FloatArray = np.concatenate(
            [
                positions[2:ANT_JOINTS],
                positions[ANT_JOINTS + 2 :],
                self.physics.velocities,
                (ball[0] - ant[0], ball[1] - ant[1]),
                (self.goal[0] - ball[0], self.goal[1] - ball[1]),
            ],
            dtype=np.float32,
        )
        return numbers
