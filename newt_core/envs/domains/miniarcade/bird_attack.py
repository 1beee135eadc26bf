"""Bird attack: shoot a flock of birds, dodge what they drop, and a boss's cannonballs."""

from __future__ import annotations

from math import hypot

from newt_core.envs.domains.miniarcade.base import (
    INNER_HIGH,
    INNER_LOW,
    INNER_SIDE,
    SIZE,
    Game,
    clip,
)

WIDTH, HEIGHT = 14, 8
"""Of the agent's box."""
AGENT_Y = 184.0
AGENT_MIDDLE_Y = AGENT_Y + HEIGHT / 2
HALF_WIDTH = WIDTH / 2
X_MAX = INNER_HIGH - WIDTH
START_X = 105.0
SPEED, STUNNED_SPEED = 6.0, 1.2
MUZZLE_Y = 178.0
RELOAD = 8
"""Steps between two shots."""
STUN = 16
"""Steps for which a hit makes the agent slow, and silent."""
RELOAD_UNIT, STUN_UNIT = 5.0, 10.0
"""Units of the observed timers, which are not their greatest values."""

ROWS, COLUMNS, SPACING = 2, 8, 20
FLOCK_X, FLOCK_Y = 40.0, 40.0
"""Upper left corner of the first bird at the start."""
BIRD_WIDTH, BIRD_HEIGHT = 14, 12
BIRD_HITS = 2
FLOCK_STEP, FLOCK_DROP = 1.0, 4.0
"""Pixels sideways in a step, and down at a turn."""
DROP_CHANCE = 0.0075
BULLET_SPEED = 7.0
HIT_X, BIRD_HIT_Y, AGENT_HIT_Y = 7.0, 6.0, 4.0
"""A bullet hits if it is nearer to the middle than this, on either axis."""
SHOTS_SEEN, DROPS_SEEN = 5, 10

BOSS_STEP = 250
BOSS_X, BOSS_Y = 112.0, 40.0
BOSS_SWAY_X, BOSS_SWAY_Y = 0.03 * INNER_SIDE, 0.01 * INNER_SIDE
BOSS_FADE = 5
BOSS_RELOAD = 50
BALL_RADIUS, BALL_SPEED = 10.0, 5.0
BALL_HIT_X, BALL_HIT_Y = 17.0, 14.0

HIT_PENALTY = 2.0
CLEARED_BONUS = 1.0


class BirdAttack(Game):
    """Agent, flock, boss, and everything in flight."""

    painter = "bird_attack"

    def __init__(self) -> None:
        super().__init__()
        self._begin()

    def _begin(self) -> None:
        self.x = START_X
        self.reload = self.stun = 0
        self.birds = [
            [FLOCK_X + SPACING * column, FLOCK_Y + SPACING * row, BIRD_HITS]
            for row in range(ROWS)
            for column in range(COLUMNS)
        ]
        """Upper left corners and hit points of the birds alive, row by row."""
        self.flock_step = FLOCK_STEP
        self.shots: list[list[float]] = []
        """The agent's bullets, oldest first: x, y."""
        self.drops: list[list[float]] = []
        """The birds' bullets, oldest first: x, y."""
        self.boss: list[float] | None = None
        """Its middle, once it is there."""
        self.boss_fade, self.boss_reload = BOSS_FADE, BOSS_RELOAD
        self.ball: list[float] | None = None
        """The boss's cannonball: x, y and its velocity."""
        self._gain = 0.0

    @property
    def _lowest(self) -> float:
        """Upper edge of the lowest birds; a row's birds come after those of the row above."""
        return self.birds[-1][1] if self.birds else INNER_LOW

    @property
    def kills(self) -> int:
        """Birds shot so far."""
        return ROWS * COLUMNS - len(self.birds)

    def _advance(self, action: list[float]) -> None:
        self._gain = 0.0
        self._move_agent(*action)
        shots = self.shots
        for shot in shots:
            shot[1] -= BULLET_SPEED
        if shots and shots[0][1] <= INNER_LOW:  # The oldest flies highest.
            del shots[0]
        if self.birds:
            self._move_flock()
        if self.drops:
            for drop in self.drops:
                drop[1] += BULLET_SPEED
            self.drops = [drop for drop in self.drops if drop[1] < INNER_HIGH]
        if shots and self.birds:
            self._hit_birds()
        if self.drops:
            self._hit_agent()
        if self.t >= BOSS_STEP:
            self._move_boss()
            self._move_ball()
        if not self.birds:
            self._gain += CLEARED_BONUS

    def _move_agent(self, move: float, fire: float) -> None:
        speed = STUNNED_SPEED if self.stun > 0 else SPEED
        self.x = clip(self.x + move * speed, INNER_LOW, X_MAX)
        if self.stun > 0:
            self.stun -= 1
        if fire > 0 and self.reload == 0:
            self.shots.append([self.x + HALF_WIDTH, MUZZLE_Y])
            self.reload = RELOAD
        if self.reload > 0:
            self.reload -= 1

    def _move_flock(self) -> None:
        birds, step, chance = self.birds, self.flock_step, self._random.random
        places = [bird[0] for bird in birds]
        if max(places) + BIRD_WIDTH + step > INNER_HIGH or min(places) + step < INNER_LOW:
            self.flock_step = -step
            for bird in birds:
                bird[1] += FLOCK_DROP
        else:
            for bird in birds:
                bird[0] += step
        self.drops += [
            [x + BIRD_WIDTH / 2, y + BIRD_HEIGHT] for x, y, _ in birds if chance() < DROP_CHANCE
        ]

    def _hit_birds(self) -> None:
        """Let every bird take the first bullet that hits it."""
        highest = self.birds[0][1] + BIRD_HEIGHT / 2 - BIRD_HIT_Y
        lowest = self._lowest + BIRD_HEIGHT / 2 + BIRD_HIT_Y
        near = [shot for shot in self.shots if highest < shot[1] < lowest]
        if not near:
            return
        for bird in self.birds:
            x, y = bird[0] + BIRD_WIDTH / 2, bird[1] + BIRD_HEIGHT / 2
            for shot in near:
                if abs(shot[0] - x) < HIT_X and abs(shot[1] - y) < BIRD_HIT_Y:
                    near.remove(shot)
                    self.shots.remove(shot)
                    bird[2] -= 1
                    break
        alive = [bird for bird in self.birds if bird[2] > 0]
        self._gain += len(self.birds) - len(alive)
        self.birds = alive

    def _hit_agent(self) -> None:
        x, place = self.x + HALF_WIDTH, 0
        while place < len(self.drops):
            drop = self.drops[place]
            if abs(drop[0] - x) < HIT_X and abs(drop[1] - AGENT_MIDDLE_Y) < AGENT_HIT_Y:
                # As published, the bullet that moves up into the gap is not looked at.
                del self.drops[place]
                self._suffer()
            place += 1

    def _suffer(self) -> None:
        self._gain -= HIT_PENALTY
        self.stun = self.reload = STUN

    def _move_boss(self) -> None:
        """Fade the boss in, then let it tremble and fire, a ball at a time."""
        if self.boss is None:
            self.boss = [BOSS_X, BOSS_Y]
        if self.boss_fade > 0:
            self.boss_fade -= 1
            return
        uniform = self._random.uniform
        x = BOSS_X + uniform(-BOSS_SWAY_X, BOSS_SWAY_X)
        y = BOSS_Y + uniform(-BOSS_SWAY_Y, BOSS_SWAY_Y)
        self.boss = [x, y]
        self.boss_reload -= 1
        if self.boss_reload <= 0 and self.ball is None:
            y += 8
            dx, dy = self.x + HALF_WIDTH - x, AGENT_MIDDLE_Y - y
            distance = hypot(dx, dy)
            self.ball = [x, y, BALL_SPEED * dx / distance, BALL_SPEED * dy / distance]
            self.boss_reload = BOSS_RELOAD

    def _move_ball(self) -> None:
        ball = self.ball
        if ball is None:
            return
        ball[0] += ball[2]
        ball[1] += ball[3]
        x, y = ball[0], ball[1]
        if x - BALL_RADIUS < INNER_LOW or x + BALL_RADIUS > INNER_HIGH:
            ball[2] = -ball[2]
        if y - BALL_RADIUS >= INNER_HIGH:
            self.ball = None
        elif abs(x - self.x - HALF_WIDTH) < BALL_HIT_X and abs(y - AGENT_MIDDLE_Y) < BALL_HIT_Y:
            self.ball = None
            self._suffer()

    def _reward(self) -> float:
        return self._gain

    def _observe(self) -> list[float]:
        birds, ball = self.birds, self.ball
        entries = [self.x / SIZE, self.reload / RELOAD_UNIT, len(birds) / (ROWS * COLUMNS)]
        entries += [bird[0] / SIZE for bird in birds]
        entries += [0.0] * self.kills
        entries.append(self._lowest / SIZE)
        entries += _places(self.shots, SHOTS_SEEN)
        entries += _places(self.drops, DROPS_SEEN)
        entries.append(self.stun / STUN_UNIT)
        if ball is None:
            entries += (0.0, 0.0, 0.0, 0.0)
        else:
            entries += (clip(ball[0] / SIZE, 0.0, 1.0), clip(ball[1] / SIZE, 0.0, 1.0))
            entries += (clip(part / BALL_SPEED, -1.0, 1.0) for part in ball[2:])
        return entries


def _places(bullets: list[list[float]], seen: int) -> list[float]:
    """Return the places of the oldest bullets, and zeros up to ``seen``."""
    if not bullets:
        return [0.0] * (2 * seen)
    entries = [place / SIZE for bullet in bullets[:seen] for place in bullet]
    return entries + [0.0] * (2 * seen - len(entries))
