"""ManiSkill3: arms at a table and legged robots, with the library's bodies, rewards and resets.

Tao et al., "ManiSkill3: GPU Parallelized Robotics Simulation and Rendering" (2024). A task's
``env`` holds an ``id``, the ``control_mode`` unless it is the body's default, and the ``model`` of
tasks with an object of the YCB set. The library registers most ids; these are Newt's:

=================== =============================================================
``reach``           Reach-v1 and, with the arm xArm6, ReachxArm6-v1
``sparse_cartpole`` MS-CartpoleBalanceSparse-v1, MS-CartpoleSwingUpSparse-v1
``push_ycb``        PushYCB-v1
``pick_ycb``        the library's PickSingleYCB-v1, with one object
=================== =============================================================

PickCubexArm6-v1 is the library's PickCube with another arm. Environments are simulated on the
CPU, one at a time, and equal the library's to the last bit (``tests/envs/test_maniskill.py``).
"""

from __future__ import annotations

from newt_core.envs.domains.maniskill.library import TASKS, prepare_library
from newt_core.envs.domains.maniskill.simulator import ManiSkillSimulator
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec

SETTINGS = ("id", "control_mode", "model")
"""What a task's ``env`` may hold."""


def build(spec: TaskSpec) -> ManiSkillSimulator:
    """Build the environment that ``spec.env`` names.

    Raises:
        SpecError: the domain has no such environment, setting, control mode or object.
        MissingDependencyError: there is no Vulkan driver, which also a simulation without
            pictures needs.
        ConfigError: the library was imported with another folder of assets.
    """
    name = str(spec.env.get("id"))
    if name not in TASKS:
        raise SpecError(
            f"task '{spec.id}': the domain maniskill has no '{name}' (env needs 'id')."
            f"{did_you_mean(name, TASKS)} Known: {', '.join(TASKS)}."
        )
    kind = TASKS[name]
    for key in spec.env:
        if key not in SETTINGS:
            raise SpecError(
                f"task '{spec.id}': env has '{key}'.{did_you_mean(key, SETTINGS)} "
                f"Known: {', '.join(SETTINGS)}."
            )
    if kind.takes_model != ("model" in spec.env):
        verb = "needs" if kind.takes_model else "takes no"
        raise SpecError(f"task '{spec.id}': env {verb} 'model', an object of the YCB set.")
    if spec.camera is not None:
        raise SpecError(f"task '{spec.id}': maniskill has one camera per task; leave 'camera' out.")
    prepare_library(uses_assets=bool(spec.assets))
    return ManiSkillSimulator(kind, spec)
