"""Players of the games of control: cartpole, reacher, maze, landing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import acos, atan2, cos, pi, remainder, sin

from newt_core.envs.domains.miniarcade import cartpole as cartpole_game
from newt_core.envs.domains.miniarcade import landing as landing_game
from newt_core.envs.domains.miniarcade import point_maze as maze_game
from newt_core.envs.domains.miniarcade import reacher as reacher_game
from newt_core.envs.domains.miniarcade.base import INNER_LOW, INNER_SIDE, SIZE
from newt_core.experts.policy import Policy


def cartpole() -> Policy:
    """Pump energy while the pole hangs; near upright, apply a linear regulator's gains.

    The gains solve the linearised game's Riccati equation for costs (1, 0.1, 4, 0.1; 2).
    """
    inertia = cartpole_game.HALF_LENGTH * (
        4.0 / 3.0 - cartpole_game.POLE_MASS / cartpole_game.TOTAL_MASS
    )

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, speed, angle, spin = obs
        if abs(angle) < 0.5:
            return [0.6 * x + 0.76 * speed + 5.26 * angle + 1.46 * spin]
        # 0 where the pole has just enough energy to reach upright.
        energy = 0.5 * inertia * spin * spin / cartpole_game.GRAVITY + cos(angle) - 1.0
        return [3.0 * energy * spin * cos(angle) - 0.15 * x - 0.1 * speed]

    return act


def reacher() -> Policy:
    """Turn both joints to the angles that put the fingertip on the target."""
    link = reacher_game.LINK

    def act(obs: Sequence[float]) -> Sequence[float]:
        shoulder, elbow, dx, dy, shoulder_spin, elbow_spin = obs
        x = link * (cos(shoulder) + cos(shoulder + elbow)) + dx
        y = link * (sin(shoulder) + sin(shoulder + elbow)) + dy
        bend = acos(min(max((x * x + y * y) / (2 * link * link) - 1.0, -1.0), 1.0))
        bend = bend if elbow >= 0 else -bend
        # With equal links the shoulder's direction is half the bend off the target's.
        turn = remainder(atan2(y, x) - bend / 2 - shoulder, 2 * pi)
        return [3.0 * turn - 0.3 * shoulder_spin, 4.0 * (bend - elbow) - 0.1 * elbow_spin]

    return act


def point_maze() -> Policy:
    """Walk from cell to cell along a shortest path, leaning against the wind."""
    cells = maze_game.CELLS

    def act(obs: Sequence[float]) -> Sequence[float]:
        walls = [entry == 1.0 for entry in obs[6:31]]
        here = round(obs[42] * (cells - 1)) * cells + round(obs[43] * (cells - 1))
        column, row = (int(cells * (place * SIZE - INNER_LOW) / INNER_SIDE) for place in obs[2:4])
        step = _first_step(walls, here, row * cells + column)
        if step is None:
            aim = obs[2] * SIZE, obs[3] * SIZE
        else:
            middle = INNER_SIDE / cells / 2
            aim = (
                INNER_LOW + middle * (2 * (step % cells) + 1),
                INNER_LOW + middle * (2 * (step // cells) + 1),
            )
        return [(aim[i] - obs[i] * SIZE) / maze_game.SPEED - obs[40 + i] for i in (0, 1)]

    return act


def _first_step(walls: list[bool], here: int, goal: int) -> int | None:
    """Return the next cell on a shortest path; None where there is no step to make."""
    side = maze_game.CELLS
    towards: dict[int, int | None] = {goal: None}
    queue = deque([goal])
    while queue:
        cell = queue.popleft()
        row, column = divmod(cell, side)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            beside = r * side + c
            if 0 <= r < side and 0 <= c < side and not walls[beside] and beside not in towards:
                towards[beside] = cell
                queue.append(beside)
    return towards.get(here)


def landing() -> Policy:
    """Fly above the ship's middle, keep up with it and sink, the slower the closer."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, y, ship = obs[0] * SIZE, obs[1] * SIZE, obs[4] * SIZE
        vx, vy = obs[2] * landing_game.MAX_SPEED, obs[3] * landing_game.MAX_SPEED
        off = ship - (x + landing_game.WIDTH / 2)
        wanted_vx = obs[6] * landing_game.MAX_SHIP_SPEED + 0.15 * off
        height = landing_game.LANDED_Y - y
        # Wait higher up until the deck is below.
        wanted_vy = 0.08 * (height - (0 if abs(off) < 8 else 25)) + 0.05
        lift = (wanted_vy / landing_game.AIR - vy - landing_game.GRAVITY) / landing_game.THRUST
        return [(wanted_vx / landing_game.AIR - vx) / landing_game.THRUST, lift]

    return act
