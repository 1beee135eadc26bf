"""A two-legged walker that must get on: Gymnasium's ``BipedalWalker`` on other grounds.

The benchmark sets two of that module's globals after it was imported, ``SCALE`` to 15 and
``VIEWPORT_W``, ``VIEWPORT_H`` to 224. What the module had computed by then keeps the old scale:
the body, the reach of its lidar, the ground. What it computes in each episode has the new one:
velocities in the observation, the reward for progress, the noise of the ground. The constants
below are the values that follow.

Observation (24): the hull's angle, angular velocity and velocity x, y; for each leg the hip's
angle and speed, the knee's angle and speed, ground contact; ten lidar distances, downwards to
forwards, 1 where nothing is in reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from Box2D import b2

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.box2d.contacts import HULL, GroundContacts
from newt_core.envs.domains.box2d.seeds import Streams
from newt_core.envs.domains.box2d.terrain import GROUND_LEVEL, START_PAD, STEP, Ground, Terrain
from newt_core.envs.domains.box2d.walker_picture import WalkerLooks, draw_walker
from newt_core.types import FloatArray

STEPS_PER_SECOND = 50
VELOCITY_ITERATIONS, POSITION_ITERATIONS = 180, 60

# The body. Its parts collide with the ground only.
UNIT = 1 / 30
"""What Gymnasium calls a pixel: its shapes are given in them."""
HULL_CORNERS = ((-30, 9), (6, 9), (34, 1), (34, -8), (-30, -8))
HULL_DENSITY, LEG_DENSITY = 5.0, 1.0
HULL_FRICTION = 0.1
LEG_WIDTH, LEG_LENGTH = 8 * UNIT, 34 * UNIT
SHIN_WIDTH = 0.8 * LEG_WIDTH
HIP_HEIGHT = -8 * UNIT
"""Of the hips, relative to the hull."""
LEG_TILT = 0.05
"""Angle, in radians, by which the legs are put on forwards and backwards."""
HIP_RANGE, KNEE_RANGE = (-0.8, 1.1), (-1.6, -0.1)
"""In radians."""
MOTOR_TORQUE = 80.0
HIP_SPEED, KNEE_SPEED = 4.0, 6.0
"""Of the motors, in radians per second."""
KNEE_OFFSET = 1.0
"""Added to the knees' angles in the observation."""
START_PUSH = 5.0
"""Largest horizontal force on the hull in the first step."""
GROUND, BODY = 0x0001, 0x0020
"""Box2D's collision categories."""
FRICTION = 2.5
"""Of the ground."""

# The observation
VELOCITY_SCALE = 0.3 * (224 / 15)
RAYS = 10
RAY_LENGTH = 160 * UNIT
RAY_DIRECTIONS = tuple(
    (math.sin(1.5 * i / RAYS) * RAY_LENGTH, math.cos(1.5 * i / RAYS) * RAY_LENGTH)
    for i in range(RAYS)
)
"""From the hull to the rays' ends: forwards, down."""

# The reward of a simulation step
PROGRESS, PROGRESS_SCALE = 130.0, 15.0
"""130/15 = 8.667 for each unit forwards."""
TILT_COST = 5.0
TORQUE_COST = 0.00035 * MOTOR_TORQUE
LEAST_REWARD, MOST_REWARD = -1.0, 10.0
"""Bounds; having fallen or gone back behind x = 0 earns the least."""


class Walker:
    """The walker on one kind of ground, under Newt's contract.

    Args:
        terrain: draws the ground of each episode.
        action_repeat: simulation steps per agent step.
        random_looks: whether every episode's pictures have other colours.
    """

    def __init__(self, terrain: Terrain, action_repeat: int, random_looks: bool = True) -> None:
        self._terrain = terrain
        self._repeat = action_repeat
        self.step_seconds = action_repeat / STEPS_PER_SECOND
        self._streams = Streams(random_looks)
        self._parts = _Parts()
        self._rays = [_Ray() for _ in range(RAYS)]
        self._looks: WalkerLooks | None = None

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode with a new ground and make one step without torque."""
        self._streams.begin_episode(seed)
        self._looks = None
        self._agent_steps = 0
        self.ground = self._terrain(self._streams.physics)
        # A new world each time: a used one keeps an order of its parts that changes results.
        self._contacts = GroundContacts()
        self._world = b2.world(gravity=(0, -10), contactListener=self._contacts)
        self._parts.lay(self._world, self.ground)
        push = self._streams.physics.uniform(-START_PUSH, START_PUSH)
        self._assemble(float(push))
        self._potential = 0.0
        self._advance((0.0, 0.0, 0.0, 0.0))
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Drive hip 0, knee 0, hip 1 and knee 1 towards the action's signs.

        An entry's size is the part of the motor's torque that may be used.
        """
        torques = action.tolist()
        reward = sum(self._advance(torques) for _ in range(self._repeat))
        self._agent_steps += 1
        return Outcome(self._observe(), reward, 0.0)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw what the walker sees a bit more of: the ground around it, and one lidar ray."""
        if self._looks is None:
            self._looks = WalkerLooks(self._streams.looks(), self.ground)
        ray = self._shown_ray()
        return draw_walker(self.hull, self._legs, ray, self._looks, height, width)

    def close(self) -> None:
        """Nothing to release."""

    def _assemble(self, push: float) -> None:
        """Put the walker together above the middle of the start pad."""
        world = self._world
        x, y = STEP * START_PAD / 2, GROUND_LEVEL + 2 * LEG_LENGTH
        self.hull = world.CreateDynamicBody(position=(x, y), fixtures=self._parts.hull)
        self.hull.userData = HULL
        self.hull.ApplyForceToCenter((push, 0), True)
        self._legs: list[Any] = []  # thigh 0, shin 0, thigh 1, shin 1
        self._joints: list[Any] = []  # hip 0, knee 0, hip 1, knee 1
        for foot, side in enumerate((-1, 1)):
            thigh = world.CreateDynamicBody(
                position=(x, y - LEG_LENGTH / 2 - HIP_HEIGHT),
                angle=side * LEG_TILT,
                fixtures=self._parts.thigh,
            )
            shin = world.CreateDynamicBody(
                position=(x, y - LEG_LENGTH * 3 / 2 - HIP_HEIGHT),
                angle=side * LEG_TILT,
                fixtures=self._parts.shin,
            )
            shin.userData = foot
            hip = _joint(self.hull, thigh, (0, HIP_HEIGHT), HIP_RANGE)
            knee = _joint(thigh, shin, (0, -LEG_LENGTH / 2), KNEE_RANGE)
            self._legs += [thigh, shin]
            self._joints += [world.CreateJoint(hip), world.CreateJoint(knee)]

    def _advance(self, torques: Sequence[float]) -> float:
        """Make one simulation step and return its reward."""
        speeds = (HIP_SPEED, KNEE_SPEED, HIP_SPEED, KNEE_SPEED)
        effort = 0.0
        for joint, speed, torque in zip(self._joints, speeds, torques, strict=True):
            size = abs(torque)
            joint.motorSpeed = math.copysign(speed, torque) if torque else 0.0
            joint.maxMotorTorque = MOTOR_TORQUE * size
            effort += size
        self._world.Step(1.0 / STEPS_PER_SECOND, VELOCITY_ITERATIONS, POSITION_ITERATIONS)
        x = self.hull.position.x
        potential = PROGRESS * x / PROGRESS_SCALE - TILT_COST * abs(self.hull.angle)
        reward = potential - self._potential - TORQUE_COST * effort
        self._potential = potential
        if self._contacts.hull_touched or x < 0:
            return LEAST_REWARD
        return min(max(reward, LEAST_REWARD), MOST_REWARD)

    def _observe(self) -> FloatArray:
        """[24] as listed above."""
        hull = self.hull
        velocity = hull.linearVelocity
        state = [
            hull.angle,
            2.0 * hull.angularVelocity / STEPS_PER_SECOND,
            VELOCITY_SCALE * velocity.x / STEPS_PER_SECOND,
            VELOCITY_SCALE * velocity.y / STEPS_PER_SECOND,
        ]
        for foot in (0, 1):
            hip, knee = self._joints[2 * foot : 2 * foot + 2]
            state += [hip.angle, hip.speed / HIP_SPEED]
            state += [knee.angle + KNEE_OFFSET, knee.speed / KNEE_SPEED]
            state.append(float(self._contacts.feet[foot]))
        position = hull.position
        for ray, direction in zip(self._rays, RAY_DIRECTIONS, strict=True):
            state.append(ray.cast(self._world, position, direction))
        return np.array(state, dtype=np.float32)

    def _shown_ray(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Both ends of the ray to draw, as it lay when last cast.

        As in Gymnasium, one picture out of five shows one: they sweep there and back again.
        """
        i = self._agent_steps % (10 * RAYS)
        if i >= 2 * RAYS:
            return None
        ray = self._rays[i if i < RAYS else 2 * RAYS - 1 - i]
        return ray.start, ray.end


class _Ray(b2.rayCastCallback):
    """Finds the nearest point of the ground along a line."""

    def __init__(self) -> None:
        super().__init__()
        self.fraction = 1.0
        self.start = self.end = (0.0, 0.0)

    def cast(self, world: Any, origin: Any, direction: tuple[float, float]) -> float:
        """Return how far the ray gets, as a part of its length, 1 where nothing is in reach."""
        self.start = (origin.x, origin.y)
        self.end = (origin.x + direction[0], origin.y - direction[1])
        self.fraction = 1.0
        world.RayCast(self, self.start, self.end)
        return self.fraction

    def ReportFixture(  # noqa: N802 (Box2D's name)
        self, fixture: Any, point: Any, normal: Any, fraction: float
    ) -> float:
        """Answer the engine: -1 to look through the walker's own parts, else to stop here."""
        if not fixture.filterData.categoryBits & GROUND:
            return -1.0
        self.end = (point[0], point[1])
        self.fraction = fraction
        return fraction


class _Parts:
    """What the walker and its ground are made of.

    Made once for all episodes: Box2D's binding never frees a shape that a definition holds.
    """

    def __init__(self) -> None:
        corners = [(x * UNIT, y * UNIT) for x, y in HULL_CORNERS]
        self.hull = _body_part(b2.polygonShape(vertices=corners), HULL_DENSITY)
        self.hull.friction = HULL_FRICTION
        thigh, shin = (
            b2.polygonShape(box=(width / 2, LEG_LENGTH / 2)) for width in (LEG_WIDTH, SHIN_WIDTH)
        )
        self.thigh, self.shin = _body_part(thigh, LEG_DENSITY), _body_part(shin, LEG_DENSITY)
        self._block = b2.fixtureDef(shape=b2.polygonShape(), friction=FRICTION, categoryBits=GROUND)
        self._edge = b2.fixtureDef(shape=b2.edgeShape(), friction=FRICTION, categoryBits=GROUND)

    def lay(self, world: Any, ground: Ground) -> None:
        """Make the blocks and an edge between each two neighbouring heights, a body each."""
        for corners in ground.blocks:
            self._block.shape.vertices = list(corners)
            world.CreateStaticBody(fixtures=self._block)
        for i, ends in enumerate(zip(ground.heights[:-1], ground.heights[1:], strict=True)):
            self._edge.shape.vertices = [(i * STEP, ends[0]), ((i + 1) * STEP, ends[1])]
            world.CreateStaticBody(fixtures=self._edge)


def _body_part(shape: Any, density: float) -> Any:
    """A part of the walker's body."""
    return b2.fixtureDef(
        shape=shape, density=density, restitution=0.0, categoryBits=BODY, maskBits=GROUND
    )


def _joint(
    parent: Any, child: Any, anchor: tuple[float, float], limits: tuple[float, float]
) -> Any:
    """Hang a leg's part from its parent by a motor."""
    return b2.revoluteJointDef(
        bodyA=parent,
        bodyB=child,
        localAnchorA=anchor,
        localAnchorB=(0, LEG_LENGTH / 2),
        enableMotor=True,
        enableLimit=True,
        lowerAngle=limits[0],
        upperAngle=limits[1],
    )
