"""RoboDesk: a robot arm at a desk, with the library's model, rewards and resets.

Kannan et al., "RoboDesk: A Multi-Task Reinforcement Learning Benchmark" (2021). A task's ``env``
holds the library's name of it, ``task``.

Only the library's files are used: its code imports the abandoned gym, draws a picture in every
step, simulates from NumPy's global random stream and solves the arm's inverse kinematics with
the collisions of the whole desk. Newt runs the same physics without those. Observations, rewards
and resets equal the library's to the last bit (``tests/envs/test_robodesk.py``).

========== =======================================================
``model``  the desk, with and without what only pictures need
``reach``  from a wanted place of the hand to the arm's joints
``goals``  rewards and successes of the tasks
``desk``   the simulator
========== =======================================================
"""

from __future__ import annotations

from newt_core.envs.domains.robodesk.desk import DeskSimulator
from newt_core.envs.domains.robodesk.goals import GOALS
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec


def build(spec: TaskSpec) -> DeskSimulator:
    """Build the desk with the goal that ``spec.env`` names.

    Raises:
        SpecError: the domain has no such task, or the desk no such camera.
        MissingDependencyError: the package robodesk is not installed.
    """
    name = str(spec.env.get("task"))
    if name not in GOALS:
        raise SpecError(
            f"task '{spec.id}': the domain robodesk has no '{name}' (env needs 'task')."
            f"{did_you_mean(name, GOALS)} Known: {', '.join(GOALS)}."
        )
    return DeskSimulator(GOALS[name], spec)
