"""A jumper: a hub on two legs (``jumper.xml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dm_control.rl import control

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, own_model
from newt_core.envs.domains.dmcontrol_ext.planar import Jump, Physics


def _jump() -> control.Environment:
    return control.Environment(compile_model(Physics, own_model("jumper")), Jump())


TASKS: Mapping[str, Callable[[], control.Environment]] = {"jump": _jump}
"""What makes each task's environment."""
