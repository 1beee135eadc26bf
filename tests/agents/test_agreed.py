"""Work whose failure on one rank is an error on all."""

from __future__ import annotations

import pytest

from newt_core.agents.ranks import ALONE, agreed
from newt_core.errors import ConfigError, EnvironmentFailure
from tests.fixtures.thread_ranks import ThreadRank, on_ranks


def test_what_failed_on_one_rank_is_raised_on_all():
    def work(ranks: ThreadRank, index: int) -> str:
        def part() -> int:
            if index == 1:
                raise EnvironmentFailure("walker-run: it fell.")
            return index

        with pytest.raises(EnvironmentFailure) as error:
            agreed(ranks, part, failing=EnvironmentFailure)
        return str(error.value)

    assert on_ranks(3, work) == ["walker-run: it fell."] * 3


def test_each_rank_that_failed_says_its_own_and_the_others_the_first():
    def work(ranks: ThreadRank, index: int) -> str:
        def part() -> None:
            if index != 1:
                raise ConfigError(f"rank {index} says no.")

        with pytest.raises(ConfigError) as error:
            agreed(ranks, part, failing=ConfigError)
        return str(error.value)

    assert on_ranks(3, work) == ["rank 0 says no.", "rank 0 says no.", "rank 2 says no."]


def test_where_all_is_well_each_has_its_own():
    def work(ranks: ThreadRank, index: int) -> int:
        return agreed(ranks, lambda: 10 * index, failing=ConfigError)

    assert on_ranks(2, work) == [0, 10]
    assert agreed(ALONE, lambda: 5, failing=ConfigError) == 5
