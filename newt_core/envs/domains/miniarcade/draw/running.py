"""What the runners' games draw alike: ground, and a figure with swinging limbs."""

from __future__ import annotations

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas
from newt_core.envs.domains.miniarcade.palette import BLACK, Colour
from newt_core.envs.domains.miniarcade.runner import GROUND, GROUND_Y, Runner

STRIDE = 6
"""Steps between the two poses of a run."""
LIMB = 2.5
"""Width of arms and legs."""


def landscape(sky: tuple[Colour, Colour], ground: tuple[Colour, Colour], line: Colour) -> Canvas:
    """Return a sky and a ground, each shaded downwards, with a line between them."""
    canvas = Canvas()
    canvas.gradient(0, GROUND, *sky)
    canvas.gradient(GROUND, SIZE, *ground)
    canvas.box(0, GROUND, SIZE, 2, line)
    return canvas


def is_in_air(runner: Runner) -> bool:
    """Whether the runner is above the ground."""
    return runner.y < GROUND_Y


def draw_limbs(canvas: Canvas, runner: Runner, x: float, t: int) -> None:
    """Draw arms and legs behind a body whose middle is at ``x``."""
    shoulder, hip, foot = runner.y + 13, runner.y + 21, runner.y + 29
    if is_in_air(runner):
        arms, legs = ((-6, 3), (6, 3)), ((-5, -2), (5, -3))
    elif t // STRIDE % 2:
        arms, legs = ((-7, 6), (6, 4)), ((-5, 0), (5, 0))
    else:
        arms, legs = ((-4, 7), (4, 6)), ((-2, 0), (3, -1))
    for dx, dy in arms:
        canvas.stroke([(x, shoulder), (x + dx, shoulder + dy)], LIMB, BLACK)
    for dx, dy in legs:
        canvas.stroke([(x, hip), (x + dx, foot + dy)], LIMB, BLACK)
