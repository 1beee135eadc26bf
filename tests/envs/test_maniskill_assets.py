"""ManiSkill's tasks that need downloads run their real code, on stand-ins for the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.specs import load_specs
from newt_core.types import ACTION_DIM, STATE_DIM
from tests.fixtures.maniskill_assets import write_stand_ins

ROOT = Path(__file__).parents[2]
BY_ID = {spec.id: spec for spec in load_specs().values() if spec.domain == "maniskill"}
SPECS = [spec for spec in BY_ID.values() if spec.assets]
SOME = [BY_ID[f"ms-{task}"] for task in ("anymal-reach", "reach-xarm6", "pick-mug", "push-apple")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stand_ins(tmp_path_factory.mktemp("assets"))


@pytest.fixture
def stand_ins(folder, monkeypatch):
    """Let workers, which import the library anew, find the stand-ins."""
    monkeypatch.setenv("NEWT_ASSETS", str(folder))
    return folder


def _run_python(folder, *arguments):
    """Run a fresh interpreter, as this one may have imported the library before."""
    places = {"NEWT_ASSETS": str(folder), "MS_ASSET_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
    )


def test_they_are_26():
    assert len(SPECS) == 26


@pytest.mark.parametrize(
    "specs", [SPECS[::8], pytest.param(SPECS, marks=pytest.mark.slow)], ids=len
)
def test_they_build_step_score_and_follow_from_a_seed(specs, stand_ins):
    actions = np.random.default_rng(0).uniform(-1, 1, (25, len(specs), ACTION_DIM))
    with make_pool(specs, workers=1, seed=1) as pool:
        first = pool.reset(seed=5)
        assert first.shape == (len(specs), STATE_DIM)
        early = [pool.step(action).obs.copy() for action in actions[:4]]
        for action in actions[4:25]:
            transitions = pool.step(action)
            assert np.isfinite(transitions.final_obs).all()
            assert np.isfinite(transitions.reward).all()
        over = np.array([spec.episode_length == 25 for spec in specs])  # all but the robot dog
        np.testing.assert_array_equal(transitions.done, over)
        assert np.isin(transitions.score[over], (0.0, 1.0)).all()
        np.testing.assert_array_equal(pool.reset(seed=5), first)
        for action, before in zip(actions[:4], early, strict=True):
            np.testing.assert_array_equal(pool.step(action).obs, before)
    used = np.stack([spec.obs_mask for spec in specs]).astype(bool)
    assert (first[~used] == 0).all()
    # Things lie in other places in other tasks: no two environments share a random stream.
    assert len({row.tobytes() for row in first}) == len(specs)


@pytest.mark.slow
def test_their_frames_show_something(stand_ins):
    tasks = ["ms-pick-mug", "ms-reach-xarm6", "ms-anymal-reach"]
    with make_pool([BY_ID[task] for task in tasks], workers=1, seed=1, frames=1) as pool:
        pool.reset()
        frames = pool.frames()[:, 0].copy()
        assert frames.shape == (len(tasks), 224, 224, 3)
        assert (frames.std(axis=(1, 2, 3)) > 10).all()
        pool.step(np.full((len(tasks), ACTION_DIM), 0.7, dtype=np.float32))
        moved = pool.frames()[:, 0]
        assert (frames != moved).any(axis=(1, 2, 3)).all()


@pytest.mark.slow
def test_pushing_pays_by_its_formula_and_succeeds_on_the_target(stand_ins):
    height = 0.04
    spec = BY_ID["ms-push-apple"].model_copy(update={"action_repeat": 1, "episode_length": 80})
    tcp, goal, thing = slice(18, 21), slice(25, 28), slice(28, 31)
    staged = 0
    with make_pool([spec], workers=1, seed=3) as pool:
        obs = pool.reset()[0].astype(np.float64)
        np.testing.assert_allclose(obs[goal][:2] - obs[thing][:2], [0.2, 0], atol=1e-6)
        assert np.abs(obs[thing][:2]).max() <= 0.1
        assert obs[thing][2] == pytest.approx(height)
        np.testing.assert_allclose(obs[31:35], [1, 0, 0, 0], atol=1e-6)
        for step in range(80):
            ahead = np.array([0.03 if step > 40 else 0.0, 0, 0])  # get behind it, then push
            way = obs[thing] - [height + 0.005, 0, 0] + ahead - obs[tcp]
            if abs(way[0]) > 0.05 and obs[tcp][2] < 0.12:
                way = np.array([0, 0, 0.1])  # not through it
            action = np.zeros((1, ACTION_DIM), dtype=np.float32)
            action[0, :3] = np.clip(way / 0.1, -1, 1)
            action[0, 6] = -1  # fingers closed
            transitions = pool.step(action)
            obs = transitions.final_obs[0].astype(np.float64)
            a = np.linalg.norm(obs[tcp] - (obs[thing] - [height + 0.005, 0, 0]))
            b = np.linalg.norm((obs[thing] - obs[goal])[:2])
            success = b < 0.1 and obs[thing][2] < height + 0.005
            level = 1 - np.tanh(5 * abs(obs[thing][2] - height))
            near = float(a < 0.01)
            expected = ((1 - np.tanh(5 * a)) + near * (1 - np.tanh(5 * b)) * (1 + level)) / 4
            staged += near > 0 and not success
            if abs(a - 0.01) > 1e-5 and abs(b - 0.1) > 1e-5:
                assert transitions.success[0] == success
                expected = 1.0 if success else expected
                assert transitions.reward[0] == pytest.approx(expected, abs=1e-6)
    assert staged > 0
    assert transitions.done[0]
    assert transitions.score[0] == 1.0


COMPARE = """
import json, sys
import gymnasium, mani_skill.envs
import numpy as np
from mani_skill.utils.wrappers.gymnasium import CPUGymWrapper
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs

def compare(task, steps=12):
    spec = load_specs()[task]
    ours = build_simulator(spec)
    settings = {} if "Anymal" in spec.env["id"] else {"control_mode": spec.env["control_mode"]}
    name = spec.env["id"]
    if name == "PickCubexArm6-v1":
        name, settings["robot_uids"] = "PickCube-v1", "xarm6_robotiq"
    plain = gymnasium.make(name, obs_mode="state", render_backend="cpu", **settings)
    theirs = CPUGymWrapper(plain, ignore_terminations=True)
    options = None
    if "model" in spec.env:  # the library draws one of its list, and builds the scene anew
        theirs.unwrapped.all_model_ids = np.array([spec.env["model"]])
        options = {"reconfigure": True}
    actions = np.random.default_rng(2).uniform(-1, 1, (steps, spec.action_dim)).astype(np.float32)
    for seed in (3, 4):
        observation, _ = theirs.reset(seed=seed, options=options)
        assert np.array_equal(ours.reset(seed), observation), task
        for action in actions:
            outcome = ours.step(action)
            paid = 0.0
            for _ in range(2):
                observation, reward, *_, info = theirs.step(action)
                paid += float(reward)
            assert np.array_equal(outcome.obs, observation), task
            assert outcome.reward == paid, task
            assert outcome.success == info["success"], task

for task in sys.argv[1:]:
    compare(task)
"""


@pytest.mark.slow
def test_episodes_equal_the_librarys(folder):
    tasks = ["ms-pick-banana", "ms-pick-cube-xarm6", "ms-anymal-reach"]
    done = _run_python(folder, "-c", COMPARE, *tasks)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_the_check_passes_for_all_of_them(folder):
    names = ",".join(spec.id for spec in SPECS)
    done = _run_python(folder, "-m", "newt_cli", "tasks", "check", names, "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(json.loads(done.stdout)["passed"]) == 26
