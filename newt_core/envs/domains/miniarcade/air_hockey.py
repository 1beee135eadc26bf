"""Air hockey, seen from above, against a scripted opponent in the upper half."""

from __future__ import annotations

from math import cos, floor, hypot, pi, sin

from newt_core.envs.domains.miniarcade.base import SIZE, Game, clip

LEFT, RIGHT, TOP, BOTTOM = 33.0, 191.0, 24.0, 200.0
"""The rink."""
MIDDLE = 112.0
"""Of the rink, on both axes."""
MOUTH_LEFT, MOUTH_RIGHT = 84.0, 140.0
"""Of both goals."""
GOAL_DEPTH = 10.0

PUCK_RADIUS, PADDLE_RADIUS = 6.0, 10.0
PADDLE_SPEED = 7.5
PUCK_SPEED, MAX_PUCK_SPEED = 6.0, 12.0
RESTITUTION = 0.9
DAMPING = 0.002
"""Share of the puck's speed that a step takes."""
HIT_BOOST = 0.35
"""Share of its own speed that a paddle adds to the puck's."""
HIT_GAP = 0.5
"""Pixels by which a hit puck and a paddle are parted."""

AGENT_START, OPPONENT_START = (112.0, 170.0), (112.0, 54.0)
PADDLE_LEFT, PADDLE_RIGHT = LEFT + PADDLE_RADIUS, RIGHT - PADDLE_RADIUS
AGENT_TOP, AGENT_BOTTOM = MIDDLE + PADDLE_RADIUS, BOTTOM - PADDLE_RADIUS
OPPONENT_TOP, OPPONENT_BOTTOM = TOP + PADDLE_RADIUS, MIDDLE - PADDLE_RADIUS

HOME = (112.0, 52.0)
"""Where the opponent waits."""
OPPONENT_SPEED = 0.85 * PADDLE_SPEED
OPPONENT_JITTER = 0.25
"""Standard deviation, per axis, of the noise on its velocity."""
THREAT_Y = 120.0
"""The opponent reacts to a puck above this that comes nearer."""
STRIKE_Y = 83.0
"""It comes no further forward than this."""


class Body:
    """A disc's middle and velocity."""

    __slots__ = ("vx", "vy", "x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y
        self.vx = self.vy = 0.0


class AirHockey(Game):
    """Puck and paddles. The agent defends the lower goal."""

    painter = "air_hockey"

    def __init__(self) -> None:
        super().__init__()
        self.puck = Body(MIDDLE, MIDDLE)
        self.agent = Body(*AGENT_START)
        self.opponent = Body(*OPPONENT_START)
        self.agent_goals = self.opponent_goals = 0
        self._delay = 0
        self._threatened = False
        self._goal = 0.0

    def _begin(self) -> None:
        self.agent_goals = self.opponent_goals = 0
        self._delay, self._threatened = 0, False
        self._face_off(self._random.choice((-1, 1)))

    def _face_off(self, direction: int) -> None:
        """Put everything to its start; the puck leaves upwards (-1) or downwards (1)."""
        self.agent, self.opponent = Body(*AGENT_START), Body(*OPPONENT_START)
        angle = pi * self._random.uniform(-0.35, 0.35)
        self.puck = Body(MIDDLE, MIDDLE)
        self.puck.vx = PUCK_SPEED * cos(angle) * self._random.choice((-1, 1))
        self.puck.vy = direction * PUCK_SPEED * abs(0.7 * sin(angle) + 0.3)

    def _advance(self, action: list[float]) -> None:
        agent, puck = self.agent, self.puck
        agent.vx, agent.vy = PADDLE_SPEED * action[0], PADDLE_SPEED * action[1]
        agent.x = clip(agent.x + agent.vx, PADDLE_LEFT, PADDLE_RIGHT)
        agent.y = clip(agent.y + agent.vy, AGENT_TOP, AGENT_BOTTOM)
        self._move_opponent(*self._opponent_target())
        puck.x += puck.vx
        puck.y += puck.vy
        self._hit(agent)
        self._hit(self.opponent)
        self._rebound()
        self._slow_puck()

    def _opponent_target(self) -> tuple[float, float]:
        """Return where the opponent wants to be: at home, or after its reaction at the puck."""
        puck = self.puck
        if not (puck.y < THREAT_Y and puck.vy < 0):
            self._threatened = False
            return HOME
        if not self._threatened:
            haste = clip((hypot(puck.vx, puck.vy) - 2.0) / 8.0, 0.0, 1.0)
            self._delay = self._random.randint(floor(5 - 4 * haste), floor(10 - 6 * haste))
            self._threatened = True
        if self._delay > 0:
            self._delay -= 1
            return HOME
        return clip(puck.x, PADDLE_LEFT, PADDLE_RIGHT), min(puck.y + 12.0, STRIKE_Y)

    def _move_opponent(self, x: float, y: float) -> None:
        opponent, gauss = self.opponent, self._random.gauss
        dx, dy = x - opponent.x, y - opponent.y
        distance = hypot(dx, dy)
        if distance > 1e-5:
            speed = min(OPPONENT_SPEED, distance)
            opponent.vx = dx / distance * speed + gauss(0.0, OPPONENT_JITTER)
            opponent.vy = dy / distance * speed + gauss(0.0, OPPONENT_JITTER)
        else:
            opponent.vx = opponent.vy = 0.0
        opponent.x = clip(opponent.x + opponent.vx, PADDLE_LEFT, PADDLE_RIGHT)
        opponent.y = clip(opponent.y + opponent.vy, OPPONENT_TOP, OPPONENT_BOTTOM)

    def _hit(self, paddle: Body) -> None:
        """Part a paddle and the puck, and reflect the puck if they approach each other."""
        puck = self.puck
        dx, dy = puck.x - paddle.x, puck.y - paddle.y
        distance = hypot(dx, dy)
        if distance >= PUCK_RADIUS + PADDLE_RADIUS:
            return
        nx, ny = dx / (distance + 1e-8), dy / (distance + 1e-8)
        apart = PUCK_RADIUS + PADDLE_RADIUS - distance + HIT_GAP
        puck.x += apart * nx
        puck.y += apart * ny
        approach = (puck.vx - paddle.vx) * nx + (puck.vy - paddle.vy) * ny
        if approach < 0:
            puck.vx += -(1 + RESTITUTION) * approach * nx + HIT_BOOST * paddle.vx
            puck.vy += -(1 + RESTITUTION) * approach * ny + HIT_BOOST * paddle.vy

    def _rebound(self) -> None:
        """Reflect the puck at the rink's border; beyond a goal's line it is a goal."""
        puck = self.puck
        self._goal = 0.0
        if puck.x - PUCK_RADIUS < LEFT:
            puck.x, puck.vx = LEFT + PUCK_RADIUS, -RESTITUTION * puck.vx
        elif puck.x + PUCK_RADIUS > RIGHT:
            puck.x, puck.vx = RIGHT - PUCK_RADIUS, -RESTITUTION * puck.vx
        in_mouth = MOUTH_LEFT <= puck.x <= MOUTH_RIGHT
        if in_mouth:
            if puck.y <= TOP - GOAL_DEPTH:
                self._goal = 1.0
                self.agent_goals += 1
                self._face_off(-1)
            elif puck.y >= BOTTOM + GOAL_DEPTH:
                self._goal = -1.0
                self.opponent_goals += 1
                self._face_off(1)
        elif puck.y - PUCK_RADIUS < TOP:
            puck.y, puck.vy = TOP + PUCK_RADIUS, -RESTITUTION * puck.vy
        elif puck.y + PUCK_RADIUS > BOTTOM:
            puck.y, puck.vy = BOTTOM - PUCK_RADIUS, -RESTITUTION * puck.vy

    def _slow_puck(self) -> None:
        puck = self.puck
        factor = 1.0 - DAMPING
        speed = factor * hypot(puck.vx, puck.vy)
        if speed > MAX_PUCK_SPEED:
            factor *= MAX_PUCK_SPEED / (speed + 1e-8)
        puck.vx *= factor
        puck.vy *= factor

    def _reward(self) -> float:
        return self._goal

    def _observe(self) -> tuple[float, ...]:
        puck, agent, opponent = self.puck, self.agent, self.opponent
        return (
            puck.x / SIZE,
            puck.y / SIZE,
            puck.vx / MAX_PUCK_SPEED,
            puck.vy / MAX_PUCK_SPEED,
            agent.x / SIZE,
            agent.y / SIZE,
            agent.vx / PADDLE_SPEED,
            agent.vy / PADDLE_SPEED,
            opponent.x / SIZE,
            opponent.y / SIZE,
            opponent.vx / PADDLE_SPEED,
            opponent.vy / PADDLE_SPEED,
        )
