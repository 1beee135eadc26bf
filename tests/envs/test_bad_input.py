"""Mistakes of the kinds that users make: each one clear error, through every way in."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import newt_core
from newt_core.envs import gym_ids
from newt_core.envs.pool import make_pool
from newt_core.errors import (
    ConfigError,
    EnvironmentClosedError,
    InvalidActionError,
    MissingAssetError,
    MissingDependencyError,
    NoEpisodeError,
    PoolStateError,
    UnknownTaskError,
)
from newt_core.specs import load_specs

ROOT = Path(__file__).parents[2]
LIBRARY = load_specs()
TASK = "pygame-landing"
"""Two actions, and quick to build."""


@pytest.fixture(scope="module")
def ways():
    """Every way to step a task: name → (function that steps, shape of its actions)."""
    gym_ids.register()
    env = newt_core.make(TASK)
    gym = gymnasium.make(f"newt/{TASK}-v0")
    pool = make_pool([LIBRARY[TASK]] * 2, workers=1)
    envs = newt_core.make_vec([TASK, TASK], workers=1)
    env.reset(seed=0)
    gym.reset(seed=0)
    pool.reset()
    envs.reset()
    yield {
        "env": (env.step, (2,)),
        "gym": (gym.step, (2,)),
        "pool": (pool.step, (2, 16)),
        "send": (lambda actions: pool.send(actions, [0, 1]), (2, 16)),
        "vec": (envs.step, (2, 16)),
    }
    env.close()
    gym.close()
    pool.close()
    envs.close()


every_way = pytest.mark.parametrize("way", ["env", "gym", "pool", "send", "vec"])


def with_entry(shape, value):
    actions = np.zeros(shape)
    actions.flat[1] = value
    return actions


@every_way
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_not_finite_is_refused(ways, way, value):
    step, shape = ways[way]
    place = r"\(1,\)" if way in ("env", "gym") else r"\(0, 1\)"
    with pytest.raises(InvalidActionError, match=rf"entry {place} is {value}, not a number\.$"):
        step(with_entry(shape, value))


@every_way
def test_an_action_of_the_wrong_length_is_refused(ways, way):
    step, shape = ways[way]
    for wrong in ((*shape[:-1], shape[-1] + 1), (*shape[:-1], 1), (*shape, 1), ()):
        with pytest.raises(InvalidActionError) as caught:
            step(np.zeros(wrong))
        assert f"has shape {wrong}; it must be {shape}." in str(caught.value)


@every_way
@pytest.mark.parametrize("action", [None, "left", [[0.0], [0.0, 1.0]], {"left": 1}])
def test_an_action_that_is_no_array_is_refused(ways, way, action):
    step, _ = ways[way]
    with pytest.raises(InvalidActionError, match=r"^the action "):
        step(action)


@pytest.mark.parametrize("way", ["env", "gym", "pool", "vec"])
def test_a_refused_action_does_not_stop_the_episode(ways, way):
    step, shape = ways[way]
    with pytest.raises(InvalidActionError):
        step(with_entry(shape, np.nan))
    step(np.zeros(shape))


def test_a_closed_environment_says_so_at_once():
    env = newt_core.make(TASK)
    env.reset(seed=0)
    env.close()
    gym_ids.register()
    gym = gymnasium.make(f"newt/{TASK}-v0")
    gym.reset(seed=0)
    gym.close()
    pool = make_pool([LIBRARY[TASK]], workers=1)
    pool.reset()
    pool.close()
    pool.close()
    envs = newt_core.make_vec([TASK], workers=1)
    envs.reset()
    envs.close()
    envs.close()
    row = np.zeros((1, 16), np.float32)
    for call in (
        env.reset,
        env.render,
        lambda: env.step(np.zeros(2)),
        gym.reset,
        lambda: gym.step(np.zeros(2, np.float32)),
        pool.reset,
        pool.recv,
        pool.frames,
        lambda: pool.step(row),
        lambda: pool.send(row, [0]),
        envs.reset,
        lambda: envs.step(row),
    ):
        with pytest.raises(EnvironmentClosedError, match=r"closed"):
            call()


def test_a_step_before_the_first_reset_says_so():
    with closing(newt_core.make(TASK)) as env, pytest.raises(NoEpisodeError, match=r"reset\(\)"):
        env.step(np.zeros(2))
    envs = newt_core.make_vec([TASK], workers=1)
    with closing(envs), pytest.raises(PoolStateError, match=r"reset\(\) the pool first"):
        envs.step(np.zeros((1, 16), np.float32))


def test_a_seed_out_of_range_is_refused():
    envs = newt_core.make_vec([TASK], workers=1)
    with closing(envs):
        for seed in (-1, 2**64):
            with pytest.raises(ConfigError, match=f"seed is {seed}; it must be"):
                envs.reset(seed=seed)
        envs.reset(seed=2**64 - 1)


def test_a_missing_asset_is_one_line_with_the_command_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NEWT_ASSETS", str(tmp_path))
    gym_ids.register()
    task = "ms-pick-apple"
    for build in (
        lambda: newt_core.make(task),
        lambda: gymnasium.make(f"newt/{task}-v0"),
        lambda: newt_core.make_vec([TASK, task], workers=2),
        lambda: make_pool([LIBRARY[task]], workers=1),
    ):
        with pytest.raises(MissingAssetError, match=r"^the asset 'ycb'.*assets download ycb$"):
            build()


def test_an_unknown_task_gets_a_suggestion():
    for call in (
        lambda: newt_core.make("waker-run"),
        lambda: newt_core.make_vec("waker-run"),
        lambda: newt_core.make_vec(["walker-walk", "waker-run"]),
        lambda: LIBRARY.select("waker-run"),
    ):
        with pytest.raises(
            UnknownTaskError, match=r"'waker-run' is not.*Did you mean 'walker-run'"
        ):
            call()
    gym_ids.register()
    with pytest.raises(gymnasium.error.NameNotFound, match="Did you mean: `walker-run`"):
        gymnasium.make("newt/waker-run-v0")


# ------------------------------------------------------------------------- missing packages

PACKAGES = {
    "walker-run": ("dm_control", "dm-control"),
    "mw-reach": ("metaworld", "metaworld"),
    "mujoco-ant": ("mujoco", "mujoco"),
    "bipedal-walker-flat": ("Box2D", "box2d"),
    "rd-push-red": ("robodesk", "robodesk"),
    "og-point-arena": ("ogbench", "ogbench"),
    "atari-alien": ("ale_py", "ale-py"),
}
"""A task of each domain that lives in a package → what it imports, what brings that."""

BUILD = """
import sys
import newt_core
from newt_core.errors import MissingDependencyError
sys.modules[sys.argv[2]] = None  # as if it were not installed
try:
    newt_core.make(sys.argv[1])
except MissingDependencyError as error:
    print(error)
"""


def hide(folder, package):
    """Make a package look as if it were not installed, in workers too."""
    (folder / f"{package}.py").write_text(
        f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')\n"
    )


def python(code, *arguments, folders=(), **variables):
    path = os.pathsep.join(map(str, [*folders, ROOT, *sys.path]))
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("task", PACKAGES)
def test_a_missing_package_is_one_line_with_what_to_install(task):
    package, distribution = PACKAGES[task]
    done = python(BUILD, task, package)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    domain = LIBRARY[task].domain
    assert line.startswith(f"the domain '{domain}' needs the Python package '{package}")
    assert f"pip install '{distribution}==" in line


def test_a_missing_package_is_the_same_error_in_a_pool(tmp_path, monkeypatch):
    hide(tmp_path, "metaworld")
    monkeypatch.syspath_prepend(tmp_path)  # workers look for packages where this process does
    with pytest.raises(MissingDependencyError, match=r"'metaworld', which is not.*==3\.1\.1'\.$"):
        newt_core.make_vec(["pygame-landing", "mw-reach"], workers=2)


def test_a_missing_package_of_pictures_is_named_when_they_are_drawn():
    code = BUILD.replace("make(sys.argv[1])", "make(sys.argv[1], obs='rgb').reset()")
    done = python(code, TASK, "pygame")
    assert "'miniarcade' needs the Python package 'pygame'" in done.stdout, done.stderr


# ------------------------------------------------------------------------- missing OpenGL

NO_DRIVER = {"MUJOCO_GL": "egl", "__EGL_VENDOR_LIBRARY_FILENAMES": "/dev/null"}
"""EGL's dispatcher is there but finds no driver, as without Debian's libegl-mesa0."""

NO_LIBRARY = """
import ctypes, ctypes.util
find, load = ctypes.util.find_library, ctypes.CDLL.__init__
def no_egl(self, name, *args, **options):
    if "EGL" in str(name):
        raise OSError(f"{name}: cannot open shared object file")
    load(self, name, *args, **options)
ctypes.util.find_library = lambda name: None if "EGL" in name else find(name)
ctypes.CDLL.__init__ = no_egl
"""
"""EGL's dispatcher is not there either, as without Debian's libegl1."""

DRAW = """
import sys
import newt_core
from newt_core.errors import NewtError
way, task, obs = sys.argv[1:]
try:
    if way == "env":
        newt_core.make(task, obs=obs).reset(seed=0)
    else:
        newt_core.make_vec([task], obs=obs).reset(seed=0)
except NewtError as error:
    print(type(error).__name__, error)
else:
    print("fine")
"""


def assert_it_says_what_to_install(done):
    (line,) = done.stdout.splitlines()
    assert line.startswith("MissingDependencyError cannot render with MUJOCO_GL=egl: ")
    assert line.endswith("install EGL (Debian: libegl1 libgl1 libegl-mesa0).")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("task", ["walker-run", "mujoco-hopper"])
@pytest.mark.parametrize("way", ["env", "vec"])
def test_without_an_egl_driver_pictures_say_what_to_install(way, task):
    assert_it_says_what_to_install(python(DRAW, way, task, "rgb", **NO_DRIVER))


@pytest.mark.parametrize("setting", ["egl", ""])
def test_without_the_egl_library_pictures_say_what_to_install(setting):
    # With the variable set, MuJoCo already starts EGL when it is imported.
    done = python(NO_LIBRARY + DRAW, "env", "mujoco-hopper", "rgb", MUJOCO_GL=setting)
    assert_it_says_what_to_install(done)


def test_a_pool_of_states_needs_no_driver(worker_processes):
    assert python(DRAW, "vec", "walker-run", "state", **NO_DRIVER).stdout == "fine\n"


def test_on_the_command_line_each_is_one_line_and_exit_code_2(tmp_path):
    hide(tmp_path, "metaworld")
    code = "import sys; from newt_cli.app import main; sys.exit(main())"
    for task, message in (
        ("mw-reach", "pip install 'metaworld=="),
        ("walker-run", "install EGL"),
        ("waker-run", "Did you mean 'walker-run'?"),
    ):
        arguments = ["tasks", "show", task, "--render", str(tmp_path / "a.png")]
        done = python(code, *arguments, folders=[tmp_path], **NO_DRIVER)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert message in line
        assert not (tmp_path / "a.png").exists()
