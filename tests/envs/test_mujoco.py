"""Newt's MuJoCo tasks are Gymnasium's, but for the rewards that the benchmark redefines."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import mujoco as domain
from newt_core.envs.registry import build_simulator
from newt_core.errors import SpecError
from newt_core.specs import load_specs

SPECS = load_specs().select("mujoco")
BY_ID = {spec.id: spec for spec in SPECS}
NEVER_ENDING = ("Ant-v4", "Hopper-v4", "Walker2d-v4")


def _plain(name):
    """Gymnasium's own environment, with all that ``gymnasium.make`` puts around it."""
    import gymnasium

    options = {"terminate_when_unhealthy": False} if name in NEVER_ENDING else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # v4 is out of date
        return gymnasium.make(name, **options)


def _is_up(name, qpos, qvel):
    """Whether a hopper or walker is healthy, from the ranges in Gymnasium's documentation."""
    height, angle = qpos[1], qpos[2]
    if name == "Walker2d-v4":
        return 0.8 < height < 2.0 and -1.0 < angle < 1.0
    others = np.concatenate([qpos[2:], qvel])
    return height > 0.7 and -0.2 < angle < 0.2 and bool((np.abs(others) < 100).all())


class _Expected:
    """The benchmark's reward of one control step, written down a second time."""

    def __init__(self, name, plain):
        self.name, self.plain, self.fallen = name, plain.unwrapped, False

    def reward(self, paid, terminated):
        if self.name in ("Hopper-v4", "Walker2d-v4"):
            up = _is_up(self.name, self.plain.data.qpos, self.plain.data.qvel)
            return max(0.0, paid) if up else -1.0
        if self.name == "InvertedPendulum-v4":
            self.fallen = self.fallen or terminated
            return 0.0 if self.fallen else paid
        return paid


def _assert_equals_gymnasiums(spec, steps, episodes, action_of):
    ours, theirs = build_simulator(spec), _plain(spec.env["id"])
    generator = np.random.default_rng(1)
    rewards = []
    for episode in range(episodes):
        # The first episode is seeded; the next one continues the same random stream.
        seed = 7 if episode == 0 else None
        state, _ = theirs.reset(seed=seed)
        np.testing.assert_array_equal(ours.reset(seed), state.astype(np.float32))
        expected = _Expected(spec.env["id"], theirs)
        for _ in range(steps):
            action = action_of(generator, spec)
            outcome = ours.step(action)
            reward = 0.0
            for _ in range(spec.action_repeat):
                control = action * theirs.action_space.high
                state, paid, terminated, truncated, _ = theirs.step(control)
                reward += expected.reward(float(paid), terminated)
            np.testing.assert_array_equal(outcome.obs, state.astype(np.float32))
            assert outcome.obs.dtype == np.float32
            assert outcome.reward == reward
            assert outcome.success == 0.0
            rewards.append(reward)
    return rewards, truncated


def _random(generator, spec):
    return generator.uniform(-1, 1, spec.action_dim).astype(np.float32)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_every_task_keeps_the_contract(spec):
    check_task(spec)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_a_whole_episode_equals_gymnasiums_and_ends_when_it_ends(spec):
    _, truncated = _assert_equals_gymnasiums(spec, spec.episode_length, 1, _random)
    assert truncated


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_an_unseeded_episode_continues_the_random_stream(spec):
    _assert_equals_gymnasiums(spec, steps=12, episodes=3, action_of=_random)


@pytest.mark.parametrize("task_id", ["mujoco-hopper", "mujoco-walker"])
def test_a_fallen_body_is_fined_at_every_control_step(task_id):
    spec = BY_ID[task_id]
    rewards, _ = _assert_equals_gymnasiums(spec, 300, 1, _random)
    # Random actions make both fall and nothing makes them rise again: two control steps a step.
    assert rewards[0] > 0
    assert rewards[-1] == -2.0


def test_a_fallen_pendulum_earns_nothing_more_though_it_swings_on():
    spec = BY_ID["mujoco-inverted-pendulum"]

    def push(generator, spec):
        return np.full(1, 0.1, dtype=np.float32)

    rewards, _ = _assert_equals_gymnasiums(spec, 40, 2, push)
    first = rewards[:40]
    fall = first.index(0.0)
    # A whole step earns 2; the one of the fall 1 or 0; from then on nothing.
    assert 2 < fall < 35
    assert set(first[: fall - 1]) == {2.0}
    assert not any(first[fall:])
    assert rewards[40] == 2.0  # the next episode starts afresh


def test_an_ant_on_its_back_goes_without_the_bonus_and_without_an_end():
    simulator = domain.build(BY_ID["mujoco-ant"])
    simulator.reset(0)
    environment = simulator._env
    qpos = environment.init_qpos.copy()
    qpos[2] = 1.5  # metres: above the healthy range for the next control steps
    environment.set_state(qpos, environment.init_qvel)
    idle = np.zeros(8, dtype=np.float32)
    in_the_air = simulator.step(idle).reward
    simulator.reset(0)
    assert abs(in_the_air) < 0.1
    assert simulator.step(idle).reward == pytest.approx(2.0, abs=0.5)


def test_the_pendulums_motor_is_used_to_its_full_range():
    simulator = domain.build(BY_ID["mujoco-inverted-pendulum"])
    simulator.reset(0)
    simulator.step(np.full(1, -1.0, dtype=np.float32))
    assert simulator._env.data.ctrl.tolist() == [-3.0]


def test_the_episode_does_not_depend_on_what_happened_before_the_seed():
    for spec in SPECS:
        simulator = build_simulator(spec)
        fresh = simulator.reset(5)
        after = simulator.step(np.ones(spec.action_dim, dtype=np.float32))
        for _ in range(30):
            simulator.step(np.ones(spec.action_dim, dtype=np.float32))
        np.testing.assert_array_equal(simulator.reset(5), fresh)
        again = simulator.step(np.ones(spec.action_dim, dtype=np.float32))
        np.testing.assert_array_equal(again.obs, after.obs)
        assert again.reward == after.reward
        assert not np.array_equal(simulator.reset(6), fresh)


def test_an_unstable_simulation_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log there
    simulator = domain.build(BY_ID["mujoco-hopper"])
    simulator.reset(0)
    simulator._env.data.qvel[:] = np.nan
    with pytest.raises(FloatingPointError):
        simulator.step(np.zeros(3, dtype=np.float32))
    simulator.reset(0)
    simulator.step(np.zeros(3, dtype=np.float32))


def test_an_unknown_environment_is_named():
    spec = BY_ID["mujoco-walker"].model_copy(update={"env": {"id": "Walker-v4"}})
    with pytest.raises(SpecError, match=r"no 'Walker-v4'.*Did you mean 'Walker2d-v4'\?"):
        domain.build(spec)


@pytest.mark.parametrize(
    ("camera", "message"), [("trak", r"no camera 'trak'.*'track'\?"), (4, "no camera '4'")]
)
def test_an_unknown_camera_is_named(camera, message):
    spec = BY_ID["mujoco-walker"].model_copy(update={"camera": camera})
    with pytest.raises(SpecError, match=message):
        domain.build(spec)


RENDER = """
import sys, warnings
import gymnasium, mujoco, numpy as np
from newt_core.envs.frames import resize
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
warnings.simplefilter("ignore")
specs = [load_specs()[task] for task in sys.argv[1:]]
ours = [build_simulator(spec) for spec in specs]
for simulator, spec in zip(ours, specs):
    simulator.reset(3)
# All are drawn in one process, twice: no one's picture may end up in another's.
frames = [simulator.render() for simulator in ours]
for simulator, spec, frame in zip(ours, specs, frames):
    assert frame.shape == (224, 224, 3) and frame.dtype == np.uint8
    assert frame.std() > 5 and np.array_equal(frame, simulator.render()), spec.id
    plain = gymnasium.make(spec.env["id"], render_mode="rgb_array")
    plain.reset(seed=3)
    difference = np.abs(resize(plain.render(), 224, 224).astype(float) - frame).mean()
    # A free camera of the library's looks at where the body is, ours at where it begins.
    assert difference < (0.01 if spec.camera == "track" else 6.0), (spec.id, difference)
    plain.close()
    # Drawing leaves the simulation and its random stream alone.
    untouched = build_simulator(spec)
    untouched.reset(3)
    action = np.full(spec.action_dim, 0.7, dtype=np.float32)
    for _ in range(5):
        simulator.render(48, 64)
        one, other = simulator.step(action), untouched.step(action)
        assert np.array_equal(one.obs, other.obs) and one.reward == other.reward
    assert simulator.render(48, 64).shape == (48, 64, 3)
    assert not np.array_equal(frame, simulator.render()), spec.id
    assert np.array_equal(simulator.reset(None), untouched.reset(None))
    simulator.close()
    simulator.close()
print("drawn", len(frames))
"""


def _run(code, *arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "tasks",
    [
        ["mujoco-ant", "mujoco-inverted-pendulum"],
        pytest.param(list(BY_ID), marks=pytest.mark.slow),
    ],
    ids=len,
)
def test_frames_are_gymnasiums_and_drawing_them_changes_nothing(tasks):
    done = _run(RENDER, *tasks, MUJOCO_GL="egl")
    assert done.stdout.strip() == f"drawn {len(tasks)}", done.stderr


def test_rendering_that_is_switched_off_says_how_to_switch_it_on():
    code = (
        "import newt_core, newt_core.errors\n"
        "env = newt_core.make('mujoco-reacher', render_mode='rgb_array')\n"
        "env.reset()\n"
        "try: env.render()\n"
        "except newt_core.errors.MissingDependencyError as error: print(error)"
    )
    done = _run(code, MUJOCO_GL="disable")
    assert done.stdout.startswith("cannot render with MUJOCO_GL=disable"), done.stderr
