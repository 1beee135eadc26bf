"""How many gradient steps are owed, and how near the policy planning stays."""

from __future__ import annotations

import pytest

from newt_core.agents.newt.update_debt import UpdateDebt
from newt_core.training.config import resolve_config
from newt_core.training.schedule import prior_weight


def test_updates_are_owed_for_the_steps_since_learning_began():
    debt = UpdateDebt(0.075, catch_up=False)
    assert debt.owed(110_000, 0, began=110_000) == 0
    assert debt.owed(110_200, 0, began=110_000) == 15
    assert debt.owed(110_400, 15, began=110_000) == 15


def test_catching_up_owes_the_steps_before_at_once():
    debt = UpdateDebt(0.075, catch_up=True)
    assert debt.owed(110_000, 0, began=110_000) == 8_250


def test_rounding_loses_no_update():
    debt = UpdateDebt(0.1, catch_up=False)
    updates = 0
    for step in range(1, 1001):
        updates += debt.owed(step, updates, began=0)
        assert updates == int(step / 10)


def test_the_paper_owes_nothing_for_the_first_phase():
    assert not resolve_config("paper").update.catch_up
    assert resolve_config("cpu").update.catch_up


@pytest.mark.parametrize(
    ("steps", "weight"),
    [(0, 1.0), (2_000_000, 1.0), (4_500_000, 0.75), (7_000_000, 0.5), (12_000_000, 0.0)],
)
def test_constrained_planning_is_annealed_as_in_the_paper(steps: int, weight: float):
    config = resolve_config("paper", None, (), demos="demos")
    assert prior_weight(config, steps) == pytest.approx(weight)


def test_nothing_is_constrained_without_demonstrations_or_against_the_users_word():
    assert prior_weight(resolve_config("paper"), 0) == 0.0
    off = resolve_config("paper", None, ["demos.constrained_planning=false"], demos="demos")
    assert prior_weight(off, 0) == 0.0
