"""When a run is given up, and what it says then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.errors import TrainingDiverged
from newt_core.training.health import MOST_SKIPPED, Health
from tests.fixtures.models import model


@pytest.fixture
def learner() -> Learner:
    return Learner(model(), UpdateConfig())


def count(learner: Learner, *bad: int) -> None:
    for each in bad:
        learner.skipped.count(torch.tensor(float(each)))


def test_a_few_updates_may_be_left_out(learner: Learner, tmp_path: Path):
    health = Health(learner, tmp_path)
    count(learner, *[1] * (MOST_SKIPPED - 1), 0, *[1] * (MOST_SKIPPED - 1))
    health.check(1)
    assert int(learner.skipped.total) == 2 * (MOST_SKIPPED - 1)


def test_ten_in_a_row_end_the_run_even_if_nobody_looked_meanwhile(learner, tmp_path):
    health = Health(learner, tmp_path)
    count(learner, *[1] * MOST_SKIPPED, 0, 0)
    with pytest.raises(TrainingDiverged, match="step 7: 10 updates in a row") as error:
        health.check(7)
    assert error.value.exit_code == 1


def test_nothing_is_saved_right_after_an_update_that_was_left_out(learner, tmp_path):
    health = Health(learner, tmp_path)
    count(learner, 1)
    sound = [health.sound]
    with pytest.raises(TrainingDiverged, match="1 updates in a row"):
        health.require_sound(3)
    count(learner, 0)
    health.require_sound(4)
    assert [*sound, health.sound] == [False, True]


def test_the_losses_the_step_and_the_way_back_are_named(learner, tmp_path):
    health = Health(learner, tmp_path)
    nan = torch.tensor(float("nan"))
    health.newest = {
        "loss/value": nan,
        "loss/reward": torch.tensor(1.0),
        "grad/model": torch.tensor(float("inf")),
    }
    count(learner, *[1] * MOST_SKIPPED)
    with pytest.raises(TrainingDiverged, match="no checkpoint yet"):
        health.check(12_000)
    (tmp_path / "last.pt").touch()
    with pytest.raises(TrainingDiverged) as error:
        health.check(12_000)
    message = str(error.value)
    assert "step 12000: 10 updates in a row were not finite (loss/value is nan, grad" in message
    assert f"{tmp_path / 'last.pt'}: go on from it with --resume" in message
    assert "loss/reward" not in message
    health.newest = {f"m{i}": nan for i in range(10)}
    with pytest.raises(TrainingDiverged, match="and 7 more") as error:
        health.check(1)
    assert "\n" not in str(error.value)
