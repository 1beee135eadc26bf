"""Box2D: a two-legged walker on five terrains and a lander with three goals.

Both bodies are Gymnasium's (``BipedalWalker``, ``LunarLander``), rebuilt here on the physics
engine itself: the benchmark changes numbers that Gymnasium keeps in its modules' globals, and to
set those would change Gymnasium's own environments too. With equal numbers, bodies move alike to
the last bit (``tests/envs/test_box2d_walker.py``, ``tests/envs/test_box2d_lander.py``).

A task's ``env`` names the body and what varies: ``{body: walker, terrain: hills}`` or
``{body: lander, goal: hover}``. Pictures of every episode have other colours; ``looks: same`` gives
all episodes the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from newt_core.envs.contract import Simulator
from newt_core.envs.domains.box2d.goals import GOALS
from newt_core.envs.domains.box2d.lander import Lander
from newt_core.envs.domains.box2d.terrain import TERRAINS
from newt_core.envs.domains.box2d.walker import Walker
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec

RANDOM_LOOKS = "random"
LOOKS = (RANDOM_LOOKS, "same")
"""How the colours of episodes are chosen; at random by default, as in the benchmark."""


def build(spec: TaskSpec) -> Simulator:
    """Build the body that ``spec.env`` names, on its terrain or with its goal.

    Raises:
        SpecError: there is no such body, terrain, goal or looks.
    """
    looks = _choice(spec, "looks", LOOKS) if "looks" in spec.env else RANDOM_LOOKS
    how = (spec.action_repeat, looks == RANDOM_LOOKS)
    bodies: dict[str, Callable[[], Simulator]] = {
        "walker": lambda: Walker(TERRAINS[_choice(spec, "terrain", TERRAINS)], *how),
        "lander": lambda: Lander(GOALS[_choice(spec, "goal", GOALS)], *how),
    }
    return bodies[_choice(spec, "body", bodies)]()


def _choice(spec: TaskSpec, key: str, choices: Collection[str]) -> str:
    """Return the value of ``spec.env[key]``, which must be one of ``choices``."""
    value = spec.env.get(key)
    if value not in choices:
        raise SpecError(
            f"task '{spec.id}': env needs '{key}', one of {', '.join(choices)}, but has "
            f"{value!r}.{did_you_mean(str(value), choices)}"
        )
    return str(value)
