"""What a step of a task costs, as far as its domain tells.

For sharing tasks out to ranks before any of them is built. Measured costs would be nearer the
truth, but differ from one start to the next, and with them who plays what: a seed would no longer
determine a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from newt_core.specs.schema import TaskSpec

STEP_MS: Mapping[str, float] = MappingProxyType(
    {
        "dmcontrol": 0.2,
        "dmcontrol-ext": 0.15,
        "metaworld": 1.2,
        "maniskill": 26.0,
        "mujoco": 0.2,
        "miniarcade": 0.01,
        "box2d": 0.13,
        "robodesk": 24.0,
        "ogbench": 0.3,
        "atari": 0.35,
    }
)
"""Domain → milliseconds of an agent step: the median of five or six of its tasks, by the pool's own
measurement, on a core of an AMD EPYC that was busy with other work, too."""
UNKNOWN_MS = 1.0
"""Of a domain that is not listed, such as a user's own."""


def step_cost(spec: TaskSpec) -> float:
    """Return about how many milliseconds an agent step of a task takes, without pictures."""
    return STEP_MS.get(spec.domain, UNKNOWN_MS)
