"""A spinner: a hub with five limbs, or with four of them (``spinner.xml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from dm_control.rl import control

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, own_model, remove
from newt_core.envs.domains.dmcontrol_ext.planar import Jump, Physics, Task
from newt_core.envs.domains.dmcontrol_ext.shaping import ramp

SPIN = 8.0
"""Angular momentum in kg m²/s at which rolling is paid in full."""
SPEED = 8.0
"""The same for speed, in metres per second."""
FORWARD, BACKWARD = 1, -1
"""The direction along x in which to roll."""
MISSING_LIMB = "limb_4"
"""What a spinner of four limbs lacks; its place stays empty."""


class Spin(Task):
    """Roll fast towards ``direction``."""

    def __init__(self, direction: int) -> None:
        super().__init__()
        self._direction = direction

    def get_reward(self, physics: Physics) -> float:
        """Return a mean of how fast the body spins and, with more weight, how fast it moves."""
        spinning = ramp(physics.spin(), self._direction * SPIN)
        moving = ramp(physics.speed(), self._direction * SPEED)
        return (2.0 * spinning + 3.0 * moving) / 5.0


def _environment(make_task: Callable[[], Task], four_limbs: bool = False) -> control.Environment:
    model = own_model("spinner")
    if four_limbs:
        remove(model, "body", MISSING_LIMB)
        remove(model, "motor", MISSING_LIMB)
    return control.Environment(compile_model(Physics, model), make_task())


TASKS: Mapping[str, Callable[[], control.Environment]] = {
    "spin": partial(_environment, partial(Spin, FORWARD)),
    "spin_backward": partial(_environment, partial(Spin, BACKWARD)),
    "jump": partial(_environment, Jump),
    "spin_four": partial(_environment, partial(Spin, FORWARD), four_limbs=True),
    "jump_four": partial(_environment, Jump, four_limbs=True),
}
"""What makes each task's environment."""
