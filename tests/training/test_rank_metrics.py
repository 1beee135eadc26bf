"""One row of metrics of all ranks: counts added up, means weighted by what they are means of."""

from __future__ import annotations

from typing import SupportsFloat

import pytest
import torch

from newt_core.agents.ranks import ALONE
from newt_core.training.rank_metrics import joint_row
from newt_core.training.recent import Ended
from tests.fixtures.thread_ranks import ThreadRank, on_ranks

ROWS: tuple[dict[str, SupportsFloat], ...] = (
    {"loss/value": torch.tensor(1.0), "replay/steps": 10, "step": 40, "pool/lost": 1},
    {"loss/value": torch.tensor(4.0), "replay/steps": 5, "step": 40, "pool/lost": 0},
)
ENDED: tuple[Ended, ...] = ({"a": [[10.0, 0.5]]}, {"a": [[30.0, 1.0]], "b": [[2.0, 0.0]]})


def test_counts_are_added_and_means_weighted_and_episodes_put_together():
    def work(ranks: ThreadRank, index: int) -> dict[str, float]:
        return joint_row(ROWS[index], ENDED[index], weight=(1, 2)[index], ranks=ranks)

    first, second = on_ranks(2, work)
    assert first == second
    assert first == {
        "loss/value": pytest.approx((1 * 1.0 + 2 * 4.0) / 3),
        "replay/steps": 15,
        "step": 40,
        "pool/lost": 1,
        "train/return/a": 20.0,
        "train/score/a": 0.75,
        "train/return/b": 2.0,
        "train/score/b": 0.0,
    }


def test_one_alone_has_its_own():
    found = joint_row(ROWS[0], ENDED[0], weight=3, ranks=ALONE)
    assert found["loss/value"] == 1.0
    assert isinstance(found["step"], int)
