"""The suite's reacher with a longer arm of three links (``reacher_arm.xml``).

Reset, observation and reward are the suite's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from xml.etree.ElementTree import SubElement

from dm_control.rl import control
from dm_control.suite import reacher as suite

from newt_core.envs.domains.dmcontrol_ext.models import compile_model, remove, suite_model

BIG_TARGET, SMALL_TARGET = 0.05, 0.015
"""Radius in metres, the suite's."""


def _environment(target_radius: float) -> control.Environment:
    model = suite_model("reacher")
    remove(model, "body", "arm")
    for joint in ("shoulder", "wrist"):
        remove(model, "motor", joint)
    SubElement(model, "include", file="reacher_arm.xml")
    physics = compile_model(suite.Physics, model)
    return control.Environment(physics, suite.Reacher(target_radius))


TASKS: Mapping[str, Callable[[], control.Environment]] = {
    "three_easy": partial(_environment, BIG_TARGET),
    "three_hard": partial(_environment, SMALL_TARGET),
}
"""What makes each task's environment."""
