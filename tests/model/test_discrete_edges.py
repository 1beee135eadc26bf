"""Two-hot numbers at the edges of their bins, beyond them, and where there is no number."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from newt_core.model.discrete import soft_cross_entropy, symexp, two_hot_mean
from tests.fixtures.models import two_hot

LARGEST = math.e**10 - 1
"""22,025.47, which the last bin stands for."""


def only(index: int) -> Tensor:
    """All of it in one bin."""
    return torch.nn.functional.one_hot(torch.tensor(index), 101).float()


def logits() -> Tensor:
    return torch.randn(101, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("value", [LARGEST + 1, 2 * LARGEST, 1e30, math.inf])
def test_values_beyond_the_bins_lie_wholly_in_the_edge_bin(value: float) -> None:
    torch.testing.assert_close(two_hot(torch.tensor(value)), only(100))
    torch.testing.assert_close(two_hot(torch.tensor(-value)), only(0))
    log_shares = logits().log_softmax(-1)
    for signed, edge in ((value, 100), (-value, 0)):
        found = soft_cross_entropy(logits(), torch.tensor(signed))
        assert found.item() == pytest.approx(-log_shares[edge].item(), rel=1e-6)


def test_beside_the_edge_two_bins_share() -> None:
    # 9.95 is a quarter of the way from bin 100 (10) to bin 99 (9.8), -9.85 three quarters to
    # bin 1 (-9.8).
    for squashed, edge, beside, share in ((9.95, 100, 99, 0.75), (-9.85, 0, 1, 0.25)):
        target = two_hot(symexp(torch.tensor(squashed, dtype=torch.float64)))
        assert target[edge].item() == pytest.approx(share)
        assert target[beside].item() == pytest.approx(1 - share)
        assert target.sum().item() == pytest.approx(1.0)


def test_a_value_on_a_bin_is_that_bin() -> None:
    # Bin 55 stands for e^1 - 1, bin 45 for its opposite.
    value = torch.tensor([math.e - 1, 0.0, 1 - math.e], dtype=torch.float64)
    expected = torch.stack([only(55), only(50), only(45)]).double()
    torch.testing.assert_close(two_hot(value), expected, atol=1e-12, rtol=0)


def test_the_mean_is_of_the_squashed_values() -> None:
    # Half in bin 50 (0), half in bin 60 (2): the mean is bin 55, e - 1. Unsquashed first, it
    # would be (e² - 1) / 2 = 3.19.
    shares = (only(50) + only(60)) / 2
    assert two_hot_mean(shares.log()).item() == pytest.approx(math.e - 1, rel=1e-5)


def test_cross_entropy_by_hand() -> None:
    # The value lies a quarter of the way from bin 50 to bin 51; these are given 1/2 and 1/4:
    # 0.75 · ln 2 + 0.25 · ln 4 = 1.25 · ln 2.
    shares = torch.zeros(101, dtype=torch.float64)
    shares[50], shares[51], shares[70] = 0.5, 0.25, 0.25
    value = symexp(torch.tensor(0.05, dtype=torch.float64))
    found = soft_cross_entropy((shares + 1e-30).log(), value)
    assert found.item() == pytest.approx(1.25 * math.log(2))


def test_what_is_no_number_stays_none_and_harms_no_neighbour() -> None:
    value = torch.tensor([math.nan, 1.0])
    target = two_hot(value)
    assert bool(target[0].isnan().any())
    torch.testing.assert_close(target[1], two_hot(torch.tensor(1.0)))
    rows = logits().expand(2, 101)
    loss = soft_cross_entropy(rows, value)
    assert bool(loss[0].isnan())
    torch.testing.assert_close(loss[1], soft_cross_entropy(logits(), torch.tensor(1.0)))
    assert bool(two_hot_mean(torch.full((101,), math.nan)).isnan())
