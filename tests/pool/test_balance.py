"""Sharing environments out by cost."""

from __future__ import annotations

import numpy as np

from newt_core.envs.pool.balance import balance, deal, share_out, spread


def _loads(costs, assignment, workers):
    return np.bincount(assignment, weights=costs, minlength=workers)


def test_dealing_gives_every_worker_its_share():
    assert deal(5, 2) == [0, 1, 0, 1, 0]


def test_equal_costs_stay_where_they_are():
    assert balance([1.0] * 6, deal(6, 2), 2) == deal(6, 2)


def test_costs_that_alternate_with_the_deal_are_evened_out():
    costs = [10.0, 1.0] * 4
    assignment = balance(costs, deal(8, 2), 2)
    assert _loads(costs, assignment, 2).max() <= 1.05 * 22.0
    moves = sum(now != then for now, then in zip(assignment, deal(8, 2), strict=True))
    assert moves <= 4


def test_one_expensive_environment_ends_up_alone():
    costs = [100.0, 20.0, 20.0, 20.0, 20.0]
    assignment = balance(costs, deal(5, 2), 2)
    assert assignment.count(assignment[0]) == 1


def test_no_worker_is_left_without_environments():
    assert set(balance([1.0, 1e-6], [0, 1], 2)) == {0, 1}


def test_random_costs_come_near_the_best_possible():
    generator = np.random.default_rng(0)
    for workers in (1, 2, 3, 8):
        costs = generator.lognormal(0.0, 1.0, 40).tolist()
        loads = _loads(costs, balance(costs, deal(40, workers), workers), workers)
        best = max(sum(costs) / workers, max(costs))
        assert loads.max() <= 1.1 * best


def test_ranks_get_equal_numbers_of_about_equal_cost():
    costs = [26.0, 0.2, 24.0, 0.2, 1.2, 0.2, 1.2]
    assignment = share_out(costs, 2)
    assert sorted(np.bincount(assignment)) == [3, 4]
    assert assignment[0] != assignment[2], "the two dearest are not together"
    loads = _loads(costs, assignment, 2)
    assert abs(loads[0] - loads[1]) < 3.0


def test_any_number_of_environments_is_shared_out_to_any_number_of_ranks():
    generator = np.random.default_rng(0)
    for envs in range(1, 30):
        for ranks in range(1, envs + 1):
            counts = np.bincount(share_out(generator.random(envs).tolist(), ranks), minlength=ranks)
            assert counts.max() - counts.min() <= 1
            assert counts.sum() == envs


def test_more_ranks_than_environments_leave_some_without():
    assert sorted(share_out([1.0, 1.0], 3)) == [0, 1]


def test_environments_are_spread_by_cost_and_by_how_many_a_machine_steps_at_a_time():
    # 6 alone takes the large machine 6 / 2 = 3; both then have 3 or 4 to do with the ones.
    assert spread([1, 6, 1, 1, 1], [1, 2]) == [0, 1, 0, 0, 1]
    assert spread([1.0] * 6, [1, 2]) == [1, 0, 1, 1, 0, 1]


def test_what_a_machine_has_already_counts():
    assert spread([1, 1, 1], [1, 1], loads=[5, 3]) == [1, 1, 0]
    assert spread([], [1, 1]) == []
