"""Newt's RoboDesk tasks are the library's, to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from functools import cache

import mujoco
import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import robodesk
from newt_core.envs.domains.robodesk import model, reach
from newt_core.errors import MissingDependencyError, SpecError
from newt_core.specs import load_specs

SPECS = load_specs().select("robodesk")
BY_ID = {spec.id: spec for spec in SPECS}
REPEAT = 10
KEYS = ("end_effector", "qpos_objects", "qpos_robot", "qvel_objects", "qvel_robot")
HELD = 5
"""Agent steps for which a random action is held, so that the arm gets somewhere."""


@cache
def _desk(task):
    """A task of the library, which every reset lays out anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from robodesk.robodesk import RoboDesk

    class WithoutPictures(RoboDesk):  # its own fail with today's Pillow
        def render(self, mode="rgb_array", resize=True):
            return None

    return WithoutPictures(task=task, reward="dense", action_repeat=REPEAT, episode_length=1001)


class Library:
    """A task of the library, which draws from NumPy's global stream, with a stream of its own."""

    def __init__(self, spec, seed):
        self.env = _desk(spec.env["task"])
        self._stream = np.random.RandomState(seed).get_state()

    def reset(self):
        ours = np.random.get_state()
        np.random.set_state(self._stream)
        self.env.reset()
        self._stream = np.random.get_state()
        np.random.set_state(ours)
        return self.step(np.zeros(5, dtype=np.float32))[0]

    def step(self, action):
        assert action.dtype == np.float32  # what its own action space and the benchmark pass on
        observation, reward, done, _ = self.env.step(action)
        flat = np.concatenate([observation[key] for key in KEYS]).astype(np.float32)
        return flat, float(reward), done

    def present(self, kind):
        return float(np.squeeze(self.env._get_task_reward(self.env.task, kind)))


def _actions(steps, seed=3):
    generator = np.random.default_rng(seed)
    held = generator.uniform(-1, 1, (-(-steps // HELD), 5))
    held[::2, :3] = np.sign(held[::2, :3])  # every other one as far as it goes
    return np.repeat(held, HELD, axis=0)[:steps].astype(np.float32)


def _assert_equals_the_library(spec, steps, episodes):
    ours, theirs = robodesk.build(spec), Library(spec, seed=7)
    total = 0.0
    for episode in range(episodes):
        # The first episode is seeded; the next one continues the same random stream.
        observation = ours.reset(7 if episode == 0 else None)
        np.testing.assert_array_equal(observation, theirs.reset())
        for action in _actions(steps, seed=episode):
            outcome = ours.step(action)
            observation, reward, done = theirs.step(action)
            np.testing.assert_array_equal(outcome.obs, observation)
            assert outcome.reward == reward
            assert outcome.success == theirs.present("success")
            assert 0.0 <= outcome.reward <= REPEAT  # 0 where the hand is over a metre away
            total += outcome.reward
    assert total > 0.0
    return done


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_a_seeded_episode_equals_the_librarys(spec):
    _assert_equals_the_library(spec, steps=6, episodes=2)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_whole_episodes_equal_the_librarys_and_end_when_they_end(spec):
    assert _assert_equals_the_library(spec, steps=spec.episode_length, episodes=5)


@pytest.mark.parametrize("spec", SPECS[::3], ids=lambda spec: spec.id)
def test_some_tasks_keep_the_contract(spec):
    check_task(spec.model_copy(update={"episode_length": 20}))


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_every_task_keeps_the_contract_for_a_whole_episode(spec):
    check_task(spec)


def _place(simulator, library, joint, values):
    """Put a joint into the same position in both simulations."""
    simulator._data.joint(joint).qpos[:] = values
    mujoco.mj_forward(simulator._model, simulator._data)
    library.env.physics.named.data.qpos[joint] = values
    library.env.physics.forward()


def _block(x, y, z):
    return [x, y, z, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("task_id", "joint", "unsolved", "solved"),
    [
        ("rd-push-red", "red_light", [-0.0045], [-0.0046]),
        ("rd-push-green", "green_light", [-0.0045], [-0.0046]),
        ("rd-push-blue", "blue_light", [-0.0045], [-0.0046]),
        ("rd-open-slide", "slide_joint", [0.549], [0.551]),
        ("rd-open-drawer", "drawer_joint", [-0.199], [-0.201]),
        ("rd-flat-block-in-bin", "flat_block", _block(0.4, 0.5, 0.41), _block(0.4, 0.5, 0.39)),
        ("rd-flat-block-in-bin", "flat_block", _block(0.27, 0.5, 0.2), _block(0.29, 0.5, 0.2)),
        ("rd-flat-block-in-bin", "flat_block", _block(0.4, 0.63, 0.2), _block(0.4, 0.61, 0.2)),
    ],
)
def test_success_and_reward_follow_the_present_state(task_id, joint, unsolved, solved):
    spec = BY_ID[task_id]
    simulator, library = robodesk.build(spec), Library(spec, seed=0)
    simulator.reset(0)
    library.reset()
    rewards = []
    for values, success in ((unsolved, 0.0), (solved, 1.0)):
        _place(simulator, library, joint, values)
        assert float(simulator._goal.success()) == library.present("success") == success
        rewards.append(simulator._goal.reward())
        assert rewards[-1] == library.present("dense_reward")
    assert rewards[1] > rewards[0]


def test_a_pressed_button_pays_a_quarter_and_the_hands_distance_the_rest():
    simulator = robodesk.build(BY_ID["rd-push-red"])
    simulator.reset(0)
    # The red button is at (-0.45, 0.625, 0.76) metres.
    distance = np.linalg.norm(simulator._hand - [-0.45, 0.625, 0.76])
    assert simulator._goal.reward() == pytest.approx(0.75 * (1 - distance))
    simulator._data.joint("red_light").qpos[0] = -0.005
    assert simulator._goal.reward() == pytest.approx(0.25 + 0.75 * (1 - distance))


def test_an_action_shifts_the_hand_by_centimetres_and_sets_wrist_and_gripper():
    simulator = robodesk.build(BY_ID["rd-push-red"])
    before = simulator.reset(1)
    outcome = simulator.step(np.array([1, 0, 0, 0, 1], dtype=np.float32))
    moved = outcome.obs[:3] - before[:3]
    # Ten goals, each 1 cm from where the hand then is; the arm lags behind them.
    assert 0.01 < moved[0] < 0.1
    assert np.abs(moved[1:]).max() < 0.3 * moved[0]
    robot = slice(29, 38)
    turned = simulator.step(np.array([0, 0, 0, 1, -1], dtype=np.float32)).obs[robot]
    assert turned[6] > outcome.obs[robot][6]
    assert (turned[7:] < outcome.obs[robot][7:]).all()  # the fingers close


def test_objects_positions_are_their_velocities_as_in_the_library():
    simulator = robodesk.build(BY_ID["rd-push-red"])
    simulator.reset(1)
    obs = simulator.step(np.ones(5, dtype=np.float32)).obs
    np.testing.assert_array_equal(obs[3:29], obs[38:64])
    assert obs[3:29].any()
    np.testing.assert_array_equal(obs[29:38], simulator._qpos[:9].astype(np.float32))
    np.testing.assert_array_equal(obs[64:], simulator._qvel[:9].astype(np.float32))


def test_other_seeds_give_other_desks_and_numpys_stream_is_left_alone():
    simulator = robodesk.build(BY_ID["rd-push-red"])
    before = repr(np.random.get_state())
    first, other, again = (simulator.reset(seed) for seed in (0, 2**32 - 1, 0))
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(first, again)
    assert repr(np.random.get_state()) == before


def test_the_arm_is_solved_as_dm_control_solves_it():
    from dm_control import mujoco as dm_mujoco
    from dm_control.utils import inverse_kinematics

    physics = dm_mujoco.Physics.from_xml_path(model._file())
    arm = reach.Reach(model.load_bare_desk(), "end_effector")
    generator = np.random.default_rng(0)
    joints = [f"panda0_joint{number}" for number in range(1, 7)]
    reached = []
    # From a centimetre away to out of reach.
    for spread in np.geomspace(0.005, 1.0, 40):
        with physics.reset_context():
            physics.data.qpos[:9] = [-0.30, -0.4, 0.28, -2.5, 0.13, 1.87, 0.91, 0.01, 0.01]
        start = physics.data.qpos.copy()
        goal = physics.named.data.site_xpos["end_effector"] + generator.normal(0, spread, 3)
        theirs = inverse_kinematics.qpos_from_site_pose(
            physics, "end_effector", goal, joint_names=joints
        )
        np.testing.assert_array_equal(arm.solve(start, goal), theirs.qpos[:6])
        reached.append(bool(np.linalg.norm(arm._place - goal) < 1e-9))
    assert 10 < sum(reached) < 40


def test_the_bare_desk_weighs_and_moves_as_the_whole_one_does():
    bare, whole = model.load_bare_desk(), model.load_desk()
    assert bare.nbuffer < whole.nbuffer / 30
    for name in ("body_mass", "body_inertia", "body_ipos", "dof_damping", "dof_armature"):
        np.testing.assert_array_equal(getattr(bare, name), getattr(whole, name))
    touching = (whole.geom_contype | whole.geom_conaffinity) != 0
    kept = (bare.geom_contype | bare.geom_conaffinity) != 0
    for name in ("geom_type", "geom_size", "geom_pos", "geom_quat", "geom_friction"):
        ours, theirs = getattr(bare, name)[kept], getattr(whole, name)[touching]
        np.testing.assert_array_equal(ours, theirs)


def test_a_simulation_that_blows_up_is_not_passed_over():
    simulator = robodesk.build(BY_ID["rd-push-red"])
    simulator.reset(0)
    simulator._data.qvel[0] = 1e12
    with pytest.raises(FloatingPointError, match="unstable"):
        simulator.step(np.zeros(5, dtype=np.float32))
    simulator.reset(0)
    simulator.step(np.zeros(5, dtype=np.float32))


def test_mistakes_are_named(monkeypatch):
    spec = BY_ID["rd-push-red"]
    with pytest.raises(SpecError, match=r"no 'push_rad'.*Did you mean 'push_red'\?"):
        robodesk.build(spec.model_copy(update={"env": {"task": "push_rad"}}))
    with pytest.raises(SpecError, match=r"no camera 'fixt'.*Did you mean 'fixed'"):
        robodesk.build(spec.model_copy(update={"camera": "fixt"}))
    monkeypatch.setattr(model, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="package 'robodesk', which is not installed"):
        robodesk.build(spec)


def _run(code, backend):
    variables = {**os.environ, "MUJOCO_GL": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT_THE_LIBRARY = """
import sys
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.errors import MissingDependencyError
from newt_core.specs import load_specs
simulator = build_simulator(load_specs()["rd-push-red"])
simulator.reset(0)
simulator.step(np.ones(5, dtype=np.float32))
print(*(name in sys.modules for name in ("robodesk", "gym", "dm_control", "torch")))
try:
    simulator.render()
except MissingDependencyError as error:
    print(error)
"""


def test_states_need_none_of_the_librarys_code_and_no_opengl():
    modules, error = _run(WITHOUT_THE_LIBRARY, "disable").splitlines()
    assert modules == "False False False False"
    assert error.startswith("cannot render with MUJOCO_GL=disable")


RENDER = """
import numpy as np
from dm_control import mujoco
from robodesk.robodesk import RoboDesk
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
simulator, undrawn = (build_simulator(load_specs()["rd-push-red"]) for _ in range(2))
action = np.array([1, -1, -1, 0.5, 1], dtype=np.float32)
simulator.reset(0), undrawn.reset(0)
first = simulator.render()
for _ in range(4):
    undrawn.step(action)
    outcome = simulator.step(action)
frame = simulator.render()
assert frame.shape == (224, 224, 3) and frame.dtype == np.uint8 and frame.std() > 5
assert np.abs(frame.astype(int) - first).mean() > 1
assert np.array_equal(frame, simulator.render())
assert simulator.render(height=96, width=128).shape == (96, 128, 3)
assert np.array_equal(outcome.obs, undrawn._observe())
assert np.array_equal(simulator.step(action).obs, undrawn.step(action).obs)

class WithoutPictures(RoboDesk):
    def render(self, mode="rgb_array", resize=True):
        return None

library = WithoutPictures(task="push_red", action_repeat=10)
np.random.seed(0)
library.reset()
for control in [np.zeros(5, dtype=np.float32)] + 5 * [action]:
    library.step(control)
camera = mujoco.Camera(library.physics, height=224, width=224, camera_id=-1)
view = camera._render_camera
view.distance, view.azimuth, view.elevation, view.lookat[:] = 1.4, 90, -60, [0, 0.535, 1.1]
print(np.abs(simulator.render().astype(int) - camera.render()).mean())
simulator.close()
"""


def test_a_frame_is_the_librarys_desk_and_drawing_it_changes_nothing():
    assert float(_run(RENDER, "egl")) < 0.5
