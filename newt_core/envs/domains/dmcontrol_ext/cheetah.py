"""The suite's cheetah: running backward, running on one leg, jumping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dm_control.rl import control
from dm_control.suite import cheetah as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, find, suite_model
from newt_core.envs.domains.dmcontrol_ext.shaping import at_least, ramp

GROUND = "200 0.8 0.5"
"""Twice as long as the suite's: it is only drawn so."""

BACKWARD_SPEED = 8.0
"""Metres per second at which running backward is paid in full."""
ONE_LEG_SPEED = 6.0
"""The same for running on one leg."""
RAISED = 1.2
"""Height in metres at which a foot or the torso counts as up."""
RAISED_MARGIN = 0.6
STILL_SPEED = 0.5
"""Metres per second up to which a jump counts as being on the spot."""
DRIFT = 0.5
"""How much faster, in metres per second, is not paid at all."""


class Physics(suite.Physics):
    """The cheetah with a look at each of its bodies."""

    def height(self, body: str) -> float:
        """Return how high a body's frame is above the ground, in metres."""
        return float(self.named.data.xpos[body, "z"])


class RunBackward(suite.Cheetah):
    """Run backward as fast as 8 m/s."""

    def get_reward(self, physics: Physics) -> float:
        """Return the speed's share of the wanted one."""
        return ramp(physics.speed(), -BACKWARD_SPEED)


class RunOnOneLeg(suite.Cheetah):
    """Run forward with the foot ``raised`` and the torso held high."""

    def __init__(self, raised: str) -> None:
        super().__init__()
        self._raised = raised

    def get_reward(self, physics: Physics) -> float:
        """Return how high foot and torso are, six times as much at the wanted speed."""
        foot = at_least(physics.height(self._raised), RAISED, RAISED_MARGIN)
        torso = at_least(physics.height("torso"), RAISED, RAISED_MARGIN)
        up = (3.0 * foot + 2.0 * torso) / 5.0
        return up * (5.0 * ramp(physics.speed(), ONE_LEG_SPEED) + 1.0) / 6.0


class Jump(suite.Cheetah):
    """Get torso and feet high into the air, on the spot."""

    def get_reward(self, physics: Physics) -> float:
        """Return a mean over both feet of their and the torso's height, and of being still."""
        torso = physics.height("torso")
        heights = ((torso + physics.height(foot)) / 2.0 for foot in ("bfoot", "ffoot"))
        up = sum(at_least(height, RAISED, RAISED_MARGIN) for height in heights) / 2.0
        still = 1.0 - ramp(abs(float(physics.speed())) - STILL_SPEED, DRIFT)
        return (5.0 * up + still) / 6.0


def _environment(make_task: Callable[[], Any]) -> control.Environment:
    model = suite_model("cheetah")
    find(model, "geom", "ground").set("size", GROUND)
    return control.Environment(compile_model(Physics, model), make_task())


TASKS: Mapping[str, Callable[[], control.Environment]] = {
    "run_backward": partial(_environment, RunBackward),
    "run_front": partial(_environment, partial(RunOnOneLeg, raised="bfoot")),
    "run_back": partial(_environment, partial(RunOnOneLeg, raised="ffoot")),
    "jump": partial(_environment, Jump),
}
"""What makes each task's environment."""
