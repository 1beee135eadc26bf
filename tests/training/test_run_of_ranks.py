"""A run of several ranks, from the side of one of them."""

import json
from dataclasses import dataclass
from pathlib import Path

from newt_core.agents.ranks import OneRank
from tests.fixtures.trainers import PointRun


@dataclass
class Another(OneRank):
    """A rank that writes nothing, beside one that is like it."""

    stops_after: int = 10**9
    asked: int = 0
    writes: bool = False

    def total(self, count: int) -> int:
        return 2 * count

    def any(self, flag: bool) -> bool:
        self.asked += 1
        return flag or self.asked > self.stops_after


def test_steps_of_all_ranks_count_and_one_of_them_writes(tmp_path: Path) -> None:
    run = PointRun(tmp_path)
    result, _ = run.run(ranks=Another())
    assert result.steps == 60
    # Two environments here, two there: every round makes four steps.
    assert run.online.num_steps <= 30
    assert not (tmp_path / "checkpoints").exists()
    assert not (tmp_path / "metrics.jsonl").exists()
    alone = PointRun(tmp_path / "alone")
    alone.run()
    rows = [json.loads(row) for row in (tmp_path / "alone/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 60
    assert (tmp_path / "alone/checkpoints/last.pt").exists()


def test_all_ranks_stop_when_one_is_asked_to(tmp_path: Path) -> None:
    result, trainer = PointRun(tmp_path).run(ranks=Another(stops_after=12))
    assert result.interrupted
    assert 0 < trainer.steps < 60
