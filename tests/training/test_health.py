from pathlib import Path
from typing import SupportsFloat

import pytest
import torch

from newt_core.errors import TrainingDiverged
from newt_core.training.health import check_finite


def test_finite_numbers_and_tensors_pass():
    check_finite({"loss": 1.0, "grad": torch.tensor(3e38), "updates": 4}, step=1)


def test_the_metric_the_step_and_the_way_back_are_named():
    metrics: dict[str, SupportsFloat] = {
        "loss/value": torch.tensor(float("nan")),
        "loss/reward": 1.0,
        "grad": float("inf"),
    }
    with pytest.raises(TrainingDiverged) as error:
        check_finite(metrics, step=12_000, last_good=Path("runs/a/checkpoints/last.pt"))
    message = str(error.value)
    assert "step 12000: loss/value is nan, grad is inf." in message
    assert "runs/a/checkpoints/last.pt" in message
    assert "--resume" in message
    assert "loss/reward" not in message


def test_many_bad_metrics_stay_one_line_and_without_a_checkpoint_one_starts_again():
    with pytest.raises(TrainingDiverged, match=r"and 7 more.*no checkpoint yet") as error:
        check_finite({f"m{i}": float("nan") for i in range(10)}, step=1)
    assert "\n" not in str(error.value)
