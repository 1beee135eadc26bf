"""Newt's Meta-World tasks are the library's, with the goal in sight and a seed for everything."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import metaworld as domain
from newt_core.envs.session import Session
from newt_core.errors import SpecError
from newt_core.specs import load_specs
from tests.envs.metaworld_button import TURNED_AROUND, earlier_reward
from tests.fixtures.tasks import each_task

SPECS = load_specs().select("metaworld")
BY_ID = {spec.id: spec for spec in SPECS}

MAX_REWARD = 10.0
"""Of one control step, in all of the library's tasks."""

SOME = SPECS[::5]

every_task = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)


def _plain(spec):
    """The library's own goal-observable environment, asked to draw anew from a seed."""
    from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE

    classes: Any = ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
    environment = classes[f"{spec.env['name']}-goal-observable"](seed=0)
    environment._freeze_rand_vec = False
    environment.seeded_rand_vec = True
    if spec.id == TURNED_AROUND:
        environment.compute_reward = lambda action, obs: earlier_reward(environment, obs)
    return environment


def _actions(steps):
    return np.random.default_rng(1).uniform(-1, 1, (steps, 4)).astype(np.float32)


def _assert_an_episode_equals(ours, first, theirs, steps):
    """Compare an episode that has begun in ours and begins here in theirs; return ours."""
    theirs.reset()
    state, *_ = theirs.step(np.zeros(4, dtype=np.float32))
    np.testing.assert_array_equal(first, state.astype(np.float32))
    outcomes = []
    for action in _actions(steps):
        outcome = ours.step(action)
        reward = 0.0
        for _ in range(2):
            state, paid, _, truncated, info = theirs.step(action)
            assert not truncated
            reward += float(paid)
        np.testing.assert_array_equal(outcome.obs, state.astype(np.float32))
        assert outcome.obs.dtype == np.float32
        assert outcome.reward == reward
        assert 0.0 <= reward <= 2 * MAX_REWARD
        assert outcome.success == info["success"]
        outcomes.append(outcome)
    return outcomes


@each_task(SPECS, by_default=[TURNED_AROUND, *(spec.id for spec in SOME)])
def test_episodes_equal_the_librarys_and_a_seed_determines_them(spec):
    ours, theirs = domain.build(spec), _plain(spec)
    theirs.seed(7)
    first = ours.reset(7)
    outcomes = _assert_an_episode_equals(ours, first, theirs, steps=6)
    # Without a seed the stream goes on: object and goal are drawn anew.
    second = ours.reset(None)
    assert not np.array_equal(first, second)
    _assert_an_episode_equals(ours, second, theirs, steps=4)
    # The goal is in sight.
    np.testing.assert_allclose(second[-3:], ours._env._target_pos, atol=1e-6)
    # What happened in between leaves no trace in the episode of a seed.
    np.testing.assert_array_equal(ours.reset(7), first)
    for action, before in zip(_actions(6), outcomes, strict=True):
        again = ours.step(action)
        np.testing.assert_array_equal(again.obs, before.obs)
        assert again.reward == before.reward


@pytest.mark.parametrize("spec", SOME, ids=lambda spec: spec.id)
def test_some_tasks_keep_the_contract(spec):
    check_task(spec.model_copy(update={"episode_length": 10}))


@pytest.mark.slow
@every_task
def test_whole_episodes_keep_the_contract_and_equal_the_librarys(spec):
    check_task(spec)
    ours, theirs = domain.build(spec), _plain(spec)
    theirs.seed(11)
    _assert_an_episode_equals(ours, ours.reset(11), theirs, steps=spec.episode_length)


@pytest.mark.parametrize("task_id", ["mw-drawer-open"])
def test_a_whole_episode_equals_the_librarys(task_id):
    spec = BY_ID[task_id]
    ours, theirs = domain.build(spec), _plain(spec)
    theirs.seed(11)
    _assert_an_episode_equals(ours, ours.reset(11), theirs, steps=spec.episode_length)
    check_task(spec)


def _played_by_script(spec, seed):
    """An episode of the library's scripted policy: the session and each step's success."""
    from metaworld.policies import ENV_POLICY_MAP

    policy: Any = ENV_POLICY_MAP[spec.env["name"]]
    policy = policy()
    session = Session(spec, domain.build(spec))
    obs = session.reset(seed)
    successes, rewards = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its actions lie beyond [-1, 1]
        while not session.done:
            action = policy.get_action(obs.astype(np.float64))
            outcome = session.step(np.clip(action, -1, 1).astype(np.float32))
            obs = outcome.obs
            successes.append(outcome.success)
            rewards.append(outcome.reward)
    return session, successes, rewards


@pytest.mark.parametrize("task_id", ["mw-reach", "mw-pick-place", "mw-hand-insert"])
def test_a_solved_episode_scores_one_and_earns_the_most_at_its_end(task_id):
    session, successes, rewards = _played_by_script(BY_ID[task_id], seed=0)
    assert successes[0] == 0.0
    assert successes[-1] == session.score == 1.0
    assert rewards[-1] == 2 * MAX_REWARD


def test_only_the_end_of_an_episode_counts_for_its_score():
    # The scripted policy opens this door and then pulls it on, beyond the goal.
    session, successes, _ = _played_by_script(BY_ID["mw-door-open"], seed=0)
    assert max(successes) == 1.0
    assert session.score == 0.0


def test_numpys_global_generator_is_left_alone():
    before = np.random.get_state(legacy=False)
    simulator = domain.build(BY_ID["mw-push"])
    simulator.reset(3)
    simulator.reset(None)
    np.testing.assert_equal(np.random.get_state(legacy=False), before)


def test_an_unstable_simulation_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log there
    simulator = domain.build(BY_ID["mw-reach"])
    simulator.reset(0)
    simulator._env.data.qvel[:] = np.nan
    with pytest.raises(FloatingPointError):
        simulator.step(np.zeros(4, dtype=np.float32))
    simulator.reset(0)
    simulator.step(np.zeros(4, dtype=np.float32))


def test_an_unknown_environment_is_named():
    spec = BY_ID["mw-reach"].model_copy(update={"env": {"name": "reach-v2"}})
    with pytest.raises(SpecError, match=r"no 'reach-v2'.*Did you mean 'reach-v3'\?"):
        domain.build(spec)


def test_an_unknown_camera_is_named():
    spec = BY_ID["mw-reach"].model_copy(update={"camera": "corner5"})
    with pytest.raises(SpecError, match=r"no camera 'corner5'.*Did you mean 'corner"):
        domain.build(spec)


RENDER = """
import sys
import numpy as np, torch
from metaworld.env_dict import ALL_V3_ENVIRONMENTS
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs

def by_torch(frame):
    channels = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(
        channels, size=(224, 224), mode="bilinear", antialias=True, align_corners=False)
    return small[0].permute(1, 2, 0).round().numpy()

library = load_specs()
specs = [library[task_id] for task_id in sys.argv[1:]]
ours = [build_simulator(spec) for spec in specs]
firsts = [simulator.reset(3) for simulator in ours]
frames = [simulator.render() for simulator in ours]
for spec, simulator, first, frame in zip(specs, ours, firsts, frames):
    assert frame.shape == (224, 224, 3) and frame.dtype == np.uint8
    assert frame.std() > 20 and np.array_equal(frame, simulator.render()), spec.id
    # The benchmark's camera: corner2 moved nearer, its frame turned top to bottom, then shrunk.
    plain = ALL_V3_ENVIRONMENTS[spec.env["name"]](render_mode="rgb_array", camera_name="corner2")
    plain.model.camera("corner2").pos[:] = (0.75, 0.075, 0.7)
    plain._partially_observable, plain._freeze_rand_vec = False, False
    plain.seeded_rand_vec = plain._set_task_called = True
    del plain.sawyer_observation_space
    plain.seed(3)
    plain.reset()
    plain.step(np.zeros(4, dtype=np.float32))
    difference = np.abs(by_torch(plain.render()[::-1]) - frame)
    assert difference.max() <= 1, (spec.id, difference.max())
    # Drawing leaves the simulation and its random stream alone.
    for _ in range(5):
        action = np.full(4, 0.7, dtype=np.float32)
        outcome = simulator.step(action)
        simulator.render(48, 64)
        plain.step(action)
        obs, *_ = plain.step(action)
        assert np.array_equal(outcome.obs, obs.astype(np.float32))
    assert not np.array_equal(frame, simulator.render()), spec.id
    drawn, undrawn = simulator.reset(None), build_simulator(spec)
    undrawn.reset(3)
    assert np.array_equal(drawn, undrawn.reset(None))
    plain.close()
    simulator.close()
print("drawn", len(frames))
"""


def _draw(task_ids):
    variables = {**os.environ, "MUJOCO_GL": "egl", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", RENDER, *task_ids], env=variables, capture_output=True, text=True
    )


def test_frames_are_the_benchmarks_and_drawing_them_changes_nothing():
    done = _draw(["mw-drawer-open"])
    assert done.stdout.strip() == "drawn 1", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 49, 7))
def test_frames_of_all_tasks_are_the_benchmarks(start):
    done = _draw([spec.id for spec in SPECS[start : start + 7]])
    assert done.stdout.strip() == "drawn 7", done.stderr


def test_a_camera_that_stands_upright_is_not_turned():
    simulator = domain.build(BY_ID["mw-reach"].model_copy(update={"camera": "topview"}))
    assert not simulator._stands_on_head
    assert domain.build(BY_ID["mw-reach"])._stands_on_head


WITHOUT_TEXTURES = """
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
simulator = build_simulator(load_specs()["mw-reach"])
total = simulator.reset(3).sum()
for _ in range(20):
    total += simulator.step(np.ones(4, dtype=np.float32)).obs.sum()
texels = simulator._env.model.tex_data
print(float(total), np.count_nonzero(texels) / texels.size)
"""


def test_textures_are_given_up_where_nothing_is_rendered_and_the_physics_does_not_care():
    outputs = []
    for backend in ("egl", "disable"):
        variables = {**os.environ, "MUJOCO_GL": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TEXTURES], env=variables, capture_output=True, text=True
        )
        outputs.append([float(number) for number in done.stdout.split()])
    assert outputs[0][0] == outputs[1][0]
    assert outputs[0][1] > 0.9
    assert outputs[1][1] < 0.01  # less than a page at either end
