"""The suite's walker: moving backward, going uphill, and poses to hold.

Only the ground differs from the suite's model. A longer one shows no end to a body that moves
backward; collision with a plane has no end in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dm_control.rl import control
from dm_control.suite import walker as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, find, suite_model
from newt_core.envs.domains.dmcontrol_ext.shaping import at_least, at_most, ramp

CONTROL_STEP = 0.025
"""Seconds."""
GROUND = "500 0.8 0.2"
"""Half-length and half-width in metres, and the grid's spacing."""
UPHILL_NORMAL = "-0.139173 0 0.996195"
"""Normal of a ground that rises by 7.95 degrees towards +x; MuJoCo scales it to length 1."""

WALK_SPEED, RUN_SPEED = 1.0, 8.0
"""Metres per second, the suite's."""

ARABESQUE_HEIGHT = 1.0
"""What the torso and the raised foot should reach, in metres."""
PLANTED_FOOT_HEIGHT = 0.08
"""The standing foot's height on the ground, in metres."""
ARABESQUE_MARGIN = 0.5
HEADSTAND_FEET, HEADSTAND_FEET_MARGIN = 1.1, 0.55
"""Mean height of the feet in a headstand, in metres, and the reward's margin."""
HEADSTAND_THIGHS, HEADSTAND_THIGHS_MARGIN = 1.0, 0.5
"""The same for the thighs' upper ends, the hips."""


class Physics(suite.Physics):
    """The walker with a look at each of its bodies."""

    def height(self, body: str) -> float:
        """Return how high a body's frame is above the world's origin, in metres."""
        return float(self.named.data.xpos[body, "z"])


class Backward(suite.PlanarWalker):
    """Move backward at ``speed`` metres per second, standing upright."""

    def __init__(self, speed: float) -> None:
        super().__init__(move_speed=0)
        self._speed = speed

    def get_reward(self, physics: Physics) -> float:
        """Return the suite's standing reward, six times as much at the wanted speed."""
        standing = float(super().get_reward(physics))  # at speed 0 the suite pays for nothing else
        return standing * (5.0 * ramp(physics.horizontal_velocity(), -self._speed) + 1.0) / 6.0


class Arabesque(suite.PlanarWalker):
    """Stand on the left foot with the right one held high."""

    def __init__(self) -> None:
        super().__init__(move_speed=0)

    def get_reward(self, physics: Physics) -> float:
        """Return a mean that gives the torso's height half of the weight.

        The published reward's last term pays for a torso that is upside down; so does this.
        """
        torso = at_least(physics.height("torso"), ARABESQUE_HEIGHT, ARABESQUE_MARGIN)
        planted = at_most(physics.height("left_foot"), PLANTED_FOOT_HEIGHT, ARABESQUE_MARGIN)
        raised = at_least(physics.height("right_foot"), ARABESQUE_HEIGHT, ARABESQUE_MARGIN)
        inverted = (1.0 - float(physics.torso_upright())) / 2.0
        return (3.0 * torso + planted + raised + inverted) / 6.0


class Headstand(suite.PlanarWalker):
    """Stand on the head, legs up."""

    def __init__(self) -> None:
        super().__init__(move_speed=0)

    def get_reward(self, physics: Physics) -> float:
        """Return a mean of how high the feet and the thighs are."""
        feet = (physics.height("left_foot") + physics.height("right_foot")) / 2.0
        thighs = (physics.height("left_thigh") + physics.height("right_thigh")) / 2.0
        raised_feet = at_least(feet, HEADSTAND_FEET, HEADSTAND_FEET_MARGIN)
        raised_thighs = at_least(thighs, HEADSTAND_THIGHS, HEADSTAND_THIGHS_MARGIN)
        return (3.0 * raised_feet + 2.0 * raised_thighs) / 5.0


def _environment(make_task: Callable[[], Any], uphill: bool = False) -> control.Environment:
    model = suite_model("walker")
    ground = find(model, "geom", "floor")
    ground.set("size", GROUND)
    if uphill:
        # Through the world's origin, so that the walker starts as high above it as on the flat.
        ground.set("pos", "0 0 0")
        ground.set("zaxis", UPHILL_NORMAL)
    physics = compile_model(Physics, model)
    return control.Environment(physics, make_task(), control_timestep=CONTROL_STEP)


TASKS: Mapping[str, Callable[[], control.Environment]] = {
    "walk_backward": partial(_environment, partial(Backward, WALK_SPEED)),
    "run_backward": partial(_environment, partial(Backward, RUN_SPEED)),
    "walk_incline": partial(_environment, partial(suite.PlanarWalker, WALK_SPEED), uphill=True),
    "arabesque": partial(_environment, Arabesque),
    "headstand": partial(_environment, Headstand),
}
"""What makes each task's environment."""
