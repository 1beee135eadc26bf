"""Score rules, against the formulas of published tasks worked by hand."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from newt_core.specs import ReturnScore, SuccessScore


@pytest.mark.parametrize(
    ("rule", "episode_return", "score"),
    [
        (ReturnScore(high=1000), 250.0, 0.25),  # dmcontrol: R / 1000, not clipped
        (ReturnScore(high=1000), 1001.0, 1.001),
        (ReturnScore(low=-21, high=21, clip=True), 0.0, 0.5),  # Pong: clip((R + 21) / 42, 0, 1)
        (ReturnScore(low=-21, high=21, clip=True), -30.0, 0.0),
        (ReturnScore(low=-50, high=0, clip=True), -10.0, 0.8),  # 1 + clip(R, -50, 0) / 50
        (ReturnScore(low=-50, high=0, clip=True), 3.0, 1.0),
    ],
)
def test_return_is_scaled_between_low_and_high(
    rule: ReturnScore, episode_return: float, score: float
) -> None:
    assert rule.score(episode_return, success=math.nan) == pytest.approx(score)


def test_success_counts_whatever_the_return() -> None:
    assert SuccessScore().score(-1e9, success=1.0) == 1.0
    assert SuccessScore().score(1e9, success=0.0) == 0.0


@pytest.mark.parametrize("high", [0.0, -1.0, math.inf, math.nan])
def test_an_empty_or_endless_scale_is_refused(high: float) -> None:
    with pytest.raises(ValidationError):
        ReturnScore(high=high)
