"""Runs whose replay is not on the disk."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from newt_core.specs import load_specs
from newt_core.training.config import resolve_config
from newt_core.training.content import read_content
from newt_core.training.progress import Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import interact
from tests.fixtures.short_tasks import SPECS

pytestmark = pytest.mark.timeout(300)  # Worker processes are started.


@pytest.mark.parametrize("change", ["replay.save=false", "replay.storage=ram"])
def test_it_learns_stops_and_goes_on_with_an_empty_one(tmp_path: Path, change: str) -> None:
    torch.set_num_threads(1)
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "short.yaml").write_text(SPECS)
    library = load_specs([specs])
    settings = ("update.updates_per_step=0.2", "evaluation.every=0", "replay.capacity=500", change)
    config = resolve_config("smoke", None, settings, tasks="short-reach", steps=90, device="cpu")
    folder = RunFolder.create("a", config.to_yaml(), root=tmp_path / "runs")
    asked = itertools.count()
    stopped = interact(
        RunContext(config, folder, library, Unwatched(), lambda: next(asked) > 60), resume=False
    )
    assert stopped.interrupted
    before = read_content(stopped.checkpoint)
    finished = interact(RunContext(config, folder, library, Unwatched()), resume=True)
    assert (finished.steps, finished.interrupted) == (90, False)
    after = read_content(finished.checkpoint)
    learned = [saved.agent["learner"]["updates"] for saved in (before, after)]
    assert 0 < learned[0] < learned[1]
    assert after.state["replay"]["next_sequence"] > before.state["replay"]["next_sequence"]
    assert not folder.replay.exists()
