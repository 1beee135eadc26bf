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
from newt_core.evaluation import video
from newt_core.evaluation.caption import HEIGHT, MARGIN, PAPER, Captioner
from newt_core.evaluation.video import FRAME_SIDE, Pace, choose_pace, film
from newt_core.specs import TaskSpec, load_specs

STEPS = 5


class Still:
    """Plays nothing, and remembers where episodes began."""

    obs: ObsMode = "state"

    def __init__(self) -> None:
        self.firsts: list[bool | None] = []

    def act(self, obs, task: str, *, first: bool | None = None):
        self.firsts.append(first)
        return np.zeros(load_specs()["pygame-pong"].action_dim, np.float32)


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
    assert about["size"] == (FRAME_SIDE, FRAME_SIDE + HEIGHT)
    assert about["fps"] == pytest.approx(30.0)
    width, height = about["size"]
    frames = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    assert len(frames) == made.frames
    strip = frames[0][FRAME_SIDE:].astype(int)
    assert (strip > 150).any(), "there is no caption"
    assert abs(np.median(strip) - PAPER[0]) < 12
    assert not list(path.parent.glob(".*")), "an unfinished file is left"


def test_captions_say_which_episode_how_far_and_what_it_got(spec, tmp_path, monkeypatch):
    written: list[tuple[str, str]] = []
    caption = Captioner.__call__

    def watched(self, frame, texts):
        written.append(tuple(texts))
        return caption(self, frame, texts)

    monkeypatch.setattr(Captioner, "__call__", watched)
    film(Still(), spec, tmp_path / "two.mp4", episodes=2)
    film(Still(), spec, tmp_path / "one.mp4")
    names, texts = zip(*written, strict=True)
    assert set(names) == {"pygame-pong"}
    assert texts[0] == f"episode 1/2 · step 0/{STEPS} · return 0.0"
    assert texts[STEPS].startswith(f"episode 1/2 · step {STEPS}/{STEPS} · return ")
    assert texts[STEPS + 1] == f"episode 2/2 · step 0/{STEPS} · return 0.0"
    assert texts[-1].startswith(f"step {STEPS}/{STEPS} · return ")


def test_a_gif_plays_as_fast_as_it_says(spec, tmp_path):
    made = film(Still(), spec, tmp_path / "pong.gif", fps=25)
    assert made.fps == 25.0
    with Image.open(made.path) as picture:
        assert picture.info["duration"] == 40  # milliseconds
        assert picture.size == (FRAME_SIDE, FRAME_SIDE + HEIGHT)


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

    monkeypatch.setattr(video.TaskEnv, "render", render)
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
    env = video.TaskEnv(load_specs()[task])
    try:
        assert env.step_seconds == pytest.approx(1 / rate)
    finally:
        env.close()


FRAME = np.full((40, 200, 3), 90, np.uint8)


def test_a_caption_stands_below_the_picture():
    frame = FRAME
    captioned = Captioner()(frame, ["left", "right"])
    assert captioned.shape == (40 + HEIGHT, 200, 3)
    assert (captioned[:40] == 90).all()
    strip = captioned[40:, :, 0] > 150
    assert strip[:, :60].any()
    assert strip[:, 140:].any()
    assert not strip[:, 80:120].any()


def test_two_captions_stand_at_the_two_ends():
    ink = np.flatnonzero((Captioner()(FRAME, ["left", "right"])[40:, :, 0] > 150).any(0))
    assert (ink[0], ink[-1]) == (pytest.approx(MARGIN, abs=2), pytest.approx(200 - MARGIN, abs=2))
