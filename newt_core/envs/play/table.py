"""The play itself: which keys are down, whether it is paused, one game step after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from newt_core.envs.session import Session, open_session
from newt_core.errors import ConfigError
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

if TYPE_CHECKING:
    pass

GENTLE = 0.5
"""What an action is multiplied with while a shift key is down."""


class Axis(NamedTuple):
    """Keys, by pygame's names, that push one entry of the action."""

    label: str
    less: tuple[str, ...]
    """Toward -1."""
    more: tuple[str, ...]
    """Toward 1."""


LEFT, RIGHT, UP, DOWN = ("left", "a"), ("right", "d"), ("up", "w"), ("down", "s")
SIDEWAYS = Axis("left/right", LEFT, RIGHT)
DOWNWARD = Axis("up/down", UP, DOWN)
"""The canvas's y axis points down, and with it the games' actions."""
TRIGGER = Axis("space", (), ("space", *UP))
"""Something done or not: a jump, a shot."""
FIRST_JOINT = Axis("left/right", RIGHT, LEFT)
SECOND_JOINT = Axis("up/down", DOWN, UP)
"""Joints turn counterclockwise: left and up from where the arm points right."""

_MOVE = ((SIDEWAYS, "move"), (DOWNWARD, "move"))

CONTROLS: Mapping[str, tuple[tuple[Axis, str], ...]] = MappingProxyType(
    {
        "cartpole": ((SIDEWAYS, "push the cart"),),
        "pong": ((DOWNWARD, "move"),),
        "reacher": ((FIRST_JOINT, "shoulder"), (SECOND_JOINT, "elbow")),
        "point-maze": _MOVE,
        "landing": _MOVE,
        "spaceship": _MOVE,
        "coinrun": ((TRIGGER, "jump"),),
        "cowboy": ((TRIGGER, "jump"),),
        "coconut-dodge": ((SIDEWAYS, "walk"),),
        "air-hockey": _MOVE,
        "chase-evade": _MOVE,
        "bird-attack": ((SIDEWAYS, "move"), (TRIGGER, "fire")),
        "highway": _MOVE,
        "rocket-collect": _MOVE,
    }
)
"""A game's name → for each entry of the action, its keys and what they do."""

PAUSE, RESTART, QUIT = ("p",), ("r",), ("q", "escape")
SHIFT = ("left shift", "right shift")


@dataclass(frozen=True)
class Played:
    """One episode, or its beginning where the player did not go on."""

    steps: int
    episode_length: int
    episode_return: float
    score: float


class Table:
    """One person's episodes of one game, the window apart.

    An episode waits, paused, until a key of the game is pressed.

    Args:
        session: the game; reset here.
        controls: for each entry of the action, its keys and what they do.
        seed: determines the episodes; None for new ones every time.
    """

    def __init__(
        self, session: Session, controls: tuple[tuple[Axis, str], ...], seed: int | None
    ) -> None:
        self.session = session
        self.controls = controls
        self.paused = True
        self.open = True
        """Until the player quits."""
        self.played: list[Played] = []
        """The episodes behind, in order."""
        self._held: set[str] = set()
        self._axes = [axis for axis, _ in controls]
        self._keys = {key for axis in self._axes for key in (*axis.less, *axis.more)}
        session.reset(seed)

    def press(self, key: str) -> None:
        """Take note of a key that goes down."""
        if key in QUIT:
            self.leave()
        elif key in RESTART:
            self._keep()
            self.session.reset(None)
            self.paused = True
        elif key in PAUSE:
            self.paused = not self.paused
        else:
            self._held.add(key)
            if key in self._keys:
                self.paused = False

    def release(self, key: str) -> None:
        """Take note of a key that goes up."""
        self._held.discard(key)

    def look_away(self) -> None:
        """Pause: the player works in another window, where keys may go up unnoticed."""
        self._held.clear()
        self.paused = True

    def leave(self) -> None:
        """End the play."""
        if self.open:
            self._keep()
        self.open = False

    def action(self) -> FloatArray:
        """Return what the keys that are down amount to, [action_dim] in [-1, 1]."""
        strength = GENTLE if self._held & set(SHIFT) else 1.0
        pushes = [
            bool(self._held & set(axis.more)) - bool(self._held & set(axis.less))
            for axis in self._axes
        ]
        return strength * np.array(pushes, dtype=np.float32)

    def advance(self) -> None:
        """Make one game step, unless the game is paused or the episode over."""
        if not self.paused and not self.session.done:
            self.session.step(self.action())

    def banner(self) -> str | None:
        """Return what to tell the player across the picture; None while the game runs."""
        if self.session.done:
            return "time is up: R plays again, Q quits"
        if self.paused and self.session.steps == 0:
            hints = dict.fromkeys(f"{axis.label}: {what}" for axis, what in self.controls)
            return "   ".join(hints)
        return "paused" if self.paused else None

    def _keep(self) -> None:
        session = self.session
        if session.steps > 0:
            length = session.spec.episode_length
            self.played.append(Played(session.steps, length, session.episode_return, session.score))


def sit_down(spec: TaskSpec, seed: int | None = None) -> Table:
    """Prepare a game for a person.

    Raises:
        ConfigError: the task is of another domain.
        SpecError: MiniArcade has no such game.
    """
    if spec.domain != "miniarcade":
        raise ConfigError(
            f"'{spec.id}' is a task of {spec.domain}: only the games of MiniArcade can be played "
            f"by hand. 'newt tasks list miniarcade' shows them."
        )
    return Table(open_session(spec), CONTROLS[str(spec.env["game"])], seed)
