"""An episode's score does not depend on which others are run beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.episode_noise import EpisodeNoise
from newt_core.agents.newt.setup import task_table
from newt_core.evaluation import evaluate
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.specs import TaskSpec
from tests.fixtures.point_pool import PointPool, point_task

SPECS = [
    point_task("near", 6),
    point_task("nearer", 4, action_dim=3),
    point_task("nearest", 5, action_dim=2),
]
PLANNER = PlannerConfig(num_samples=20, policy_trajectories=4, iterations=2, num_elites=5)


pytestmark = pytest.mark.usefixtures("tiny_networks")


def returns(
    tasks: Sequence[TaskSpec],
    episodes: int,
    envs: int = 1,
    seed: int = 7,
    how: Acting = Acting(),  # noqa: B008 (a frozen record)
) -> dict:
    """Task → return of each episode, of an agent whose tasks are these."""
    text = np.stack([np.full(512, 0.01 * (1 + SPECS.index(spec)), np.float32) for spec in tasks])
    agent = NewtAgent(
        ModelConfig(size="2M"),
        PLANNER,
        UpdateConfig(),
        task_table(tasks, text),
        device=torch.device("cpu"),
    )
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for weight in agent.model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator))
    pool = PointPool([spec for spec in tasks for _ in range(min(envs, episodes))])
    actor = agent.player(pool.num_envs, seed=seed, how=how)

    found: dict[str, list[float]] = {}
    for result in evaluate(actor, tasks, episodes, pool=pool, seed=seed):
        found.setdefault(result.task, []).append(result.episode_return)
    return found


def test_a_task_scores_alone_what_it_scores_among_others():
    together = returns(SPECS, 2)
    for spec in SPECS:
        assert returns([spec], 2)[spec.id] == pytest.approx(together[spec.id], rel=1e-5)


def test_three_episodes_are_the_first_three_of_five():
    five, three = returns(SPECS, 5, envs=5), returns(SPECS, 3, envs=3)
    for spec in SPECS:
        assert three[spec.id] == pytest.approx(five[spec.id][:3], rel=1e-5)
        assert len(set(five[spec.id])) == 5


@pytest.mark.parametrize("how", [Acting(), Acting(policy_only=True), Acting(open_loop=4)], ids=str)
def test_it_does_not_matter_how_many_environments_share_the_episodes(how):
    one, three, four = (returns(SPECS, 4, envs=envs, how=how) for envs in (1, 3, 4))
    for spec in SPECS:
        assert one[spec.id] == pytest.approx(four[spec.id], rel=1e-5)
        assert one[spec.id] == pytest.approx(three[spec.id], rel=1e-5)


def test_another_seed_gives_other_episodes():
    assert returns(SPECS, 2, seed=7)["near"] != returns(SPECS, 2, seed=8)["near"]


def noise(seed: int = 0) -> EpisodeNoise:
    return EpisodeNoise(PLANNER, 5, PLANNER.horizon, seed=seed, device=torch.device("cpu"))


def test_noise_follows_from_the_episode_and_the_step_alone():
    one = noise().draw(np.array([2]), 3, 4)
    both = noise().draw(np.array([0, 2, 2]), 3, 6)
    assert torch.equal(both.samples[:, :, 1], both.samples[:, :, 2])
    assert not torch.equal(both.samples[:, :, 0], both.samples[:, :, 1])
    assert torch.equal(one.heads, both.heads)
    for name, dim in {"prior": 1, "samples": 2, "final": 1, "choice": 0, "action": 0}.items():
        alone, among = getattr(one, name), getattr(both, name).select(dim, 1)
        width = among.shape[-1] if name == "choice" else 4  # A narrower run sees the same entries.
        assert torch.equal(alone.select(dim, 0), among[..., :width]), name
    later = noise().draw(np.array([2]), 4, 4)
    assert not torch.equal(later.prior, one.prior)
    assert not torch.equal(noise(1).draw(np.array([2]), 3, 4).prior, one.prior)


def test_steps_differ_in_their_q_heads():
    pairs = {
        tuple(noise().draw(np.array([0]), step, 1).heads.flatten().tolist()) for step in range(9)
    }
    assert len(pairs) > 5
