"""Chase and evade: tag in a round arena with three circling pillars; a catch swaps the roles."""

from __future__ import annotations

from math import cos, hypot, pi, sin

from newt_core.envs.domains.miniarcade.base import SIZE, Game

CENTRE_X, CENTRE_Y = 112.0, 118.0
ARENA_RADIUS = 90.0
RADIUS = 8.0
"""Of agent and opponent."""
REACH = 78.0
"""They come no further from the centre than this."""
START_DISTANCE = 75.0
SPEED = 3.5
EVADER_SPEED = 0.95 * SPEED

PILLARS = 3
PILLAR_RADIUS, PILLAR_DISTANCE = 12.0, 40.0
PILLAR_TURN = 0.01
"""Radians per step."""
PILLAR_REACH = PILLAR_RADIUS + RADIUS
PILLAR_GAP = 0.5
"""Pixels by which a pillar pushes further than it must."""

WATCHFUL = 36.0
"""The opponent steers round pillars, and dodges a pursuer, within this distance."""
EDGE = 72.0
"""An evading opponent turns inwards beyond this distance from the centre."""
INWARDS, SHELTER, DODGE = 0.5, 0.02, 0.2
"""Weights of an evading opponent's wishes beside fleeing, which has 1."""

SWAP_STEPS = 5
"""A swap of roles lasts at least so long, and until the pursuer is in the middle."""
SWAP_ARRIVED, SWAP_NEAR = 2.0, 1.5
SWAP_REACH = 67.0
"""The evader waits no further from the centre than this."""


class Character:
    """Place and velocity of agent or opponent."""

    __slots__ = ("vx", "vy", "x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y
        self.vx = self.vy = 0.0

    def hold_within(self, distance: float) -> None:
        """Put a character that is further from the centre back to ``distance``."""
        dx, dy = self.x - CENTRE_X, self.y - CENTRE_Y
        far = hypot(dx, dy)
        if far > distance:
            self.x = CENTRE_X + dx / far * distance
            self.y = CENTRE_Y + dy / far * distance


class ChaseEvade(Game):
    """Agent, opponent and pillars."""

    painter = "chase_evade"

    def __init__(self) -> None:
        super().__init__()
        self.agent = Character(CENTRE_X, CENTRE_Y)
        self.opponent = Character(CENTRE_X, CENTRE_Y)
        self.agent_evades = False
        self.swapping = False
        self.counter = 0
        """Steps since the last catch, while roles are being swapped."""
        self.phase, self.rotation = 0.0, 1
        self.pillars: list[tuple[float, float]] = []
        self.caught = -1000
        """Step of the last catch, and where."""
        self.caught_x = self.caught_y = 0.0

    def _begin(self) -> None:
        draw = self._random
        angle = draw.uniform(0.0, 2 * pi)
        x, y = START_DISTANCE * cos(angle), START_DISTANCE * sin(angle)
        self.agent = Character(CENTRE_X + x, CENTRE_Y + y)
        self.opponent = Character(CENTRE_X, CENTRE_Y)
        self.agent_evades = draw.random() < 0.5
        self.swapping, self.counter, self.caught = False, 0, -1000
        self.phase = draw.uniform(0.0, 2 * pi)
        self.rotation = draw.choice((-1, 1))
        self._turn_pillars()

    def _turn_pillars(self) -> None:
        start = self.phase + self.rotation * PILLAR_TURN * self.t
        angles = [start + 2 * pi * pillar / PILLARS for pillar in range(PILLARS)]
        self.pillars = [
            (CENTRE_X + PILLAR_DISTANCE * cos(angle), CENTRE_Y + PILLAR_DISTANCE * sin(angle))
            for angle in angles
        ]

    def _advance(self, action: list[float]) -> None:
        self._turn_pillars()
        if self.swapping:
            self._swap_places()
            return
        agent, opponent = self.agent, self.opponent
        speed = EVADER_SPEED if self.agent_evades else SPEED
        self._move(agent, action[0] * speed, action[1] * speed)
        speed = SPEED if self.agent_evades else EVADER_SPEED
        ux, uy = self._pursuit() if self.agent_evades else self._flight()
        wish = hypot(ux, uy)
        if wish > 1e-8:
            ux, uy = ux / wish, uy / wish
        self._move(opponent, ux * speed, uy * speed)
        if self._distance() < 2 * RADIUS:
            self.agent_evades = not self.agent_evades
            self.swapping, self.counter = True, 0
            self.caught, self.caught_x, self.caught_y = self.t, agent.x, agent.y

    def _move(self, character: Character, vx: float, vy: float) -> None:
        """Move a character, keep it in the arena, and let the pillars repel it."""
        character.x += vx
        character.y += vy
        character.hold_within(REACH)
        for x, y in self.pillars:
            dx, dy = x - character.x, y - character.y
            distance = hypot(dx, dy)
            if distance < PILLAR_REACH:
                nx, ny = _unit(dx, dy)
                push = PILLAR_REACH - distance + PILLAR_GAP
                character.x -= nx * push
                character.y -= ny * push
                into = vx * nx + vy * ny
                if into > 0:
                    vx -= 2 * into * nx
                    vy -= 2 * into * ny
        character.vx, character.vy = vx, vy

    def _pursuit(self) -> tuple[float, float]:
        """Return a pursuing opponent's direction: at the agent, but round the pillars."""
        opponent = self.opponent
        ux, uy = _unit(self.agent.x - opponent.x, self.agent.y - opponent.y)
        for x, y in self.pillars:
            dx, dy = opponent.x - x, opponent.y - y
            distance = hypot(dx, dy)
            if distance < WATCHFUL:
                nx, ny = _unit(dx, dy)
                ux += nx * (WATCHFUL - distance) / WATCHFUL
                uy += ny * (WATCHFUL - distance) / WATCHFUL
        return ux, uy

    def _flight(self) -> tuple[float, float]:
        """Return an evading opponent's direction: away, not into the wall, behind pillars."""
        agent, opponent = self.agent, self.opponent
        dx, dy = opponent.x - agent.x, opponent.y - agent.y
        ux, uy = _unit(dx, dy)
        out_x, out_y = opponent.x - CENTRE_X, opponent.y - CENTRE_Y
        if hypot(out_x, out_y) > EDGE:
            nx, ny = _unit(out_x, out_y)
            ux -= INWARDS * nx
            uy -= INWARDS * ny
        for x, y in self.pillars:
            between = (agent.x - x) * (opponent.x - x) + (agent.y - y) * (opponent.y - y)
            if between < 0:
                ux += SHELTER * (x - opponent.x)
                uy += SHELTER * (y - opponent.y)
        if hypot(dx, dy) < WATCHFUL:
            nx, ny = _unit(dx, dy)
            # Both signs are drawn by themselves, as in the published game: rarely sideways only.
            ux -= DODGE * self._random.choice((-1, 1)) * ny
            uy += DODGE * self._random.choice((-1, 1)) * nx
        return ux, uy

    def _swap_places(self) -> None:
        """Send the new pursuer to the middle and the new evader away from it."""
        self.counter += 1
        pursuer, evader = self.opponent, self.agent
        if not self.agent_evades:
            pursuer, evader = evader, pursuer
        dx, dy = CENTRE_X - pursuer.x, CENTRE_Y - pursuer.y
        if hypot(dx, dy) > SWAP_NEAR:
            nx, ny = _unit(dx, dy)
            pursuer.x += SPEED * nx
            pursuer.y += SPEED * ny
        dx, dy = evader.x - CENTRE_X, evader.y - CENTRE_Y
        if hypot(dx, dy) > 0.01:
            nx, ny = _unit(dx, dy)
            evader.x += EVADER_SPEED * nx
            evader.y += EVADER_SPEED * ny
            evader.hold_within(SWAP_REACH)
        away = hypot(pursuer.x - CENTRE_X, pursuer.y - CENTRE_Y)
        if self.counter >= SWAP_STEPS and away < SWAP_ARRIVED:
            self.swapping = False

    def _distance(self) -> float:
        return hypot(self.agent.x - self.opponent.x, self.agent.y - self.opponent.y)

    def _reward(self) -> float:
        closeness = 0.1 * self._distance() / ARENA_RADIUS
        return closeness if self.agent_evades else -closeness

    def _observe(self) -> list[float]:
        agent, opponent = self.agent, self.opponent
        return [
            agent.x / SIZE,
            agent.y / SIZE,
            agent.vx / SPEED,
            agent.vy / SPEED,
            opponent.x / SIZE,
            opponent.y / SIZE,
            opponent.vx / SPEED,
            opponent.vy / SPEED,
            1.0 if self.agent_evades else 0.0,
            *(place / SIZE for pillar in self.pillars for place in pillar),
        ]


def _unit(dx: float, dy: float) -> tuple[float, float]:
    """Return a vector of length 1, or 0 where there is no direction."""
    length = hypot(dx, dy)
    return (dx / length, dy / length) if length > 1e-8 else (0.0, 0.0)
