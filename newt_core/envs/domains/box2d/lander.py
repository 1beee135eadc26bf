"""A lander with one strong engine below and two weak ones at its sides: Gymnasium's
``LunarLander``, continuous and without wind, in a narrower world and with three goals.

Observation: the eight numbers of :class:`Flight.state`; where there is a target, also the way to
it in x and y, in half widths of the view.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, NamedTuple

import numpy as np
from Box2D import b2

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.box2d.contacts import HULL, GroundContacts
from newt_core.envs.domains.box2d.goals import STANDING_HEIGHT, Flight, Goal, Start
from newt_core.envs.domains.box2d.lander_picture import (
    LONGEST_PUFF,
    MAIN_EXHAUST,
    SIDE_EXHAUST,
    Exhaust,
    LanderLooks,
    draw_lander,
)
from newt_core.envs.domains.box2d.moon import SIZE, UNIT, Moon, draw_moon
from newt_core.envs.domains.box2d.seeds import Streams
from newt_core.types import FloatArray

STEPS_PER_SECOND = 50
VELOCITY_ITERATIONS, POSITION_ITERATIONS = 180, 60
GRAVITY = -10.0

# The body. Its parts collide with the ground only.
HULL_CORNERS = ((-14, 17), (-17, 0), (-17, -10), (17, -10), (17, 0), (14, 17))
HULL_DENSITY = 5.0
LEG_HALF_WIDTH, LEG_HALF_LENGTH = 2 * UNIT, 8 * UNIT
LEG_DENSITY = 1.0
LEG_AWAY, LEG_DOWN = 20 * UNIT, 18 * UNIT
"""Where the legs hang, from the hull's middle."""
LEG_TILT = 0.05
LEG_RANGE = (0.4, 0.9)
"""Angles, in radians, that a leg's spring may take; the other leg's are their mirror image."""
SPRING_TORQUE, SPRING_SPEED = 40.0, 0.3
GROUND, HULL_BODY, LEG_BODY = 0x0001, 0x0010, 0x0020
"""Box2D's collision categories."""
FRICTION = 0.1

# The engines. Their thrust is an impulse in each simulation step.
MAIN_POWER, SIDE_POWER = 13.0, 0.6
MAIN_DOWN = 4 * UNIT
SIDE_AWAY = 12 * UNIT
SIDE_LEVER, SIDE_UP = 17 * UNIT, 14 * UNIT
"""Gymnasium means these to be equal. As they are not, where a side engine sits depends on the
hull's angle; kept."""
SIDE_THRESHOLD = 0.5
"""Actions up to this size leave the side engines off."""
DISPERSION = UNIT
"""Largest random displacement of the thrust."""

HALF_SIZE = SIZE / 2
VELOCITY_SCALE = HALF_SIZE / STEPS_PER_SECOND
TURN_SCALE = 20.0 / STEPS_PER_SECOND


class _Pose(NamedTuple):
    """Where the hull is and how it is turned, before a step."""

    x: float
    y: float
    sine: float
    cosine: float


class Lander:
    """The lander with one goal, under Newt's contract.

    Args:
        goal: start, target and reward.
        action_repeat: simulation steps per agent step.
        random_looks: whether every episode's pictures have other colours.
    """

    def __init__(self, goal: Goal, action_repeat: int, random_looks: bool = True) -> None:
        self._goal = goal
        self._repeat = action_repeat
        self.step_seconds = action_repeat / STEPS_PER_SECOND
        self._streams = Streams(random_looks)
        self._parts = _Parts()
        self._looks: LanderLooks | None = None
        self._exhausts: deque[Exhaust] = deque(maxlen=2 * action_repeat * LONGEST_PUFF)
        """What the engines blew out last: a decoration, which only pictures look at."""

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode over a new surface and let the lander fall for a moment."""
        self._streams.begin_episode(seed)
        generator = self._streams.physics
        self._looks = None
        self._exhausts.clear()
        self._sim_steps = self._agent_steps = 0
        self.moon = draw_moon(generator)
        start = self._goal.start(generator, self.moon)
        self.target = self._goal.target(generator, self.moon) if self._goal.target else None
        # A new world each time: a used one keeps an order of its parts that changes results.
        self._contacts = GroundContacts()
        self._world = b2.world(gravity=(0, GRAVITY), contactListener=self._contacts)
        self._parts.lay(self._world, self.moon)
        self._assemble(start)
        for _ in range(self._goal.still_steps):
            self._flight = self._advance(0.0, 0.0)
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Fire: the first entry is the main engine's power, the second the side engines'.

        The main engine runs above 0, from half to full power; a side engine beyond 0.5 of its
        direction.
        """
        main, side = action.tolist()
        reward = 0.0
        for _ in range(self._repeat):
            before, self._flight = self._flight, self._advance(main, side)
            reward += self._goal.reward(before, self._flight, self.target)
        self._agent_steps += 1
        return Outcome(self._observe(), reward, 0.0)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """Draw the whole view."""
        if self._looks is None:
            self._looks = LanderLooks(self._streams.looks())
        now = (self._sim_steps / STEPS_PER_SECOND, self._agent_steps)
        smoke = [
            puff for exhaust in self._exhausts if (puff := exhaust.puff(*now, gravity=GRAVITY))
        ]
        bodies = [self.hull, *self._legs]
        return draw_lander(bodies, self.moon, self.target, smoke, self._looks, height, width)

    def close(self) -> None:
        """Nothing to release."""

    def _assemble(self, start: Start) -> None:
        """Put the lander together where it starts, and push it."""
        self.hull = self._world.CreateDynamicBody(
            position=(start.x, start.y), fixtures=self._parts.hull
        )
        self.hull.userData = HULL
        self.hull.ApplyForceToCenter(start.force, True)
        self._legs = [self._add_leg(start, foot, side) for foot, side in enumerate((-1, 1))]

    def _add_leg(self, start: Start, foot: int, side: int) -> Any:
        """Hang one leg from the hull by a motor that acts as a spring; return its body."""
        leg = self._world.CreateDynamicBody(
            position=(start.x - side * LEG_AWAY, start.y),
            angle=side * LEG_TILT,
            fixtures=self._parts.leg,
        )
        leg.userData = foot
        limits = sorted(-side * angle for angle in LEG_RANGE)
        self._world.CreateRevoluteJoint(
            bodyA=self.hull,
            bodyB=leg,
            localAnchorA=(0, 0),
            localAnchorB=(side * LEG_AWAY, LEG_DOWN),
            enableMotor=True,
            enableLimit=True,
            maxMotorTorque=SPRING_TORQUE,
            motorSpeed=SPRING_SPEED * side,
            lowerAngle=limits[0],
            upperAngle=limits[1],
        )
        return leg

    def _advance(self, main_action: float, side_action: float) -> Flight:
        """Fire the engines and make one simulation step."""
        hull = self.hull
        x, y = hull.position
        angle = hull.angle
        pose = _Pose(x, y, math.sin(angle), math.cos(angle))
        along, across = (
            DISPERSION * value for value in self._streams.physics.uniform(-1.0, 1.0, 2).tolist()
        )
        main = (main_action + 1.0) / 2 if main_action > 0.0 else 0.0
        side = abs(side_action) if abs(side_action) > SIDE_THRESHOLD else 0.0
        if main:
            self._fire_main(pose, main, along, across)
        if side:
            self._fire_side(pose, side, math.copysign(1.0, side_action), along, across)
        self._world.Step(1.0 / STEPS_PER_SECOND, VELOCITY_ITERATIONS, POSITION_ITERATIONS)
        self._sim_steps += 1
        return self._read(main, side)

    def _fire_main(self, pose: _Pose, power: float, along: float, across: float) -> None:
        """Push along the hull's axis from below."""
        down = MAIN_DOWN + 2 * along
        out_x = pose.sine * down - pose.cosine * across
        out_y = -pose.cosine * down - pose.sine * across
        nozzle = (pose.x + out_x, pose.y + out_y)
        self._push(nozzle, (out_x * MAIN_POWER * power, out_y * MAIN_POWER * power))
        self._blow(nozzle, (out_x * power, out_y * power), power, MAIN_EXHAUST * MAIN_POWER)

    def _fire_side(
        self, pose: _Pose, power: float, direction: float, along: float, across: float
    ) -> None:
        """Push across the hull's axis, above its middle."""
        sideways = 3 * across + direction * SIDE_AWAY
        out_x = pose.sine * along - pose.cosine * sideways
        out_y = -pose.cosine * along - pose.sine * sideways
        nozzle = (
            pose.x + out_x - pose.sine * SIDE_LEVER,
            pose.y + out_y + pose.cosine * SIDE_UP,
        )
        self._push(nozzle, (out_x * SIDE_POWER * power, out_y * SIDE_POWER * power))
        self._blow(nozzle, (out_x * power, out_y * power), power, SIDE_EXHAUST * SIDE_POWER)

    def _push(self, nozzle: tuple[float, float], blown: tuple[float, float]) -> None:
        """Recoil from an impulse ``blown`` out of ``nozzle``."""
        self.hull.ApplyLinearImpulse((-blown[0], -blown[1]), nozzle, True)

    def _blow(
        self, nozzle: tuple[float, float], out: tuple[float, float], power: float, speed: float
    ) -> None:
        """Remember a puff of exhaust for the pictures."""
        velocity = (out[0] * speed, out[1] * speed)
        now = self._sim_steps / STEPS_PER_SECOND
        self._exhausts.append(Exhaust(nozzle, velocity, power, now, self._agent_steps))

    def _read(self, main: float, side: float) -> Flight:
        """Return what has become of the lander."""
        hull, contacts = self.hull, self._contacts
        x, y = hull.position
        velocity = hull.linearVelocity
        state = (
            (x - HALF_SIZE) / HALF_SIZE,
            (y - STANDING_HEIGHT) / HALF_SIZE,
            velocity.x * VELOCITY_SCALE,
            velocity.y * VELOCITY_SCALE,
            hull.angle,
            TURN_SCALE * hull.angularVelocity,
            float(contacts.feet[0]),
            float(contacts.feet[1]),
        )
        return Flight(state, x, y, main, side, contacts.hull_touched, not hull.awake)

    def _observe(self) -> FloatArray:
        """[8], or [10] with the way to the target."""
        flight = self._flight
        state = flight.state
        if self.target is not None:
            way = ((self.target[0] - flight.x) / HALF_SIZE, (self.target[1] - flight.y) / HALF_SIZE)
            state += way
        return np.array(state, dtype=np.float32)


class _Parts:
    """What the lander and the moon are made of.

    Made once for all episodes: Box2D's binding never frees a shape that a definition holds.
    """

    def __init__(self) -> None:
        corners = [(x * UNIT, y * UNIT) for x, y in HULL_CORNERS]
        self.hull = b2.fixtureDef(
            shape=b2.polygonShape(vertices=corners),
            density=HULL_DENSITY,
            friction=FRICTION,
            restitution=0.0,
            categoryBits=HULL_BODY,
            maskBits=GROUND,
        )
        self.leg = b2.fixtureDef(
            shape=b2.polygonShape(box=(LEG_HALF_WIDTH, LEG_HALF_LENGTH)),
            density=LEG_DENSITY,
            restitution=0.0,
            categoryBits=LEG_BODY,
            maskBits=GROUND,
        )
        floor = b2.edgeShape(vertices=[(0, 0), (SIZE, 0)])
        self._floor = b2.fixtureDef(shape=floor, categoryBits=GROUND)
        self._edge = b2.fixtureDef(shape=b2.edgeShape(), friction=FRICTION, categoryBits=GROUND)

    def lay(self, world: Any, moon: Moon) -> None:
        """Make a floor at the bottom and, above it, the surface."""
        body = world.CreateStaticBody(fixtures=self._floor)
        for left, right in zip(moon.points[:-1], moon.points[1:], strict=True):
            self._edge.shape.vertices = [left, right]
            body.CreateFixture(self._edge)
