"""A pygame window around a game that a person plays. pygame is imported with the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newt_core.envs.imports import explaining_imports
from newt_core.envs.play.table import Played, Table, sit_down
from newt_core.errors import NoDisplayError
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE

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
PAPER, INK, FAINT, VEIL = (24, 26, 32), (235, 235, 235), (150, 152, 160), (0, 0, 0, 130)


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
