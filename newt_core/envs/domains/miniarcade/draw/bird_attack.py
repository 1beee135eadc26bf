"""Bird attack: a cannon below, a flock of triangles above."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import INNER_LOW, INNER_SIDE
from newt_core.envs.domains.miniarcade.bird_attack import (
    AGENT_Y,
    BALL_RADIUS,
    BIRD_HEIGHT,
    BIRD_HITS,
    BIRD_WIDTH,
    BOSS_FADE,
    COLUMNS,
    HALF_WIDTH,
    HEIGHT,
    ROWS,
    STUN,
    WIDTH,
    BirdAttack,
)
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import AGENT, BLACK, WHITE, mix

BIRD, DROP, BOSS = (200, 200, 200), (170, 170, 170), (180, 180, 180)
BOSS_HALF_WIDTH, BOSS_HALF_HEIGHT = 32, 8
PAIN, PAIN_ALPHA = (220, 30, 10), 140
ALL_SHOT = (80, 200, 110)
FIGURE = 13
"""Height of the kill count's figures."""


class BirdAttackPainter(Painter[BirdAttack]):
    """Looks the same in every episode."""

    def _scenery(self, draw: Random) -> None:
        self._area = Canvas()
        self._area.fill(BLACK)
        self._area.box(INNER_LOW, INNER_LOW, INNER_SIDE, INNER_SIDE, None, 2, WHITE)

    def _paint(self, game: BirdAttack, flicker: Random) -> Canvas:
        canvas = self._area.copy()
        _draw_boss(canvas, game)
        for x, y, hits in game.birds:
            corners = [(x, y), (x + BIRD_WIDTH, y), (x + BIRD_WIDTH / 2, y + BIRD_HEIGHT)]
            canvas.polygon(corners, BIRD if hits == BIRD_HITS else None, 2, BIRD)
        for x, y in game.shots:
            canvas.box(x - 2, y - 6, 4, 6, AGENT, radius=1)
        for x, y in game.drops:
            canvas.box(x - 2, y, 4, 6, DROP, radius=1)
        if game.ball is not None:
            x, y = game.ball[:2]
            canvas.disc(x, y, BALL_RADIUS, BOSS, 2, mix(BOSS, BLACK, 0.35))
        canvas.box(game.x, AGENT_Y, WIDTH, HEIGHT, AGENT, radius=1)
        middle = game.x + HALF_WIDTH
        canvas.polygon([(middle - 4, AGENT_Y), (middle + 4, AGENT_Y), (middle, AGENT_Y - 6)], AGENT)
        colour = ALL_SHOT if game.kills == ROWS * COLUMNS else WHITE
        canvas.text(str(game.kills), 24, 3, FIGURE, colour)
        if game.stun:
            area = (INNER_LOW, INNER_LOW, INNER_SIDE, INNER_SIDE)
            canvas.veil(PAIN, PAIN_ALPHA * game.stun / STUN, area)
        return canvas


def _draw_boss(canvas: Canvas, game: BirdAttack) -> None:
    if game.boss is None:
        return
    x, y = game.boss
    layer = Canvas(2 * BOSS_HALF_WIDTH + 6, 2 * BOSS_HALF_HEIGHT + 6, clear=True)
    half, low = BOSS_HALF_WIDTH, 2 * BOSS_HALF_HEIGHT + 3
    wings = [(3, low), (3 + half / 2, 3), (3 + half, low), (3 + 1.5 * half, 3), (3 + 2 * half, low)]
    layer.stroke(wings, 3, BOSS)
    alpha = 255 * (1 - game.boss_fade / BOSS_FADE)
    canvas.paste(layer, x - BOSS_HALF_WIDTH - 3, y - BOSS_HALF_HEIGHT - 3, alpha)
