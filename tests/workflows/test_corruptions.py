"""A run's files are damaged in twenty ways, and each time it goes on rightly or says why not."""

from __future__ import annotations

import pytest

from benchmarks.corruptions import corrupted

pytestmark = pytest.mark.timeout(300)


def test_damage_is_refused_or_told_or_makes_no_difference() -> None:
    found = corrupted(range(20), seed=7).document()
    assert found["bad"] == []
    # All three are met, so that neither a run that never goes on nor one that always does passes.
    assert {name for name, count in found["outcomes"].items() if count >= 3} == {
        "refused",
        "recovered and said",
        "no difference",
    }
