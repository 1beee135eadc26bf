"""A person at MiniArcade: keys move the game, in a window that nobody has to see."""

from __future__ import annotations

import os

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade import GAMES
from newt_core.envs.play import window as playing
from newt_core.envs.play.table import CONTROLS, sit_down
from newt_core.envs.play.window import play
from newt_core.errors import ConfigError, NoDisplayError
from newt_core.specs import load_specs

LIBRARY = load_specs()
SPECS = [spec for spec in LIBRARY.values() if spec.domain == "miniarcade"]


def table_of(task, seed=3):
    return sit_down(LIBRARY[f"pygame-{task}"], seed)


def steps(table, count):
    for _ in range(count):
        table.advance()
    return table.session.simulator


def test_every_game_has_controls():
    assert set(CONTROLS) == set(GAMES)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_every_entry_of_the_action_has_keys_that_move_the_game(spec):
    assert len(CONTROLS[spec.env["game"]]) == spec.action_dim
    for entry, (axis, _) in enumerate(CONTROLS[spec.env["game"]]):
        pressed, idle = sit_down(spec, 3), sit_down(spec, 3)
        pressed.press(axis.more[0])
        assert pressed.action().tolist() == [float(i == entry) for i in range(spec.action_dim)]
        idle.paused = False
        # The elbow of an arm and a jump need some steps to show.
        assert not np.array_equal(steps(pressed, 6).render(), steps(idle, 6).render())


@pytest.mark.parametrize(
    ("task", "key", "attribute", "sign"),
    [
        ("highway", "right", "x", 1),
        ("highway", "a", "x", -1),
        ("highway", "w", "y", -1),
        ("landing", "up", "y", -1),
        ("pong", "down", "agent_y", 1),
        ("coconut-dodge", "d", "x", 1),
        ("cowboy", "space", "y", -1),
        ("coinrun", "up", "y", -1),
        ("cartpole-balance", "left", "x", -1),
    ],
)
def test_keys_push_where_a_player_expects(task, key, attribute, sign):
    pressed, idle = table_of(task), table_of(task)
    pressed.press(key)
    idle.paused = False

    def place(table):
        game = steps(table, 6)
        return getattr(getattr(game, "runner", game), attribute)

    assert sign * (place(pressed) - place(idle)) > 0.01


def test_both_directions_cancel_out_and_shift_halves():
    table = table_of("highway")
    table.press("right")
    table.press("down")
    assert table.action().tolist() == [1.0, 1.0]
    table.press("left shift")
    assert table.action().tolist() == [0.5, 0.5]
    table.press("left")
    assert table.action().tolist() == [0.0, 0.5]
    table.release("right")
    table.release("left shift")
    assert table.action().tolist() == [-1.0, 1.0]


def test_an_episode_waits_for_a_key_pauses_and_restarts():
    table = table_of("cowboy")
    steps(table, 3)
    assert table.session.steps == 0
    assert table.banner() == "space: jump"
    table.press("x")  # not a key of the game
    steps(table, 3)
    assert table.session.steps == 0
    table.press("space")
    steps(table, 3)
    assert table.session.steps == 3
    assert table.banner() is None
    table.press("p")
    steps(table, 3)
    assert (table.session.steps, table.banner()) == (3, "paused")
    table.press("p")
    steps(table, 1)
    assert table.session.steps == 4
    table.look_away()
    assert table.action().tolist() == [0.0]
    assert table.banner() == "paused"
    table.press("r")
    assert (table.session.steps, table.session.episode_return) == (0, 0.0)
    assert [episode.steps for episode in table.played] == [4]
    table.press("escape")
    assert not table.open
    assert len(table.played) == 1  # the second episode never began


def test_an_episode_ends_at_its_length():
    table = table_of("landing")
    table.press("up")
    steps(table, 250)
    assert table.session.steps == 200
    assert "R plays again" in table.banner()
    table.press("q")
    assert [episode.steps for episode in table.played] == [200]


def test_a_seed_determines_the_episodes():
    def pictures(seed):
        table = table_of("coinrun", seed)
        first = table.session.simulator.render()
        table.press("r")
        return np.stack([first, table.session.simulator.render()])

    assert np.array_equal(pictures(1), pictures(1))
    assert not np.array_equal(pictures(1), pictures(2))
    assert not np.array_equal(*pictures(1))


def test_only_miniarcade_can_be_played():
    with pytest.raises(ConfigError, match="'walker-run' is a task of dmcontrol: only the games"):
        play(LIBRARY["walker-run"])


# ------------------------------------------------------------------------------ the window


@pytest.fixture
def watched(monkeypatch):
    """Return what the window showed: (step, pixels) of every frame; keys come from ``script``."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    seen, tables = [], []
    script: dict[int, list[tuple[int, int | None]]] = {}
    sit = playing.sit_down

    def remember(spec, seed):
        tables.append(sit(spec, seed))
        return tables[-1]

    class Clock:
        """Instead of waiting, it plays the person."""

        def tick(self, fps):
            screen = pygame.display.get_surface()
            pixels = pygame.surfarray.array3d(screen).swapaxes(0, 1)
            seen.append((tables[-1].session.steps, pixels))
            for kind, key in script.get(len(seen), []):
                pygame.event.post(pygame.event.Event(kind, {"key": key} if key else {}))

    monkeypatch.setattr(playing, "sit_down", remember)
    monkeypatch.setattr(pygame.time, "Clock", Clock)
    return pygame, seen, script


def test_keys_in_the_window_move_the_game(watched):
    pygame, seen, script = watched
    script |= {
        3: [(pygame.KEYDOWN, pygame.K_d)],
        13: [(pygame.KEYDOWN, pygame.K_p)],
        16: [(pygame.KEYUP, pygame.K_d), (pygame.KEYDOWN, pygame.K_LEFT)],
        20: [(pygame.KEYDOWN, pygame.K_ESCAPE)],
    }
    episodes = play(LIBRARY["pygame-highway"], seed=1, size=448)
    shown = [step for step, _ in seen]
    assert shown[:3] == [0, 0, 0]  # it waits for the player
    assert shown[3:13] == list(range(1, 11))
    assert shown[13:16] == [10, 10, 10]  # paused
    assert shown[16:20] == [11, 12, 13, 14]
    assert [episode.steps for episode in episodes] == [14]

    # The red car has driven to the right in the picture, and the score is written below it.
    def car(pixels):
        red = (pixels[:448, :, 0] > 180) & (pixels[:448, :, 1] < 90) & (pixels[:448, :, 2] < 90)
        return np.flatnonzero(red.any(axis=0)).mean()

    assert car(seen[12][1]) > car(seen[3][1]) + 30
    assert seen[0][1].shape == (448 + 45, 448, 3)
    assert (seen[12][1][448:] > 200).any()
    assert not pygame.display.get_init()


def test_closing_the_window_ends_the_play(watched):
    pygame, seen, script = watched
    script |= {
        1: [(pygame.KEYDOWN, pygame.K_SPACE)],
        4: [(pygame.WINDOWFOCUSLOST, None)],
        6: [(pygame.QUIT, None)],
    }
    episodes = play(LIBRARY["pygame-cowboy"], seed=1, size=224)
    assert [step for step, _ in seen] == [0, 1, 2, 3, 3, 3]
    assert [episode.steps for episode in episodes] == [3]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SDL_VIDEODRIVER": "nonsense"},
        {"DISPLAY": ":4711"},  # where nobody listens: SDL would play in memory
        {"WAYLAND_DISPLAY": "nowhere", "XDG_RUNTIME_DIR": "/nowhere"},
    ],
)
def test_without_a_display_one_error_says_so(monkeypatch, variables):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoDisplayError, match=r"^cannot open a window: .*machine with a screen"):
        play(LIBRARY["pygame-pong"])
    assert ("SDL_VIDEODRIVER" in os.environ) == ("SDL_VIDEODRIVER" in variables)
