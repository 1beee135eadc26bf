"""The suite's pendulum: going round fast instead of balancing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dm_control.rl import control
from dm_control.suite import pendulum as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, suite_model
from newt_core.envs.domains.dmcontrol_ext.shaping import ramp

SPIN_SPEED = 9.0
"""Radians per second at which spinning is paid in full."""


class Spin(suite.SwingUp):
    """Turn the pole at 9 rad/s or more, either way."""

    def get_reward(self, physics: suite.Physics) -> float:
        """Return the speed's share of the wanted one."""
        return ramp(abs(float(physics.angular_velocity()[0])), SPIN_SPEED)


def _spin() -> control.Environment:
    return control.Environment(compile_model(suite.Physics, suite_model("pendulum")), Spin())


TASKS: Mapping[str, Callable[[], control.Environment]] = {"spin": _spin}
"""What makes each task's environment."""
