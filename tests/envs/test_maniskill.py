"""Newt's ManiSkill tasks are the library's, to the last bit; its own keep their formulas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import newt_core
from newt_core.envs.checks import check_task
from newt_core.envs.domains import maniskill
from newt_core.errors import ConfigError, MissingDependencyError, SpecError
from newt_core.specs import load_specs
from tests.fixtures.tasks import each_task

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mani_skill")
SPECS = [spec for spec in load_specs().values() if spec.domain == "maniskill" and not spec.assets]
BY_ID = {spec.id: spec for spec in SPECS}
REPEAT = 2


def _plain(spec, **settings: Any) -> Any:
    """The library's own environment, made and wrapped as its users do, which can also draw."""
    import gymnasium
    import mani_skill.envs  # noqa: F401 (registers the ids)
    from mani_skill.utils.wrappers.gymnasium import CPUGymWrapper

    control = spec.env.get("control_mode")
    env = gymnasium.make(
        spec.env["id"], obs_mode="state", control_mode=control, render_backend="cpu", **settings
    )
    return CPUGymWrapper(env, ignore_terminations=True)


def _actions(spec, steps):
    """Actions that are held for a while, so that arms get somewhere."""
    generator = np.random.default_rng(4)
    held = generator.uniform(-1, 1, (-(-steps // 5), spec.action_dim))
    return np.repeat(held, 5, axis=0)[:steps].astype(np.float32)


def _single_steps(spec):
    """The same task without its action repeat, to see each control step's reward."""
    return spec.model_copy(update={"action_repeat": 1})


@pytest.mark.parametrize(
    "task",
    ["ms-pick-cube", "ms-pick-cube-so", "ms-stack-cube", "ms-ant-walk", "ms-hopper-hop"],
)
def test_an_episode_equals_the_librarys(task):
    spec = BY_ID[task]
    ours, theirs = maniskill.build(spec), _plain(spec)
    seeds = [7, int(np.random.default_rng(7).integers(2**32))]
    for seed, given in zip(seeds, (7, None), strict=True):  # the second one follows from the first
        observation, _ = theirs.reset(seed=seed)
        np.testing.assert_array_equal(ours.reset(given), observation)
        returns = np.zeros(2)
        for action in _actions(spec, 10):
            outcome = ours.step(action)
            paid = 0.0
            for _ in range(REPEAT):
                observation, reward, _, truncated, info = theirs.step(action)
                assert not truncated
                paid += float(reward)
            np.testing.assert_array_equal(outcome.obs, observation)
            assert outcome.obs.dtype == np.float32
            assert outcome.reward == paid
            assert outcome.success == info.get("success", 0.0)
            returns += outcome.reward, paid
        assert returns[0] == returns[1]
        assert returns[0] > 0.0 or spec.reward == "sparse"


@each_task(SPECS, by_default=[spec.id for spec in SPECS[::3]])
def test_every_task_keeps_the_contract(spec):
    check_task(spec.model_copy(update={"episode_length": 20}))


def test_what_needs_no_download_is_20_tasks():
    assert len(SPECS) == 20


@pytest.mark.parametrize("task", ["ms-reach", "ms-reach-eepose"])
def test_reach_pays_for_closeness_and_one_more_at_the_goal(task):
    spec = BY_ID[task]
    simulator = maniskill.build(_single_steps(spec))
    tcp, goal, way = slice(18, 21), slice(25, 28), slice(28, 31)
    goals = np.array([simulator.reset(seed)[goal] for seed in range(40)])
    assert (np.abs(goals[:, :2]) <= 0.1).all()
    assert (goals[:, 2] >= 0).all()
    assert (goals[:, 2] <= 0.3).all()
    assert (np.ptp(goals, axis=0) > [0.15, 0.15, 0.2]).all()
    reached = []
    for seed in range(2):
        obs = simulator.reset(seed)
        for _ in range(40):  # go to the goal: a whole action is a tenth of a metre
            action = np.zeros(spec.action_dim, dtype=np.float32)
            action[:3] = np.clip(obs[way] / 0.1, -1, 1)
            outcome = simulator.step(action)
            obs = outcome.obs
            np.testing.assert_allclose(obs[way], obs[goal] - obs[tcp], atol=1e-6)
            distance = float(np.linalg.norm(obs[way].astype(np.float64)))
            assert outcome.success == (distance <= 0.025)
            expected = 1 + outcome.success - np.tanh(5 * distance)
            assert outcome.reward == pytest.approx(expected, abs=1e-6)
        reached.append(outcome.success)
    assert reached == [1.0, 1.0]


@pytest.mark.parametrize(("task", "start"), [("balance", 0.0), ("swingup", np.pi)])
def test_sparse_cartpoles_pay_one_while_the_pole_is_upright(task, start):
    spec = BY_ID[f"ms-cartpole-{task}-sparse"]
    simulator = maniskill.build(_single_steps(spec))
    assert abs(simulator.reset(0)[1] - start) < 0.1
    paid = set()
    for seed in range(2):
        simulator.reset(seed)
        for step in range(120):
            # To and fro faster and faster: the pole goes all ways.
            action = np.array([np.sign(np.sin(0.02 * step**1.5))], dtype=np.float32)
            outcome = simulator.step(action)
            upright = (1 + np.cos(float(outcome.obs[1]))) / 2
            if abs(upright - 0.85) > 1e-5:
                assert outcome.reward == float(upright > 0.85)
            paid.add(outcome.reward)
    assert paid == {0.0, 1.0}
    dense = maniskill.build(BY_ID[f"ms-cartpole-{task}"])
    np.testing.assert_array_equal(dense.reset(5), simulator.reset(5))


def test_seeds_alone_decide_and_nobody_elses_generator_is_touched():
    import torch

    simulator = maniskill.build(BY_ID["ms-reach"])
    np.random.seed(1)
    torch.manual_seed(1)
    before = (np.random.get_state(legacy=False), torch.get_rng_state())
    first, second = simulator.reset(3), simulator.reset(None)
    np.testing.assert_equal(np.random.get_state(legacy=False), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
    torch.manual_seed(2)
    np.testing.assert_array_equal(simulator.reset(3), first)
    np.testing.assert_array_equal(simulator.reset(None), second)
    assert not np.array_equal(first, second)


def test_building_does_not_look_for_gpus(monkeypatch):
    import torch

    def fork_rng(devices=None, **settings):
        assert devices == [], "it would start CUDA"
        return fork(devices, **settings)

    fork = torch.random.fork_rng
    monkeypatch.setattr(torch.random, "fork_rng", fork_rng)
    maniskill.build(BY_ID["ms-reach"]).reset(1)
    assert torch.random.fork_rng is fork_rng


@pytest.mark.parametrize(
    "task", ["ms-pick-cube", pytest.param("ms-ant-walk", marks=pytest.mark.slow)]
)
def test_a_frame_is_the_librarys_and_drawing_changes_nothing(task):
    spec = BY_ID[task]
    drawn, undrawn = maniskill.build(spec), maniskill.build(spec)
    size = {"width": 224, "height": 224}
    theirs = _plain(spec, render_mode="rgb_array", human_render_camera_configs=size)
    drawn.reset(7), undrawn.reset(7), theirs.reset(seed=7)
    frames = []
    for action in _actions(spec, 3):
        np.testing.assert_array_equal(drawn.step(action).obs, undrawn.step(action).obs)
        theirs.step(action), theirs.step(action)
        frame, expected = drawn.render(), theirs.render()
        assert frame.shape == (224, 224, 3)
        assert frame.dtype == np.uint8
        # A software renderer may round an edge's pixel otherwise.
        assert (np.abs(frame.astype(int) - expected).max(axis=2) > 2).mean() < 0.002
        frames.append(frame)
    assert (frames[0] != frames[-1]).any()
    drawn.close()


def test_a_frame_has_the_size_that_is_asked_for():
    simulator = maniskill.build(BY_ID["ms-cartpole-balance"])
    simulator.reset(0)
    assert simulator.render(96, 128).shape == (96, 128, 3)
    assert simulator.render(64, 64).shape == (64, 64, 3)


def test_without_drawing_nothing_to_draw_with_is_built():
    simulator = maniskill.build(BY_ID["ms-pick-cube"])
    assert not simulator._env.scene.can_render()
    assert simulator._env._sensors == {}
    assert simulator._picture is None


@pytest.mark.parametrize("task", ["ms-cartpole-balance", "ms-pick-cube", "ms-hopper-stand"])
def test_gymnasiums_checker_is_content(task):
    env = newt_core.make(task, render_mode="rgb_array")
    check_env(env, skip_render_check=True)
    env.close()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"id": "PickCub-v1"}, r"no 'PickCub-v1' .*Did you mean 'PickCube-v1'\?"),
        ({"id": "PickCube-v1", "control_mod": "x"}, r"'control_mod'\. Did you mean 'control_mode'"),
        ({"id": "PickCube-v1", "control_mode": "pd_ee"}, r"no control mode 'pd_ee'.*pd_ee_delta"),
        ({"id": "PickCube-v1", "model": "013_apple"}, "takes no 'model'"),
        ({"id": "PushYCB-v1"}, "needs 'model'"),
    ],
)
def test_mistakes_in_a_spec_are_named(env, message):
    spec = BY_ID["ms-pick-cube"].model_copy(update={"env": env})
    with pytest.raises(SpecError, match=message) as caught:
        maniskill.build(spec)
    assert len(str(caught.value).splitlines()) == 1


def test_a_camera_cannot_be_chosen():
    with pytest.raises(SpecError, match="one camera"):
        maniskill.build(BY_ID["ms-pick-cube"].model_copy(update={"camera": "side"}))


def test_an_assets_folder_named_too_late_is_an_error(tmp_path, monkeypatch):
    maniskill.build(BY_ID["ms-cartpole-balance"])  # imports the library
    monkeypatch.setenv("NEWT_ASSETS", str(tmp_path))
    with pytest.raises(ConfigError, match="Set NEWT_ASSETS before"):
        maniskill.build(BY_ID["ms-pick-cube"].model_copy(update={"assets": ["ycb"]}))
    maniskill.build(BY_ID["ms-cartpole-balance"])  # needs none


NO_VULKAN = {"VK_DRIVER_FILES": os.devnull, "VK_ICD_FILENAMES": os.devnull}


def test_without_a_vulkan_driver_one_line_says_what_to_install():
    line = ["tasks", "check", "ms-cartpole-balance", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "newt_cli", *line],
        cwd=ROOT,
        env={**os.environ, **NO_VULKAN, "NEWT_DEBUG": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    reason = json.loads(done.stdout)["skipped"]["ms-cartpole-balance"]
    assert "no Vulkan driver" in reason
    assert "mesa-vulkan-drivers" in reason
    assert done.stderr.splitlines() == [f"skipped ms-cartpole-balance: {reason}"]


@pytest.mark.slow
def test_without_a_vulkan_driver_a_pool_says_the_same(monkeypatch):
    for name, value in NO_VULKAN.items():
        monkeypatch.setenv(name, value)  # for the worker, which starts Vulkan itself
    with pytest.raises(MissingDependencyError, match=r"no Vulkan driver.*mesa-vulkan-drivers"):
        newt_core.make_vec(["pygame-landing", "ms-cartpole-balance"], workers=1)
