"""MiniArcade: fourteen small two-dimensional games, made for Newt's benchmark.

The games are independent of the rest of Newt but for the types of
:mod:`newt_core.envs.contract`. A game's module holds its physics, reward and observation; the
module of the same name in ``draw/`` holds its pixels. A task's ``env`` names the ``game`` and
gives the arguments of its class.
"""

from __future__ import annotations

import inspect
from importlib import import_module

from newt_core.envs.domains.miniarcade.base import Game
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec

GAMES = {
    "cartpole": "Cartpole",
    "pong": "Pong",
    "reacher": "Reacher",
    "point-maze": "PointMaze",
    "landing": "Landing",
    "spaceship": "Spaceship",
    "coinrun": "Coinrun",
    "cowboy": "Cowboy",
    "coconut-dodge": "CoconutDodge",
    "air-hockey": "AirHockey",
    "chase-evade": "ChaseEvade",
    "bird-attack": "BirdAttack",
    "highway": "Highway",
    "rocket-collect": "RocketCollect",
}
"""A game's name → its class, in the module of the same name (``-`` read as ``_``)."""


def build(spec: TaskSpec) -> Game:
    """Build the game that ``spec.env`` names.

    Raises:
        SpecError: there is no such game, or it has no such variant.
    """
    arguments = dict(spec.env)
    name = arguments.pop("game", None)
    if name not in GAMES:
        raise SpecError(
            f"task '{spec.id}': MiniArcade has no game '{name}' (env needs 'game')."
            f"{did_you_mean(str(name), GAMES)} Known: {', '.join(GAMES)}."
        )
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    game_class: type[Game] = getattr(module, GAMES[name])
    try:
        inspect.signature(game_class).bind(**arguments)
        return game_class(**arguments)
    except (TypeError, ValueError) as error:
        raise SpecError(f"task '{spec.id}': the game '{name}' cannot be built: {error}.") from error
