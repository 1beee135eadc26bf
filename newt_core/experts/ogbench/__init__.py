"""Players of a point and an ant that follow shortest paths, and of an ant on an open plane."""

from __future__ import annotations

from newt_core.envs.domains.ogbench.mazes import MAZES
from newt_core.experts.ogbench import ant, point
from newt_core.experts.policy import MakePlayer, player_of
from newt_core.specs.schema import TaskSpec


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of an OGBench task; None where there are none."""
    kind, body, maze = (spec.env.get(key) for key in ("kind", "body", "map"))
    if kind == "direction":
        return player_of(ant.run)
    if kind != "maze" or maze not in MAZES:
        return None
    if body == "point":
        return player_of(point.follow, MAZES[str(maze)])
    return player_of(ant.follow, MAZES[str(maze)])
