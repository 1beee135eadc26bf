"""The examples run as their first lines say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import newt_core

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "ppo_miniarcade.py"


def run(*arguments, folders=()):
    path = os.pathsep.join(map(str, [*folders, ROOT, *sys.path]))
    with tempfile.TemporaryDirectory() as temporary:  # the library leaves folders there
        variables = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TMPDIR": temporary}
        return subprocess.run(
            [sys.executable, str(SCRIPT), *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )


def test_without_the_library_one_line_says_what_to_install(tmp_path):
    missing = "raise ModuleNotFoundError('no', name='stable_baselines3')\n"
    (tmp_path / "stable_baselines3.py").write_text(missing)
    done = run(folders=[tmp_path])
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: 'stable_baselines3' is not installed: pip install '.[examples]'"
    ]


@pytest.mark.slow
def test_ppo_trains_on_several_tasks_and_keeps_the_scores(tmp_path):
    pytest.importorskip("stable_baselines3")
    out = tmp_path / "scores.json"
    tasks = "pygame-landing,pygame-point-maze-var1"
    done = run("--short", "--tasks", tasks, "--out", str(out))
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())["tasks"]
    assert list(results) == tasks.split(",")
    for result in results.values():
        assert result["steps"] == 1024
        assert 0.0 <= result["score_before"] <= 1.0
        assert 0.0 <= result["score_after"] <= 1.0
    assert "pygame-landing: 1,024 of 1,024 steps, score" in done.stderr


def test_a_misspelt_task_is_one_line():
    pytest.importorskip("stable_baselines3")
    done = run("--tasks", "pygame-cowboi")
    assert done.returncode == 2
    # Stable-Baselines3 imports the old gym where that is installed, which has something to say.
    *_, line = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Did you mean 'pygame-cowboy'?" in line


def test_the_adapter_hands_over_what_the_pool_says():
    pytest.importorskip("stable_baselines3")
    from examples.ppo_miniarcade import PoolVecEnv

    tasks = ["pygame-landing", "pygame-reacher-easy"]
    actions = np.random.default_rng(0).uniform(-1, 1, (200, 2, 2)).astype(np.float32)
    padded = np.pad(actions, ((0, 0), (0, 0), (0, 14)))
    plain = newt_core.make_vec(tasks, workers=1, seed=3)
    with closing(plain), closing(PoolVecEnv(newt_core.make_vec(tasks, 1, 3))) as envs:
        assert envs.observation_space.shape == (7,)
        assert envs.action_space.shape == (2,)
        np.testing.assert_array_equal(envs.reset(), plain.reset()[0][:, :7])
        for step in range(200):
            obs, rewards, ended, records = envs.step(actions[step])
            wanted, paid, _, truncated, infos = plain.step(padded[step])
            np.testing.assert_array_equal(obs, wanted[:, :7])
            np.testing.assert_array_equal(rewards, paid)
            assert ended.tolist() == truncated.tolist() == [step == 199] * 2
            assert (records == [{}, {}]) == (step < 199)
        for env, record in enumerate(records):
            assert record["TimeLimit.truncated"]
            np.testing.assert_array_equal(
                record["terminal_observation"], infos["final_obs"][env, :7]
            )
            assert record["score"] == pytest.approx(infos["score"][env])
