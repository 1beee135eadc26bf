"""What agents share that learn from all they remember: distributions and seen states."""

from __future__ import annotations

import pytest
import torch

from newt_core.agents.off_policy.atoms import cross_entropy, mean, project
from newt_core.agents.off_policy.networks import Normaliser
from tests.fixtures.models import normal, uniform

ATOMS = torch.linspace(-10, 10, 101)


def test_the_projection_keeps_all_mass_and_among_the_atoms_the_mean():
    mass = (3 * normal(50, 101)).softmax(-1)
    inside = 0.3 + 0.9 * ATOMS.expand(50, 101)
    made = project(mass, inside, ATOMS)
    torch.testing.assert_close(made.sum(-1), torch.ones(50))
    torch.testing.assert_close(made @ ATOMS, (mass * inside).sum(-1), rtol=1e-4, atol=1e-4)
    beyond = project(mass, 4 * ATOMS.expand(50, 101) + 7, ATOMS)
    torch.testing.assert_close(beyond.sum(-1), torch.ones(50))
    assert (beyond >= 0).all()
    torch.testing.assert_close(project(mass, ATOMS.expand(50, 101), ATOMS), mass, atol=1e-3, rtol=0)


def test_means_stay_precise_where_the_rest_is_computed_in_bfloat16():
    mass, atoms = (3 * normal(50, 101)).softmax(-1), 25 * ATOMS
    exact = (mass.double() * atoms.double()).sum(-1)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(mean(mass, atoms).double(), exact, rtol=1e-5, atol=1e-3)
        assert (mass @ atoms - exact).abs().max() > 0.1  # What a product of matrices would give.


def test_a_projection_worked_out_by_hand():
    atoms = torch.tensor([-1.0, 0.0, 1.0])
    # Masses at 0.25, -5 (moves to -1) and 1.
    made = project(torch.tensor([[0.4, 0.5, 0.1]]), torch.tensor([[0.25, -5.0, 1.0]]), atoms)
    torch.testing.assert_close(made, torch.tensor([[0.5, 0.3, 0.2]]))


def test_states_are_seen_by_the_mean_and_std_of_all_that_were_shown():
    made, rows = Normaliser(3), 4 * uniform(50, 3) + torch.tensor([0.0, 10.0, 0.0])
    rows[:, 2] = 0.0  # as in the padding
    for part in rows.split([1, 20, 29]):
        made.add(part)
    torch.testing.assert_close(made.mean, rows.mean(0), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(made.var, rows.var(0, correction=0), rtol=1e-4, atol=1e-6)
    seen = made(rows)
    assert not seen[:, 2].any()
    # A little less than 1, for the number that is added to the std.
    assert seen[:, :2].std(0, correction=0).tolist() == pytest.approx([0.99, 0.99], abs=0.01)


def test_one_target_serves_all_critics():
    logits, target = normal(2, 5, 7), normal(5, 7, seed=1).softmax(-1)
    both = cross_entropy(logits, torch.stack([target, target]))
    torch.testing.assert_close(cross_entropy(logits, target), both)
    each = torch.stack([cross_entropy(one[None], target) for one in logits])
    torch.testing.assert_close(both, each.sum())
