"""Two-hot regression, by hand-worked numbers."""

from __future__ import annotations

import pytest
import torch

from newt_core.model.discrete import (
    bin_values,
    soft_cross_entropy,
    symexp,
    symlog,
    two_hot_mean,
)
from tests.fixtures.models import normal, two_hot
from tests.reference import discrete as plain


def test_symlog_and_symexp_are_inverse() -> None:
    x = torch.tensor([-1000.0, -1.0, 0.0, 0.5, 20_000.0])
    torch.testing.assert_close(symexp(symlog(x)), x)
    # symlog(e - 1) = 1 and symlog is odd.
    torch.testing.assert_close(
        symlog(torch.tensor([1.7182818, -1.7182818])), torch.tensor([1.0, -1.0])
    )


def test_two_hot_by_hand() -> None:
    # Bins are 0.2 apart, bin 50 is 0. symlog(x) = 0.05 lies a quarter of the way to bin 51.
    target = two_hot(symexp(torch.tensor([0.05])))[0]
    assert target[50].item() == pytest.approx(0.75, abs=1e-4)
    assert target[51].item() == pytest.approx(0.25, abs=1e-4)
    assert target.sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize("value", [-30_000.0, -22_025.5, -3.2, 0.0, 0.01, 999.0, 22_025.4])
def test_encoding_then_decoding_returns_the_value(value: float) -> None:
    target = two_hot(torch.tensor([value]))
    decoded = two_hot_mean(target.clamp(min=0).log()).item()
    # e^10 - 1 = 22,025.5 is the largest value the bins can express.
    assert decoded == pytest.approx(max(min(value, 22025.47), -22025.47), rel=1e-3, abs=1e-5)


def test_bins_are_even_over_symlog_range() -> None:
    bins = bin_values(torch.device("cpu"))
    assert (bins[0].item(), bins[50].item(), bins[-1].item()) == pytest.approx(
        (-10, 0, 10), abs=1e-6
    )


def test_sparse_cross_entropy_equals_the_explicit_sum() -> None:
    logits, value = normal(2, 7, 101), normal(7, seed=1) * 5
    explicit = plain.cross_entropy(logits, value)
    torch.testing.assert_close(soft_cross_entropy(logits, value), explicit, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("value", [-700.0, 3.0, 1500.0])
def test_a_mean_keeps_single_precision_where_products_have_less(value):
    logits = two_hot(torch.tensor(value)).clamp(min=1e-9).log()
    with torch.autocast("cpu", torch.bfloat16):
        found = two_hot_mean(logits)
        assert two_hot_mean(logits.bfloat16()).dtype == torch.float32
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(value, rel=1e-3)
