"""A simple player for every MiniArcade game; none is perfect, all are far above random.

A player sees only what an agent sees: the observation. Where it needs the games' units, it
multiplies by the constants that the games divide by.
"""

from __future__ import annotations

from collections.abc import Callable

from newt_core.errors import SpecError
from newt_core.experts.miniarcade import collecting, control, dodging, versus
from newt_core.experts.policy import MakePlayer, Player, Policy, player_of
from newt_core.specs.schema import TaskSpec

POLICIES: dict[str, Callable[[], Policy]] = {
    "air-hockey": versus.air_hockey,
    "bird-attack": dodging.bird_attack,
    "cartpole": control.cartpole,
    "chase-evade": versus.chase_evade,
    "coconut-dodge": dodging.coconut_dodge,
    "coinrun": collecting.coinrun,
    "cowboy": dodging.cowboy,
    "highway": dodging.highway,
    "landing": control.landing,
    "point-maze": control.point_maze,
    "pong": versus.pong,
    "reacher": control.reacher,
    "rocket-collect": collecting.rocket_collect,
    "spaceship": collecting.spaceship,
}
"""A game's name → a function that returns a fresh policy, which plays all of its variants."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a MiniArcade task; None for a game that is not of ours."""
    policy = POLICIES.get(str(spec.env.get("game")))
    return None if policy is None else player_of(policy)


def player(spec: TaskSpec) -> Player:
    """Return a new player of a MiniArcade task, for one episode: some have a memory.

    Raises:
        SpecError: the task is of another domain.
    """
    make = find(spec) if spec.domain == "miniarcade" else None
    if make is None:
        raise SpecError(
            f"task '{spec.id}': there is no scripted player. There is one for every MiniArcade "
            f"game: {', '.join(POLICIES)}."
        )
    return make()
