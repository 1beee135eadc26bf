"""A run of several ranks, from the side of one of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest

from newt_core.agents.ranks import OneRank
from newt_core.errors import RunFolderError
from newt_core.specs import load_specs
from newt_core.training.config import RunConfig
from newt_core.training.content import INTERACTION
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.run_parts import RunParts
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


def test_ranks_that_see_different_checkpoints_do_not_go_on(tmp_path: Path) -> None:
    class Elsewhere(OneRank):
        def gather(self, value: Any) -> list[Any]:
            return [value, "step_000000020.pt"]

    folder = RunFolder(tmp_path)
    parts = create_autospec(RunParts, instance=True)
    parts.resume_point.return_value = None
    run = RunContext(RunConfig(), folder, load_specs(), ranks=Elsewhere(), made=parts)
    with pytest.raises(RunFolderError, match="do not see the same checkpoints"):
        run.resume_point(INTERACTION)


def test_all_ranks_stop_when_one_is_asked_to(tmp_path: Path) -> None:
    result, trainer = PointRun(tmp_path).run(ranks=Another(stops_after=12))
    assert result.interrupted
    assert 0 < trainer.steps < 60
