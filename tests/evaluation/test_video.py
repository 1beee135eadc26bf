"""Videos: what was played is what the file shows."""

from __future__ import annotations

import resource
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from newt_core.envs.task_env import ObsMode
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation import scene
from newt_core.evaluation.caption import FULL_SIDE, MARGIN, PAPER, Captioner
from newt_core.evaluation.grid import Panel, film_grid, in_rows
from newt_core.evaluation.scene import Scene
from newt_core.evaluation.video import Pace, choose_pace, film
from newt_core.specs import TaskSpec, load_specs

STEPS = 5
HEIGHT = Captioner(2).height


class Still:
    """Plays nothing, and remembers where episodes began."""

    obs: ObsMode = "state"

    def __init__(self) -> None:
        self.firsts: list[bool | None] = []

    def act(self, obs, task: str, *, first: bool | None = None):
        self.firsts.append(first)
        return np.zeros(load_specs()[task].action_dim, np.float32)

    def value(self, task: str) -> float | None:
        return 10.0 + len(self.firsts)


@pytest.fixture
def spec() -> TaskSpec:
    return load_specs()["pygame-pong"].model_copy(update={"episode_length": STEPS})


def test_an_mp4_has_a_frame_before_the_first_step_and_after_every_one(spec, tmp_path):
    player, told = Still(), []
    path = tmp_path / "videos" / "pong.mp4"
    made = film(
        player, spec, path, episodes=2, on_progress=lambda done, total: told.append((done, total))
    )
    assert (made.path, made.frames, made.fps) == (path, 2 * (STEPS + 1), 30.0)
    assert told[-1] == (made.frames, made.frames)
    assert player.firsts == 2 * [True, False, False, False, False]
    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    assert about["size"] == (FULL_SIDE, FULL_SIDE + HEIGHT)
    assert about["fps"] == pytest.approx(30.0)
    width, height = about["size"]
    frames = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    assert len(frames) == made.frames
    strip = frames[0][FULL_SIDE:].astype(int)
    assert (strip > 150).any(), "there is no caption"
    assert abs(np.median(strip) - PAPER[0]) < 12
    assert not list(path.parent.glob(".*")), "an unfinished file is left"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """The texts of every picture."""
    lines: list[list[tuple[str, str]]] = []
    caption = Captioner.__call__

    def watched(self, frame, texts):
        lines.append(list(texts))
        return caption(self, frame, texts)

    monkeypatch.setattr(Captioner, "__call__", watched)
    return lines


def test_captions_say_which_episode_how_far_and_what_it_got(spec, tmp_path, written, monkeypatch):
    rewards = iter([0.25, -1.0, 2.0] + [0.0] * 20)

    def step(self, action, real=scene.TaskEnv.step):
        obs, _, *rest = real(self, action)
        return obs, next(rewards), *rest

    monkeypatch.setattr(scene.TaskEnv, "step", step)
    film(Still(), spec, tmp_path / "two.mp4", episodes=2)
    assert written[0] == [
        ("pygame-pong", f"episode 1/2 · step 0/{STEPS}"), ("reward -", "return 0.0")
    ]  # fmt: skip
    assert written[3] == [
        ("pygame-pong", f"episode 1/2 · step 3/{STEPS}"),
        ("reward 2.00 · value 13.0", "return 1.2"),
    ]
    assert written[STEPS][0][1] == f"episode 1/2 · step {STEPS}/{STEPS}"
    assert written[STEPS + 1] == [
        ("pygame-pong", f"episode 2/2 · step 0/{STEPS}"), ("reward -", "return 0.0")
    ]  # fmt: skip
    film(Still(), spec, tmp_path / "one.mp4")
    assert written[-1][0] == ("pygame-pong", f"step {STEPS}/{STEPS}")


def test_an_agent_without_values_has_none_in_its_captions(spec, tmp_path, written):
    class Model(Still):
        def value(self, task: str) -> float | None:
            return None

    film(Model(), spec, tmp_path / "one.mp4")
    assert "value" not in str(written)


def test_a_bare_video_has_no_texts(spec, tmp_path, written):
    made = film(Still(), spec, tmp_path / "pong.gif", bare=True)
    assert not written
    with Image.open(made.path) as picture:
        assert picture.size == (FULL_SIDE, FULL_SIDE)


def test_of_a_quick_simulator_every_third_step_is_shown_and_the_last(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(Scene, "step_seconds", 0.008)
    assert STEPS % 3, "the last step is shown for being the last"
    made = film(Still(), spec, tmp_path / "pong.mp4", episodes=2)
    assert made.frames == 2 * (1 + STEPS // 3 + 1)


def test_a_gif_plays_as_fast_as_it_says(spec, tmp_path):
    made = film(Still(), spec, tmp_path / "pong.gif", fps=25)
    assert made.fps == 25.0
    with Image.open(made.path) as picture:
        assert picture.info["duration"] == 40  # milliseconds
        assert picture.size == (FULL_SIDE, FULL_SIDE + HEIGHT)


def test_the_file_that_was_there_survives_a_failing_player(spec, tmp_path):
    class Broken(Still):
        def act(self, obs, task, *, first=None):
            raise RuntimeError("no idea")

    path = tmp_path / "pong.mp4"
    path.write_bytes(b"an older one")
    with pytest.raises(RuntimeError, match="no idea"):
        film(Broken(), spec, path)
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_at_the_end_leaves_no_half_video(spec, tmp_path):
    film(Still(), spec, tmp_path / "whole.mp4")
    room = (tmp_path / "whole.mp4").stat().st_size - 500
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match="Is the disk full"):
            film(Still(), spec, tmp_path / "pong.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mp4"]


def test_without_ffmpeg_there_is_one_line_and_no_file(spec, tmp_path, monkeypatch):
    def find():
        raise RuntimeError("no ffmpeg")

    monkeypatch.setattr("imageio_ffmpeg._io.get_ffmpeg_exe", find)
    with pytest.raises(MissingDependencyError, match=r"there is no ffmpeg.*imageio-ffmpeg"):
        film(Still(), spec, tmp_path / "pong.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("step_seconds", "name", "fps", "pace"),
    [
        (None, "a.mp4", None, Pace(30.0)),  # a game without a clock
        (0.02, "a.mp4", None, Pace(50.0)),
        (1 / 60, "a.mp4", None, Pace(60.0)),
        (0.008, "a.mp4", None, Pace(41.667, every=3)),  # 125 steps per second
        (0.4, "a.mp4", None, Pace(10.0)),  # a maze in long strides
        (0.02, "a.mp4", 10.0, Pace(10.0)),  # slow motion
        (1 / 60, "a.gif", None, Pace(33.333, every=2)),  # a GIF's 30 ms
    ],
)
def test_a_video_plays_in_real_time_unless_told_otherwise(step_seconds, name, fps, pace):
    assert choose_pace(step_seconds, Path(name), fps) == pace


def test_what_no_format_can_do_is_refused(spec, tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.mp4 or \.gif"):
        film(Still(), spec, tmp_path / "pong.avi")
    with pytest.raises(ConfigError, match=r"at most 50 for \.gif"):
        film(Still(), spec, tmp_path / "pong.gif", fps=60)


def test_without_a_renderer_there_is_one_line_and_no_file(spec, tmp_path, monkeypatch):
    def render(self):
        raise MissingDependencyError("needs a driver")

    monkeypatch.setattr(scene.TaskEnv, "render", render)
    with pytest.raises(MissingDependencyError, match="needs a driver"):
        film(Still(), spec, tmp_path / "pong.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("task", "rate"),
    [
        ("cartpole-balance", 50),
        ("mujoco-reacher", 50),
        ("lunarlander-land", 25),
        ("mw-reach", 40),
        ("og-point-maze", 2.5),
        ("atari-assault", 15),
    ],
)
def test_tasks_with_a_clock_say_how_long_a_step_takes(task, rate):
    env = scene.TaskEnv(load_specs()[task])
    try:
        assert env.step_seconds == pytest.approx(1 / rate)
    finally:
        env.close()


FRAME = np.full((40, 200, 3), 90, np.uint8)


def test_a_caption_stands_below_the_picture():
    caption = Captioner(2, 200)
    captioned = caption(FRAME, [("left", "right"), ("", "")])
    assert captioned.shape == (40 + caption.height, 200, 3)
    assert (captioned[:40] == 90).all()
    strip = captioned[40:, :, 0] > 150
    upper, lower = strip[: caption.height // 2], strip[caption.height // 2 :]
    assert upper[:, :60].any()
    assert upper[:, 140:].any()
    assert not upper[:, 80:120].any()
    assert not lower.any()


def test_captions_stand_at_the_two_ends():
    wide = np.full((40, FULL_SIDE, 3), 90, np.uint8)
    ink = np.flatnonzero((Captioner()(wide, [("left", "right")])[40:, :, 0] > 150).any(0))
    assert ink[0] == pytest.approx(MARGIN, abs=2)
    assert ink[-1] == pytest.approx(FULL_SIDE - MARGIN, abs=2)


@pytest.mark.parametrize("side", [192, 224, 288, 368, 448])
def test_captions_fit_below_small_pictures(side):
    caption = Captioner(2, side)
    assert (side + caption.height) % 16 == 0, "players would get another size"
    frame = np.full((side, side, 3), 90, np.uint8)
    texts = [
        ("cartpole-swingup-sparse", "step 100/500"),
        ("reward 0.98 · value 96.3", "return 4.1"),
    ]
    ink = np.flatnonzero((caption(frame, texts)[side:, :, 0] > 150).any(0))
    assert ink[0] > 0, "letters are cut off"
    assert ink[-1] < side - 1, "letters are cut off"


# -- several tasks at once ---------------------------------------------------------------------


def small(task: str, steps: int) -> TaskSpec:
    return load_specs()[task].model_copy(update={"episode_length": steps})


def of(*specs: TaskSpec) -> list[Panel]:
    return [Panel(Still(), spec) for spec in specs]


def test_a_grid_shows_every_task_at_its_own_pace(tmp_path, written):
    # At 30 frames per second, a game of 30 steps per second and a cartpole of 50.
    specs = [small("pygame-pong", 6), small("cartpole-balance", 20)]
    told: list[tuple[str, int, int]] = []
    made, left_out = film_grid(
        of(*specs), tmp_path / "grid.mp4", on_progress=lambda *counts: told.append(counts)
    )
    assert (made.fps, made.frames, left_out) == (30.0, 13, {})
    assert told[6] == ("pygame-pong", 7, 7)
    assert told[-1] == ("cartpole-balance", 13, 13)
    texts = [(task, where) for ((task, where), _) in written]
    assert texts[:7] == [("pygame-pong", f"step {step}/6") for step in range(7)]
    steps = [0, 1, 3, 5, 6, 8, 10, 11, 13, 15, 16, 18, 20]
    assert texts[7:] == [("cartpole-balance", f"step {step}/20") for step in steps]
    reader = imageio_ffmpeg.read_frames(str(made.path))
    assert next(reader)["size"] == (2 * FULL_SIDE, FULL_SIDE + HEIGHT)
    assert len(list(reader)) == 13


def test_pictures_of_a_large_grid_are_smaller(tmp_path):
    made, _ = film_grid(of(*[small("pygame-pong", 1)] * 5), tmp_path / "grid.gif", bare=True)
    with Image.open(made.path) as picture:
        assert picture.size == (3 * 384, 2 * 384)


def test_tasks_in_a_grid_look_as_they_do_alone(tmp_path):
    # Simulators that draw beside each other in one process spoil each other's pictures.
    specs = [small("cartpole-balance", 1), small("mw-reach", 1)]
    made, _ = film_grid(of(*specs), tmp_path / "grid.gif", fps=10, bare=True)
    with Image.open(made.path) as picture:
        both = np.asarray(picture.convert("RGB")).astype(int)
    for place, spec in enumerate(specs):
        alone = film(Still(), spec, tmp_path / "alone.gif", fps=10, bare=True)
        with Image.open(alone.path) as picture:
            expected = np.asarray(picture.convert("RGB")).astype(int)
        here = both[:, place * FULL_SIDE :][:, :FULL_SIDE]
        assert np.abs(here - expected).mean() < 12, spec.id


def test_a_grid_with_a_pace_shows_every_step_of_every_task(tmp_path, written):
    specs = [small("pygame-pong", 2), small("cartpole-balance", 4)]
    made, _ = film_grid(of(*specs), tmp_path / "grid.gif", fps=20, episodes=2, bare=True)
    assert (made.fps, made.frames) == (20.0, 2 * 5)
    assert not written


def test_a_grid_leaves_out_what_cannot_be_drawn(spec, tmp_path, monkeypatch):
    def render(self, real=scene.TaskEnv.render):
        if self.task.id != "pygame-pong":
            raise MissingDependencyError("needs a driver")
        return real(self)

    monkeypatch.setattr(scene.TaskEnv, "render", render)
    other = small("cartpole-balance", 3)
    made, left_out = film_grid(of(other, spec), tmp_path / "grid.mp4")
    assert left_out == {"cartpole-balance": "needs a driver"}
    assert made.frames == STEPS + 1
    with pytest.raises(MissingDependencyError, match="needs a driver"):
        film_grid(of(other), tmp_path / "none.mp4")
    with pytest.raises(ConfigError, match="a grid of 37 is too large, at most 36"):
        film_grid(of(*[spec] * 37), tmp_path / "none.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["grid.mp4"]


def test_pictures_stand_in_rows():
    pictures = [np.full((2, 3, 3), number, np.uint8) for number in (1, 2, 3)]
    sheet = in_rows(pictures)
    assert sheet.shape == (4, 6, 3)
    assert sheet[:, :, 0].tolist() == [[1, 1, 1, 2, 2, 2]] * 2 + [[3, 3, 3, 0, 0, 0]] * 2
    six = in_rows([*pictures, *pictures], abreast=2)  # nine places would part those of a pair
    assert six.shape == (4, 12, 3)


def test_a_label_stands_beside_the_task(tmp_path, written):
    panels = [Panel(Still(), small("pygame-pong", 1), label) for label in ("as it is", "blind")]
    told: list[str] = []
    film_grid(
        panels,
        tmp_path / "grid.mp4",
        abreast=2,
        on_progress=lambda name, *counts: told.append(name),
    )
    assert dict.fromkeys(told) == dict.fromkeys(["pygame-pong, as it is", "pygame-pong, blind"])
    assert {line[0][0] for line in written} == {"pygame-pong · as it is", "pygame-pong · blind"}
