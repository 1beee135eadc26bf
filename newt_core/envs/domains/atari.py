"""Atari: games of the Arcade Learning Environment, played from memory with a continuous joystick.

Bellemare et al., "The Arcade Learning Environment" (2013); Farebrother and Castro, "CALE:
Continuous Arcade Learning Environment" (2024) for the joystick. A task's ``env`` holds

- ``game``: the emulator's name of the game, such as ``ms_pacman``;
- ``sticky``: optionally the probability with which, in every frame, the emulator repeats its
  previous input instead of the action's (0).

The observation is the console's RAM, 128 bytes divided by 255. :class:`AtariSimulator` talks to
the emulator itself: states and rewards equal those of the library's Gymnasium environment,
which also collects an info that nobody reads (``tests/envs/test_atari.py``).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ale_py
import numpy as np
from ale_py import roms

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.frames import resize
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

MAX_BYTE = 255
"""What a byte of RAM is divided by."""

FRAMES_PER_SECOND = 60
"""Of the console, on a television of its home country."""

CANVAS = 224
"""Height and width in pixels of the black picture on which the screen is centred."""

STICK_SCALE = np.array([0.5, math.pi, 0.5], dtype=np.float32)
STICK_OFFSET = np.array([0.5, 0.0, 0.5], dtype=np.float32)
"""From [-1, 1] to radius in [0, 1], angle in [-π, π], pressure on the button in [0, 1]."""

STICK_THRESHOLD = 0.5
"""How far the stick, or the button, must be moved to make its contact (the library's default)."""

NO_SUCCESS = 0.0
"""No game has a success signal; the benchmark reports 0 then."""

_ACTIONS = {
    (horizontal, vertical, fire): ale_py.Action.__members__[
        (("", "UP", "DOWN")[vertical] + ("", "RIGHT", "LEFT")[horizontal] + ("", "FIRE")[fire])
        or "NOOP"
    ]
    for horizontal in (-1, 0, 1)
    for vertical in (-1, 0, 1)
    for fire in (False, True)
}
"""The emulator's input for the stick's direction (right and up are 1) and the button."""


def build(spec: TaskSpec) -> AtariSimulator:
    """Start an emulator with the game that ``spec.env`` names.

    Raises:
        SpecError: the emulator has no such game, or ``env`` holds something else that is wrong.
    """
    unknown = sorted(spec.env.keys() - {"game", "sticky"})
    if unknown:
        raise SpecError(
            f"task '{spec.id}': env has no setting '{unknown[0]}'; it takes 'game' and 'sticky'."
        )
    game = spec.env.get("game")
    games = roms.get_all_rom_ids()
    rom = roms.get_rom_path(game) if game in games else None
    if rom is None:
        raise SpecError(
            f"task '{spec.id}': the emulator has no game '{game}' (env needs 'game')."
            f"{did_you_mean(str(game), games)}"
        )
    return AtariSimulator(rom, _sticky(spec), spec.action_repeat)


def _sticky(spec: TaskSpec) -> float:
    """Return the probability of a repeated input that ``spec.env`` asks for."""
    sticky: Any = spec.env.get("sticky", 0.0)
    if isinstance(sticky, bool) or not isinstance(sticky, int | float) or not 0 <= sticky < 1:
        raise SpecError(
            f"task '{spec.id}': env's 'sticky' is {sticky!r}; it must be a probability "
            f"from 0 to below 1."
        )
    return float(sticky)


class AtariSimulator:
    """One console under Newt's contract.

    Every episode starts from one stored state, a few frames after the console was switched on
    with the game in it, so that none has traces of the one before. The emulator's own reset takes
    some 40 times as long, and leaves traces in a quarter of the games; to switch the console on
    again would take 900 times as long (``benchmarks/atari_resets.py``).

    Args:
        rom: the game's file.
        sticky: probability with which the emulator repeats its previous input in a frame.
        frames: how many frames an action is held.
    """

    def __init__(self, rom: Path, sticky: float, frames: int) -> None:
        # The level belongs to the process; the library's own environment sets the same one.
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self._ale = ale_py.ALEInterface()
        self._ale.setFloat("repeat_action_probability", sticky)
        self._rom = rom
        self._sticky = sticky
        self._frames = frames
        self.step_seconds = frames / FRAMES_PER_SECOND
        self._ram = np.zeros(self._ale.getRAMSize(), dtype=np.uint8)
        self._switch_on(seed=0)
        self._ale.reset_game()
        self._start = self._ale.cloneState()  # without the emulator's random stream
        self._start_screen: Frame = self._ale.getScreenRGB()
        self._at_start = True

    def reset(self, seed: int | None) -> FloatArray:
        """Go back to the start of the game. Only sticky actions have anything to seed."""
        if seed is not None and self._sticky > 0.0:
            self._switch_on(seed)  # the only way to seed the emulator; some 100 ms
        self._ale.restoreState(self._start)
        self._at_start = True
        return self._observe()

    def step(self, action: FloatArray) -> Outcome:
        """Hold the joystick for as many frames as the action is repeated.

        Once the game is over the emulator stands still, and the reward is 0.
        """
        radius, angle, button = STICK_SCALE * action + STICK_OFFSET
        right = radius * np.cos(angle)
        up = radius * np.sin(angle)
        direction = (_contact(right), _contact(up), bool(button > STICK_THRESHOLD))
        stick, strength = _ACTIONS[direction], float(radius)  # games with paddles use the strength
        reward = 0
        for _ in range(self._frames):
            # Not the emulator's own frame skip: that would change how double_dunk starts.
            reward += self._ale.act(stick, strength)
        self._at_start = False
        return Outcome(self._observe(), float(reward), NO_SUCCESS)

    def render(self, height: int = CANVAS, width: int = CANVAS) -> Frame:
        """Centre the screen, 210 x 160 pixels, on black; other sizes scale that picture."""
        # Restoring a state does not draw it.
        screen = self._start_screen if self._at_start else self._ale.getScreenRGB()
        rows, columns = screen.shape[:2]
        top, left = (CANVAS - rows) // 2, (CANVAS - columns) // 2
        frame: Frame = np.zeros((CANVAS, CANVAS, 3), dtype=np.uint8)
        frame[top : top + rows, left : left + columns] = screen
        return resize(frame, height, width)

    def close(self) -> None:
        """Nothing is held that garbage collection would not release."""

    def _switch_on(self, seed: int) -> None:
        """Put the game into a new console whose random stream ``seed`` determines."""
        # 31 bits: the emulator takes an int, and its -1 means the time of day.
        (word,) = np.random.SeedSequence(seed).generate_state(1)
        self._ale.setInt("random_seed", int(word >> 1))
        self._ale.loadROM(self._rom)

    def _observe(self) -> FloatArray:
        """Return the RAM, [128] in [0, 1]."""
        self._ale.getRAM(self._ram)
        return np.divide(self._ram, MAX_BYTE, dtype=np.float32)


def _contact(deflection: float) -> int:
    """Return which of an axis's two contacts the stick makes: 1, -1, or 0 for neither."""
    return int(deflection > STICK_THRESHOLD) - int(deflection < -STICK_THRESHOLD)
