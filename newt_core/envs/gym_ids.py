"""Gymnasium ids: every built-in task is ``newt/<task>-v0``.

They are known as soon as ``newt_core`` and Gymnasium are both imported, in either order.
"""

from __future__ import annotations

import gymnasium

from newt_core.specs.load import load_specs

NAMESPACE = "newt"


def register() -> None:
    """Make the tasks known to Gymnasium. Can be repeated."""
    for task_id in load_specs():
        gym_id = f"{NAMESPACE}/{task_id}-v0"
        if gym_id not in gymnasium.registry:
            gymnasium.register(
                id=gym_id, entry_point="newt_core.envs.task_env:make", kwargs={"task": task_id}
            )
