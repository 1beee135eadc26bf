"""The suite's hopper, hopping backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dm_control.rl import control
from dm_control.suite import hopper as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, suite_model
from newt_core.envs.domains.dmcontrol_ext.shaping import ramp

CONTROL_STEP = 0.02
"""Seconds."""
STANDING = (0.6, 2.0)
"""Metres from foot to torso between which the hopper counts as standing, the suite's."""
HOP_SPEED = 1.0
"""Metres per second at which hopping is paid in full."""


class HopBackward(suite.Hopper):
    """Hop backward at 1 m/s or more without falling."""

    def __init__(self) -> None:
        super().__init__(hopping=True)

    def get_reward(self, physics: suite.Physics) -> float:
        """Return the speed's share of the wanted one; nothing unless the hopper stands."""
        if not STANDING[0] <= physics.height() <= STANDING[1]:
            return 0.0
        return ramp(physics.speed(), -HOP_SPEED)


def _hop_backward() -> control.Environment:
    physics = compile_model(suite.Physics, suite_model("hopper"))
    return control.Environment(physics, HopBackward(), control_timestep=CONTROL_STEP)


TASKS: Mapping[str, Callable[[], control.Environment]] = {"hop_backward": _hop_backward}
"""What makes each task's environment."""
