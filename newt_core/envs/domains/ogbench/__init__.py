"""OGBench: a point or an ant in mazes, an ant that is told a direction, an ant that plays a ball.

Park et al., "OGBench: Benchmarking Offline Goal-Conditioned RL" (2025). Bodies are the package's
model files; the package's code is not run: it draws from NumPy's global generator, leaves files
behind and imports PyTorch. Physics equal the package's to the last bit
(``tests/envs/test_ogbench_mazes.py``, ``tests/envs/test_ogbench_ant.py``). Further maps, start
and goal cells and rewards are the benchmark's.

A task's ``env`` is ``{kind: maze, body: point or ant, map: ...}``, ``{kind: direction}`` or
``{kind: ball}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from newt_core.envs.contract import Simulator
from newt_core.envs.domains.ogbench.ball import AntBall
from newt_core.envs.domains.ogbench.direction import AntDirection
from newt_core.envs.domains.ogbench.maze import RUNNERS, MazeSimulator
from newt_core.envs.domains.ogbench.mazes import MAZES
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec


def build(spec: TaskSpec) -> Simulator:
    """Build what ``spec.env`` names.

    Raises:
        SpecError: there is no such kind, body, map or camera.
        MissingDependencyError: the package ``ogbench`` is not installed.
    """
    kinds: dict[str, Callable[[TaskSpec], Simulator]] = {
        "maze": _build_maze,
        "direction": AntDirection,
        "ball": AntBall,
    }
    return kinds[_choice(spec, "kind", kinds)](spec)


def _build_maze(spec: TaskSpec) -> MazeSimulator:
    runner = RUNNERS[_choice(spec, "body", RUNNERS)]
    return MazeSimulator(spec, runner, MAZES[_choice(spec, "map", MAZES)])


def _choice(spec: TaskSpec, key: str, choices: Mapping[str, Any]) -> str:
    """Return the value of ``spec.env[key]``, which must be one of ``choices``."""
    value = spec.env.get(key)
    if value not in choices:
        raise SpecError(
            f"task '{spec.id}': env needs '{key}', one of {', '.join(choices)}, but has "
            f"{value!r}.{did_you_mean(str(value), choices)}"
        )
    return str(value)
