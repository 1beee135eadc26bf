"""DMControl Extended: new tasks for bodies of the DeepMind Control Suite, and four new bodies.

Each body has a module here, which names its tasks in ``TASKS``; a new body has its MJCF model in
an XML file beside it. A task's ``env`` holds the body's name as ``domain_name`` and the task's as
``task_name``, as the suite's tasks do. All run in
:class:`~newt_core.envs.domains.dmcontrol.SuiteSimulator`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from newt_core.envs.domains.dmcontrol import SuiteSimulator
from newt_core.envs.imports import without_a_screen
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec

BODIES = (
    "walker",
    "cheetah",
    "hopper",
    "reacher",
    "ball_in_cup",
    "pendulum",
    "jumper",
    "spinner",
    "giraffe",
)
"""The modules of this package that have ``TASKS``."""


def build(spec: TaskSpec) -> SuiteSimulator:
    """Build the environment that ``spec.env`` names.

    Raises:
        SpecError: there is no such body or task.
    """
    makers = _environments()
    name = f"{spec.env.get('domain_name')}/{spec.env.get('task_name')}"
    if name not in makers:
        raise SpecError(
            f"task '{spec.id}': DMControl Extended has no '{name}' "
            f"(env needs 'domain_name' and 'task_name').{did_you_mean(name, makers)}"
        )
    return SuiteSimulator(makers[name](), spec)


def _environments() -> dict[str, Callable[[], Any]]:
    """Return what makes each ``body/task``: a ``dm_control.rl.control.Environment``."""
    with without_a_screen():
        modules = {body: import_module(f"{__name__}.{body}") for body in BODIES}
    return {
        f"{body}/{task}": make
        for body, module in modules.items()
        for task, make in module.TASKS.items()
    }
