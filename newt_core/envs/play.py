"""A person plays a game of MiniArcade with the keyboard, in a window.

:class:`Table` is the play itself: which keys are down, whether it is paused, one game step after
the other. :func:`play` puts a pygame window around it. pygame is imported with the window.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from newt_core.envs.imports import explaining_imports
from newt_core.envs.session import Session, open_session
from newt_core.errors import ConfigError, NoDisplayError
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE, FloatArray

if TYPE_CHECKING:
    import pygame

FPS = 30
"""Game steps per second: an episode of 500 steps takes 17 seconds."""
WINDOW_SIZE = 3 * FRAME_SIZE
"""Pixels of the game's side in the window; the games draw in this resolution anyway."""
STRIP_SHARE = 0.1
"""Height of the strip with score and time below the game, as a share of the game's side."""
DRIVER_VARIABLE = "SDL_VIDEODRIVER"
DISPLAYS = {"x11": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
"""SDL's driver → the environment variable that names its display, in SDL's order."""
GENTLE = 0.5
"""What an action is multiplied with while a shift key is down."""

PAPER, INK, FAINT, VEIL = (24, 26, 32), (235, 235, 235), (150, 152, 160), (0, 0, 0, 130)


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


def play(
    spec: TaskSpec, *, seed: int | None = None, fps: int = FPS, size: int = WINDOW_SIZE
) -> list[Played]:
    """Let a person play until the window is closed; return the episodes.

    Args:
        spec: a task of MiniArcade.
        seed: determines the episodes; None for new ones every time.
        fps: game steps per second.
        size: pixels of the game's side.

    Raises:
        ConfigError: the task is of another domain.
        NoDisplayError: there is nowhere to open a window.
    """
    table = sit_down(spec, seed)
    window = Window(f"Newt: {spec.id}", size)
    try:
        while True:
            window.listen(table)
            if not table.open:
                break
            table.advance()
            window.show(table)
            window.wait(fps)
    finally:
        window.close()
        table.session.simulator.close()
    return table.played


class Window:
    """A pygame window: the game, and a strip below it with score and time.

    Args:
        title: of the window.
        size: pixels of the game's side.

    Raises:
        NoDisplayError: there is nowhere to open a window.
        MissingDependencyError: pygame is not installed.
    """

    def __init__(self, title: str, size: int) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        with explaining_imports("miniarcade"):
            import pygame

        self._pygame = pygame
        self._size = size
        self._strip = round(STRIP_SHARE * size)
        try:
            with _choosing_driver():
                pygame.display.init()
            self._screen = pygame.display.set_mode((size, size + self._strip))
        except pygame.error as error:
            pygame.display.quit()
            raise NoDisplayError(_no_display(str(error))) from error
        pygame.display.set_caption(title)
        pygame.font.init()
        self._font = pygame.font.Font(None, round(0.48 * self._strip))
        self._small = pygame.font.Font(None, round(0.36 * self._strip))
        self._clock = pygame.time.Clock()

    def listen(self, table: Table) -> None:
        """Pass on what the player did since the last call."""
        pygame = self._pygame
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                table.leave()
            elif event.type == pygame.KEYDOWN:
                table.press(pygame.key.name(event.key))
            elif event.type == pygame.KEYUP:
                table.release(pygame.key.name(event.key))
            elif event.type == pygame.WINDOWFOCUSLOST:
                table.look_away()

    def show(self, table: Table) -> None:
        """Draw the game's present state."""
        pygame, size, session = self._pygame, self._size, table.session
        frame = session.simulator.render(size, size)
        picture = pygame.image.frombuffer(frame.tobytes(), (size, size), "RGB")
        self._screen.fill(PAPER)
        self._screen.blit(picture, (0, 0))
        banner = table.banner()
        if banner is not None:
            self._across(banner)
        line = size + round(0.32 * self._strip)
        edge = round(0.02 * size)
        score = f"score {session.score:.2f}   return {session.episode_return:.1f}"
        self._write(self._font, score, INK, midleft=(edge, line))
        time = f"{session.steps} / {session.spec.episode_length}"
        self._write(self._font, time, INK, midright=(size - edge, line))
        keys = "P pause   R restart   Q quit   shift: gently"
        self._write(self._small, keys, FAINT, midleft=(edge, size + round(0.75 * self._strip)))
        pygame.display.flip()

    def wait(self, fps: int) -> None:
        """Wait for the next frame's time."""
        self._clock.tick(fps)

    def close(self) -> None:
        """Close the window."""
        self._pygame.font.quit()
        self._pygame.display.quit()

    def _across(self, text: str) -> None:
        height = round(1.3 * self._strip)
        veil = self._pygame.Surface((self._size, height), self._pygame.SRCALPHA)
        veil.fill(VEIL)
        middle = self._size // 2
        self._screen.blit(veil, (0, middle - height // 2))
        self._write(self._font, text, INK, center=(middle, middle))

    def _write(
        self,
        font: pygame.font.Font,
        text: str,
        colour: tuple[int, int, int],
        **place: tuple[int, int],
    ) -> None:
        letters = font.render(text, True, colour)
        self._screen.blit(letters, letters.get_rect(**place))


@contextmanager
def _choosing_driver() -> Iterator[None]:
    """Have SDL take the display that the environment names, and no other.

    Left to itself it prints warnings while it looks for one, and falls back on a window that
    exists in memory only.
    """
    if not sys.platform.startswith("linux") or os.environ.get(DRIVER_VARIABLE):
        yield
        return
    drivers = [driver for driver, name in DISPLAYS.items() if os.environ.get(name)]
    if not drivers:
        raise NoDisplayError(_no_display(f"neither {' nor '.join(DISPLAYS.values())} is set"))
    os.environ[DRIVER_VARIABLE] = ",".join(drivers)
    try:
        yield
    finally:
        del os.environ[DRIVER_VARIABLE]


def _no_display(reason: str) -> str:
    return (
        f"cannot open a window: {reason.rstrip('.')}. Play on a machine with a screen "
        f"(over SSH: ssh -X)."
    )
