"""A run's files are damaged in forty ways, and each time it goes on rightly or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.corruptions import corrupted

pytestmark = pytest.mark.timeout(300)


def test_damage_is_refused_or_told_or_makes_no_difference(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    found = corrupted(40, seed=7, root=tmp_path, show=False)
    assert found["bad"] == []
    # All three are met, so that neither a run that never goes on nor one that always does passes.
    assert {name for name, count in found["outcomes"].items() if count >= 3} == {
        "refused",
        "recovered and said",
        "no difference",
    }
