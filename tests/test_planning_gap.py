"""What `python -m benchmarks.planning` measures, on cases whose answer is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.planning.__main__ import Results
from benchmarks.planning.policy import discounted_rest
from benchmarks.planning.scores import WAYS, score
from benchmarks.planning.states import (
    inspect,
    judgement,
    mean_and_error,
    paid,
    play,
    rank_correlation,
)
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.setup import task_table
from newt_core.envs.task_env import TaskEnv
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import ACTION_DIM, TEXT_DIM, FloatArray
from tests.fixtures.short_tasks import SPECS

SMALL = PlannerConfig(num_samples=16, policy_trajectories=4, iterations=2, num_elites=4)


@pytest.fixture
def specs(tmp_path: Path) -> list[TaskSpec]:
    (tmp_path / "short.yaml").write_text(SPECS)
    return list(load_specs([tmp_path]).select("short-balance,short-reach"))


@pytest.fixture
def agent(specs: list[TaskSpec]) -> NewtAgent:
    text = np.eye(len(specs), TEXT_DIM, dtype=np.float32)
    return NewtAgent(
        ModelConfig(size="2M"), SMALL, UpdateConfig(), task_table(specs, text),
        device=torch.device("cpu"),
    )  # fmt: skip


def still(obs: FloatArray) -> FloatArray:
    return np.zeros((len(obs), ACTION_DIM), np.float32)


def test_rewards_to_come() -> None:
    np.testing.assert_allclose(discounted_rest(np.array([1.0, 2.0, 4.0]), 0.5), [3.0, 4.0, 4.0])


def test_rank_correlation_asks_for_the_order_alone() -> None:
    rising = np.array([0.0, 1.0, 2.0])
    assert rank_correlation(rising, rising**3) == pytest.approx(1.0)
    assert rank_correlation(rising, -rising) == pytest.approx(-1.0)
    assert rank_correlation(rising, np.ones(3)) is None


def test_judgement_of_a_model_that_is_right_and_of_one_that_is_not() -> None:
    real = np.array([[0.0, 1.0, 2.0], [5.0, 4.0, 3.0]])
    right, wrong = judgement(2 * real, real), judgement(-real, real)
    assert right["rank_correlation"]["mean"] == pytest.approx(1.0)
    assert right["best_gain"] == right["possible_gain"] == {"mean": 1.0, "se": 0.0}
    assert wrong["rank_correlation"]["mean"] == pytest.approx(-1.0)
    assert wrong["best_gain"]["mean"] == pytest.approx(-1.0)
    assert judgement(real, np.zeros_like(real))["rank_correlation"] is None


def test_one_value_has_no_standard_error() -> None:
    assert math.isnan(mean_and_error(np.array([3.0]))["se"])


def test_a_replayed_state_pays_what_the_episode_did(specs: list[TaskSpec]) -> None:
    envs = [TaskEnv(specs[0]) for _ in range(2)]
    episode = play(envs[0], still, seed=3)
    assert episode.rewards.shape == (10,)
    pushed = np.zeros((2, 3, ACTION_DIM), np.float32)
    pushed[1, :, 0] = 1.0
    total, error = paid(envs, still, episode, 4, pushed, tail=2)
    assert error == 0.0
    discounts = specs[0].gamma ** np.arange(5)
    assert total[0] == pytest.approx(float((episode.rewards[4:9] * discounts).sum()), abs=1e-6)
    assert total[1] != pytest.approx(total[0], abs=1e-6)


def test_inspecting_and_scoring_whole_tasks(agent: NewtAgent, specs: list[TaskSpec]) -> None:
    shown = inspect(agent, specs[0], 0, episodes=1, states=2, around=2, tail=2, seed=0)
    assert shown["states"] == 2
    assert shown["largest_replay_error"] == 0.0
    assert set(shown["gain_over_the_policy"]) == {
        "constrained drawn", "constrained mean", "free drawn", "free mean",
    }  # fmt: skip
    near, wide = shown["judgement"].values()
    assert near["paid_std"] < wide["paid_std"]
    planned = inspect(
        agent, specs[0], 0, episodes=1, states=2, around=2, tail=2, seed=0, along="constrained"
    )
    assert planned["return_of_the_episodes"] != shown["return_of_the_episodes"]
    usual = agent.planner_config
    for way in ("policy", "constrained-mean"):
        found = score(agent, specs, WAYS[way], episodes=2, seed=0)
        assert set(found["tasks"]) == {"short-balance", "short-reach"}
    assert agent.planner_config == usual


def test_a_file_is_gone_on_with_but_not_for_another_checkpoint(tmp_path: Path) -> None:
    checkpoint, out = tmp_path / "last.pt", tmp_path / "gap.json"
    checkpoint.write_bytes(b"weights")
    results = Results(out, "command")
    part = results.of(checkpoint, "a").setdefault("scores", {})
    results.keep(part, "policy", {"score": 0.5}, began=0.0)
    again = Results(out, "command").of(checkpoint, "a")
    assert again["scores"]["policy"]["score"] == 0.5
    checkpoint.write_bytes(b"other weights")
    with pytest.raises(SystemExit, match="another checkpoint under 'a'"):
        Results(out, "command").of(checkpoint, "a")
