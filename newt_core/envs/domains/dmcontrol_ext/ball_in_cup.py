"""The suite's ball in cup: swinging the ball around the cup instead of catching it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from dm_control.rl import control
from dm_control.suite import ball_in_cup as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, suite_model
from newt_core.envs.domains.dmcontrol_ext.shaping import ramp

CONTROL_STEP = 0.02
"""Seconds."""
FAR = 0.5
"""Metres between ball and target from which distance is paid in full."""
FAST = 6.0
"""The same for the ball's speed, in metres per second."""
ANYWHERE_PROBABILITY = 0.1
"""How often an episode begins with the ball anywhere; else it lies in the cup."""
START_X, START_Z = (-0.2, 0.2), (0.2, 0.5)
"""Where the ball's two joints may begin, in metres; the suite's."""


class Spin(suite.BallInCup):
    """Get the ball out of the cup and swing it far and fast."""

    def initialize_episode(self, physics: suite.Physics) -> None:
        """Draw a place for the ball until it touches nothing and, mostly, lies in the cup."""
        anywhere = self.random.uniform() < ANYWHERE_PROBABILITY
        ball = physics.named.data.qpos
        while True:
            ball["ball_x"] = self.random.uniform(*START_X)
            ball["ball_z"] = self.random.uniform(*START_Z)
            physics.after_reset()
            if physics.data.ncon == 0 and (anywhere or physics.in_target()):
                break
        self.after_step(physics)

    def get_reward(self, physics: suite.Physics) -> float:
        """Return a mean of the ball's distance and, twice as heavy, its speed outside the cup."""
        if physics.in_target():
            return 0.0
        distance = math.hypot(*physics.ball_to_target())
        speed = math.hypot(*physics.named.data.qvel[["ball_x", "ball_z"]])
        return (ramp(distance, FAR) + 2.0 * ramp(speed, FAST)) / 3.0


def _spin() -> control.Environment:
    physics = compile_model(suite.Physics, suite_model("ball_in_cup"))
    return control.Environment(physics, Spin(), control_timestep=CONTROL_STEP)


TASKS: Mapping[str, Callable[[], control.Environment]] = {"spin": _spin}
"""What makes each task's environment."""
