"""A giraffe: a heavy torso on two legs, with the head on a long neck (``giraffe.xml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dm_control.rl import control

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, own_model
from newt_core.envs.domains.dmcontrol_ext.planar import Physics, Task
from newt_core.envs.domains.dmcontrol_ext.shaping import at_least, ramp

HEAD_HEIGHT = 0.5
"""Metres above the ground that the head should keep."""
HEAD_MARGIN = 0.25
RUN_SPEED = 10.0
"""Metres per second at which running is paid in full."""


class Run(Task):
    """Run forward with the head off the ground."""

    def get_reward(self, physics: Physics) -> float:
        """Return how high the head is, four times as much at the wanted speed."""
        head = at_least(physics.height("head"), HEAD_HEIGHT, HEAD_MARGIN)
        return head * (3.0 * ramp(physics.speed(), RUN_SPEED) + 1.0) / 4.0


def _run() -> control.Environment:
    return control.Environment(compile_model(Physics, own_model("giraffe")), Run())


TASKS: Mapping[str, Callable[[], control.Environment]] = {"run": _run}
"""What makes each task's environment."""
