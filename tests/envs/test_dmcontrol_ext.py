"""DMControl Extended beside a plain version of it, and its figures."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import dmcontrol_ext
from newt_core.envs.domains.dmcontrol_ext.shaping import at_least, at_most, ramp
from newt_core.errors import SpecError
from newt_core.specs import load_specs
from tests.envs.dmcontrol_ext_models import SUITE_TASKS
from tests.envs.dmcontrol_ext_plain import REWARDS, World

BY_ID = {spec.id: spec for spec in load_specs().values() if spec.domain == "dmcontrol-ext"}
SPECS = list(BY_ID.values())
OF_EACH_BODY = list({spec.env["domain_name"]: spec.id for spec in SPECS}.values())

each_task = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)


def _set_state(simulator, qpos, qvel=None):
    """Move a simulator of the suite's kind to a state."""
    physics = simulator._physics
    with physics.reset_context():
        physics.data.qpos[:] = qpos
        physics.data.qvel[:] = 0.0 if qvel is None else qvel


def _reward(simulator):
    return simulator._task.get_reward(simulator._physics)


@each_task
def test_every_task_keeps_the_contract(spec):
    check_task(spec.model_copy(update={"episode_length": 100}))


@pytest.mark.slow
@each_task
def test_every_task_keeps_the_contract_for_a_whole_episode(spec):
    check_task(spec)


@each_task
def test_an_episode_equals_plain_mujocos(spec):
    simulator, world = dmcontrol_ext.build(spec), World(spec)
    generator = np.random.default_rng(1)
    obs = simulator.reset(5)
    world.take_state(simulator)
    np.testing.assert_allclose(obs, world.obs(), atol=1e-5)
    for _ in range(40):
        action = generator.uniform(-1, 1, spec.action_dim).astype(np.float32)
        outcome = simulator.step(action)
        reward = 0.0
        for _ in range(2):
            world.control_step(action)
            reward += REWARDS[spec.id](world)
        assert outcome.reward == pytest.approx(reward, abs=1e-6)
        np.testing.assert_allclose(outcome.obs, world.obs(), rtol=1e-4, atol=1e-4)
        assert math.isnan(outcome.success)


@each_task
def test_rewards_of_random_states_are_the_formulas(spec):
    simulator, world = dmcontrol_ext.build(spec), World(spec)
    generator = np.random.default_rng(2)
    seen = []
    for seed in range(60):
        simulator.reset(seed)
        qpos = simulator._data.qpos.copy()
        qvel = generator.normal(0.0, 4.0, qpos.size)
        if spec.env["domain_name"] == "reacher":  # where the target is, give or take
            place = simulator._data.body("finger").xpos[:2] + generator.normal(0.0, 0.03, 2)
            simulator._model.geom("target").pos[:2] = place
        elif spec.env["domain_name"] not in ("ball_in_cup", "pendulum"):
            root_z, root_x = (0, 1) if spec.env["domain_name"] == "walker" else (1, 0)
            qpos[root_z] = generator.uniform(-1.0, 1.5)
            qpos[2] = generator.uniform(-math.pi, math.pi)
            qvel[root_x] = generator.uniform(-12.0, 12.0)
        elif generator.uniform() < 0.5:
            qpos = generator.uniform(-0.3, 0.3, qpos.size)
        _set_state(simulator, qpos, qvel)
        world.take_state(simulator)
        seen.append(_reward(simulator))
        assert seen[-1] == pytest.approx(REWARDS[spec.id](world), abs=1e-12)
        assert 0.0 <= seen[-1] <= 1.0
    # The states tell good from bad, or else the comparison would mean little.
    assert max(seen) - min(seen) > 0.5
    assert min(seen) == 0.0 or spec.reward == "dense"


@pytest.mark.parametrize("task_id", ["walker-headstand", "cheetah-jump", "hopper-hop-backward"])
def test_suite_bodies_begin_as_in_the_suite(task_id):
    from dm_control import suite

    spec = BY_ID[task_id]
    simulator = dmcontrol_ext.build(spec)
    body = spec.env["domain_name"]
    theirs = suite.load(body, SUITE_TASKS[body], task_kwargs={"random": 3})
    for seed in (3, None):
        observation = theirs.reset().observation
        parts = [np.ravel(value) for value in observation.values()]
        np.testing.assert_array_equal(
            simulator.reset(seed), np.concatenate(parts).astype(np.float32)
        )


@each_task
def test_seeds_differ_and_the_stream_goes_on(spec):
    simulator, other = dmcontrol_ext.build(spec), dmcontrol_ext.build(spec)
    first, second, third = simulator.reset(1), simulator.reset(None), simulator.reset(2)
    np.testing.assert_array_equal(first, other.reset(1))
    np.testing.assert_array_equal(second, other.reset(None))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("task_id", ["jumper-jump", "spinner-spin", "spinner-jump-four"])
def test_a_hub_settles_in_the_same_place_from_every_draw(task_id):
    simulator = dmcontrol_ext.build(BY_ID[task_id])
    heights = []
    for seed in range(20):
        simulator.reset(seed)
        heights.append(simulator._data.body("torso").xpos[2])
        assert simulator._data.time == 0.0
        assert np.any(simulator._data.qvel != 0.0)  # velocities stay as they are
    assert 0.5305 < min(heights) <= max(heights) < 0.5335
    assert max(heights) > min(heights)


def test_reacher_draws_joints_and_target_in_their_ranges():
    simulator = dmcontrol_ext.build(BY_ID["reacher-three-hard"])
    joints, targets = [], []
    for seed in range(300):
        simulator.reset(seed)
        joints.append(simulator._data.qpos.copy())
        targets.append(simulator._model.geom("target").pos[:2].copy())
    assert simulator._model.geom("target").size[0] == 0.015
    widest = np.abs(joints).max(axis=0)
    np.testing.assert_array_less(widest, [math.pi, *[math.radians(80)] * 2])
    np.testing.assert_array_less([3.0, 1.35, 1.35], widest)
    radii = np.linalg.norm(targets, axis=1)
    assert 0.05 <= radii.min() < 0.06
    assert 0.19 < radii.max() <= 0.2
    assert set(map(tuple, np.sign(targets))) == {(x, y) for x in (-1, 1) for y in (-1, 1)}


def test_the_ball_mostly_begins_in_the_cup():
    simulator = dmcontrol_ext.build(BY_ID["cup-spin"])
    inside = []
    for seed in range(300):
        simulator.reset(seed)
        assert simulator._data.ncon == 0
        inside.append(simulator._physics.in_target())
    # 0.9 of all, and a few of the rest by chance; five standard deviations are 0.09.
    assert 0.81 < np.mean(inside) < 0.99


def test_rewards_worked_by_hand():
    pendulum = dmcontrol_ext.build(BY_ID["pendulum-spin"])
    for velocity, reward in ((4.5, 0.5), (-4.5, 0.5), (-20.0, 1.0)):
        _set_state(pendulum, 0.0, velocity)
        assert _reward(pendulum) == reward
    # The walker in its zero pose: torso at 1.3 m, thighs at 1, feet at 0.05, all upright.
    headstand = dmcontrol_ext.build(BY_ID["walker-headstand"])
    _set_state(headstand, 0.0)
    assert _reward(headstand) == pytest.approx((3 * 0.1 ** ((1.05 / 0.55) ** 2) + 2) / 5)
    arabesque = dmcontrol_ext.build(BY_ID["walker-arabesque"])
    _set_state(arabesque, 0.0)
    assert _reward(arabesque) == pytest.approx((3 + 1 + 0.1 ** (1.9**2) + 0) / 6)
    # Upside down in the same place: the feet are at 2.55 m and the last term pays.
    _set_state(arabesque, np.eye(9)[2] * math.pi)
    assert _reward(arabesque) == pytest.approx((3 + 0.1 ** ((2.47 / 0.5) ** 2) + 1 + 1) / 6)


def test_shaping_is_the_suites():
    from dm_control.utils import rewards

    for x in np.linspace(-3.0, 3.0, 61):
        gauss = rewards.tolerance(x, bounds=(1.2, math.inf), margin=0.6)
        assert at_least(x, 1.2, 0.6) == pytest.approx(gauss, abs=1e-15)
        assert at_most(-x, -1.2, 0.6) == pytest.approx(gauss, abs=1e-15)
        line = rewards.tolerance(x, (2.0, math.inf), 2.0, "linear", 0.0)
        assert ramp(x, 2.0) == ramp(-x, -2.0) == pytest.approx(line, abs=1e-15)


def test_an_unknown_task_is_named():
    spec = BY_ID["spinner-spin"].model_copy(
        update={"env": {"domain_name": "spinner", "task_name": "spun"}}
    )
    with pytest.raises(SpecError, match=r"no 'spinner/spun'.*Did you mean 'spinner/spin'\?"):
        dmcontrol_ext.build(spec)


RENDER = """
import sys
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
pictures = 0
for task in sys.argv[1:]:
    spec = load_specs()[task]
    seen, unseen = build_simulator(spec), build_simulator(spec)
    frames = []
    for simulator in (seen, unseen):
        simulator.reset(0)
        for step in range(8):
            if simulator is seen and step in (0, 4):
                frames.append(simulator.render(height=96, width=128))
            outcome = simulator.step(np.ones(spec.action_dim, dtype=np.float32))
    assert np.array_equal(outcome.obs, seen._observe()), spec.id
    assert np.array_equal(seen.reset(None), unseen.reset(None)), spec.id
    assert frames[0].shape == (96, 128, 3) and frames[0].dtype == np.uint8
    assert frames[0].std() > 5, spec.id
    assert not np.array_equal(*frames), spec.id
    # Each picture shows a body: something of a warm colour, unlike sky and ground.
    red, blue = frames[0][..., 0].astype(int), frames[0][..., 2].astype(int)
    assert (red - blue > 40).sum() > 50, (spec.id, (red - blue > 40).sum())
    pictures += 1
    seen.close(), unseen.close()
print(pictures)
"""


@pytest.mark.parametrize(
    "tasks", [OF_EACH_BODY, pytest.param(list(BY_ID), marks=pytest.mark.slow)], ids=len
)
def test_tasks_are_drawn_and_drawing_does_not_disturb_them(tasks):
    variables = {**os.environ, "MUJOCO_GL": "egl", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", RENDER, *tasks], env=variables, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(len(tasks)), done.stderr
