"""A point or an ant that is sent from one cell of a maze to another.

Observation, in units of 20 metres: the body's own numbers, the goal, the way from the goal to the
body and its length. The point's own numbers are its position and its last displacement; the
ant's are all joint positions, all joint velocities and, once more, its position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.ogbench.mazes import Maze, centre
from newt_core.envs.domains.ogbench.models import maze_model, target_index
from newt_core.envs.domains.ogbench.physics import Joints, Physics
from newt_core.envs.domains.ogbench.rewards import MAZE_SCALE, Point, distance, maze_reward
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

SPREAD = 1.0
"""How far, per axis and in metres, start and goal may lie off their cells' centres."""
VIEW = {"lookat": (10.0, 10.0, 0.0), "distance": 30.0, "elevation": -90.0, "azimuth": 90.0}
"""The whole maze from above."""

POINT_REACH = 0.2
"""Metres that the point moves in a control step at full speed."""
POINT_MOTION_COST, ANT_MOTION_COST = 0.025, 0.001
"""Per metre of the last displacement; per unit of the joint velocities' norm."""


class Runner(NamedTuple):
    """One kind of body in a maze."""

    model: str
    """Of the package's model file."""
    tolerance: float
    """Metres from the goal that count as being there."""
    control: Callable[[Physics, FloatArray], None]
    """Applies an action before a control step."""
    motion: Callable[[Physics, Joints], float]
    """What is charged for moving; from the simulation and the positions a control step before."""
    own_numbers: Callable[[Physics, Joints], tuple[Joints, ...]]
    """The body's part of the observation, from the same."""


def move_point(physics: Physics, action: FloatArray) -> None:
    """Displace the point and stop it: it has no momentum of its own."""
    physics.positions += POINT_REACH * action
    physics.velocities[:] = 0.0


def drive_ant(physics: Physics, action: FloatArray) -> None:
    """Set the ant's motors."""
    physics.data.ctrl[:] = action


def point_motion(physics: Physics, before: Joints) -> float:
    """Charge for the length of the last displacement."""
    return POINT_MOTION_COST * float(np.linalg.norm(physics.positions - before))


def ant_motion(physics: Physics, before: Joints) -> float:
    """Charge for the speed of all joints."""
    return ANT_MOTION_COST * float(np.linalg.norm(physics.velocities))


def point_numbers(physics: Physics, before: Joints) -> tuple[Joints, ...]:
    """[2] position, [2] last displacement."""
    return physics.positions, physics.positions - before


def ant_numbers(physics: Physics, before: Joints) -> tuple[Joints, ...]:
    """[15] joint positions, [14] joint velocities, [2] position."""
    return physics.positions, physics.velocities, physics.positions[:2]


RUNNERS: dict[str, Runner] = {
    "point": Runner("point", 1.0, move_point, point_motion, point_numbers),
    "ant": Runner("ant", 0.5, drive_ant, ant_motion, ant_numbers),
}


class MazeSimulator:
    """A body in a maze, under Newt's contract.

    Args:
        spec: gives the action repeat and, if any, the camera.
        runner: the kind of body.
        maze: the map and its errands.
    """

    def __init__(self, spec: TaskSpec, runner: Runner, maze: Maze) -> None:
        self.physics = Physics(maze_model(runner.model, maze), spec, view=VIEW)
        self.goal: Point = (0.0, 0.0)
        self._runner = runner
        self._errands = maze.errands
        self._repeat = spec.action_repeat
        self.step_seconds = self.physics.control_seconds * spec.action_repeat
        self._target = self.physics.model.geom_pos[target_index(self.physics.model)]

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an errand, drawn from the maze's."""
        physics = self.physics
        physics.seed(seed)
        start, goal = self._errands[physics.generator.integers(len(self._errands))]
        place, self.goal = self._near(start), self._near(goal)
        self._target[:2] = self.goal
        physics.restart()
        physics.positions[:2] = place
        physics.settle()
        return self._observe(physics.positions.copy())

    def step(self, action: FloatArray) -> Outcome:
        """Make as many control steps as the spec says; only the last one's end is rewarded."""
        physics, runner = self.physics, self._runner
        for _ in range(self._repeat):
            before = physics.positions.copy()
            runner.control(physics, action)
            physics.advance()
        place = self.place
        success = float(distance(place, self.goal) <= runner.tolerance)
        reward = maze_reward(place, self.goal, success, runner.motion(physics, before))
        return Outcome(self._observe(before), reward, success)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the maze from above, with the goal as a red disc."""
        return self.physics.render(height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one."""
        self.physics.close()

    @property
    def place(self) -> Point:
        """Where the body is."""
        x, y = self.physics.positions[:2].tolist()
        return x, y

    def _near(self, cell: tuple[int, int]) -> Point:
        """Draw a place near a cell's centre."""
        x, y = centre(cell)
        off_x, off_y = self.physics.generator.uniform(-SPREAD, SPREAD, 2).tolist()
        return x + off_x, y + off_y

    def _observe(self, before: Joints) -> FloatArray:
        """[9] for the point, [36] for the ant; ``before`` as in :class:`Runner`."""
        place = self.place
        way = (place[0] - self.goal[0], place[1] - self.goal[1])
        own = self._runner.own_numbers(self.physics, before)
        numbers = np.concatenate([*own, self.goal, way, (distance(place, self.goal),)])
        return (numbers / MAZE_SCALE).astype(np.float32)
