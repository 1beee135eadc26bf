"""The arithmetic of plans and updates, against what was counted by hand."""

from __future__ import annotations

import pytest

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.work import plan_flops, update_flops
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig


def by_hand(samples: int, prior: int, rounds: int) -> int:
    """Multiplications of a plan of 3 steps by the 2M model, text products left out."""
    latent, hidden, bins, action = 384, 256, 101, 16
    tail = hidden * hidden
    dynamics, reward = tail + hidden * latent, tail + hidden * bins
    policy = tail + hidden * 2 * action
    from_latent = hidden * latent
    of_action = hidden * action

    def step(rows: int, *, shared: bool) -> int:
        first = 2 * of_action + (0 if shared else 2 * from_latent)
        return rows * (first + dynamics + reward)

    def act(rows: int) -> int:
        return rows * (from_latent + policy)

    def judge(rows: int) -> int:
        return act(rows) + rows * 2 * (from_latent + of_action + tail + hidden * bins)

    shared = 2 * from_latent  # dynamics and reward, of the one latent that all begin from
    encoder = 128 * 128 + 128 * latent
    # All prior trajectories begin with one latent: the policy is asked once there.
    first = shared + act(1) + step(prior, shared=True)
    priors = first + 2 * (act(prior) + step(prior, shared=False))
    sampled = samples - prior
    search = shared + step(sampled, shared=True) + 2 * step(sampled, shared=False) + judge(samples)
    return encoder + priors + rounds * search


@pytest.mark.parametrize(("samples", "prior", "rounds"), [(64, 8, 2), (200, 20, 4)])
def test_a_plans_operations_are_those_counted_by_hand(samples, prior, rounds):
    planner = PlannerConfig(
        num_samples=samples, policy_trajectories=prior, iterations=rounds, num_elites=10
    )
    counted = plan_flops(ModelConfig(size="2M"), planner)
    assert counted == 2 * by_hand(samples, prior, rounds)


def test_an_updates_operations_grow_with_the_batch():
    """182 and 179 GMAC of the 20M model and 1,024 subsequences: by hand, and without the table."""
    model = ModelConfig(size="20M")
    whole = update_flops(model, UpdateConfig())
    assert whole / 2 == pytest.approx(181.7e9, rel=0.02)
    half = update_flops(model, UpdateConfig(batch_size=512))
    assert 0.49 < half / whole < 0.52
    assert update_flops(model, UpdateConfig(horizon=6)) > 1.5 * whole
