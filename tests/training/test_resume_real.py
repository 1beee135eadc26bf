"""Interrupted and unbroken runs on real simulators end with the same bits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import torch

from newt_core.specs import SpecLibrary, load_specs
from newt_core.training import online, pretrain
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.progress import Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import train
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.short_tasks import PICTURED, SPECS
from tests.fixtures.trainers import differences

pytestmark = pytest.mark.timeout(1500)  # Every run starts worker processes.

SETTINGS = (
    "update.updates_per_step=0.2",
    "evaluation.every=0",
    "checkpoint.every=30",
    "replay.capacity=2000",
    "pretrain.final_evaluation=policy",
    "pretrain.checkpoint_every=4",
    "evaluation.episodes=1",
)


@dataclass(frozen=True)
class Case:
    tasks: str
    settings: tuple[str, ...] = ()
    specs: str = SPECS
    demos: bool = False
    steps: int = 66


BOTH = "short-balance,short-reach"
CASES = {
    "one task": Case("short-balance"),
    "several tasks": Case(BOTH, ("envs_per_task=2",), steps=132),
    "pictures": Case(BOTH, ("model.obs=both", "model.frame_stack=2"), PICTURED, steps=72),
    "pretraining first": Case("short-balance", ("pretrain.updates=12",), demos=True),
}


@pytest.fixture(autouse=True)
def no_rows_by_the_clock(tiny_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (online, pretrain):
        monkeypatch.setattr(module, "LOG_SECONDS", 1e9)


def compare(case: Case, plans: Iterable[tuple[int, ...]], tmp_path: Path) -> int:
    """Interrupt a run after some numbers of calls, one after the other, go on, and compare.

    Returns how many of these plans ended after the first interruption.
    """
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(case.specs)
    library = load_specs([tmp_path / "specs"])
    torch.set_num_threads(1)
    if case.demos:
        write_demos(tmp_path / "demos", 3, library[case.tasks])
    config = resolve_config(
        "smoke",
        None,
        (*SETTINGS, *case.settings),
        tasks=case.tasks,
        steps=case.steps,
        device="cpu",
        seed=3,
        demos=str(tmp_path / "demos") if case.demos else None,
    )
    run(config, tmp_path / "whole", library)
    compared = 0
    for number, plan in enumerate(plans):
        parts = tmp_path / f"parts-{number}"
        interrupted = [run(config, parts, library, after(calls)) for calls in plan]
        if not interrupted[0]:
            continue
        assert all(interrupted), plan
        run(config, parts, library)
        for part in ("pretraining/checkpoints/last.pt", "checkpoints/last.pt"):
            if (tmp_path / "whole" / part).exists():
                one, other = (load_checkpoint(f / part) for f in (tmp_path / "whole", parts))
                assert differences(one, other) == [], (plan, part)
        compared += 1
    return compared


def after(calls: int) -> Callable[[], bool]:
    """Ask for a stop after some calls."""
    asked = count()
    return lambda: next(asked) >= calls


def run(
    config: RunConfig,
    path: Path,
    library: SpecLibrary,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Run or go on to the end, or until stopped; return whether it was stopped."""
    begun = path.exists()
    if not begun:
        RunFolder.create(path.name, config.to_yaml(), root=path.parent)
    return train(
        RunContext(config, RunFolder(path), library, Unwatched(), should_stop), resume=begun
    ).interrupted


@pytest.mark.parametrize(
    ("name", "calls"),
    [("several tasks", (42,)), ("pictures", (40,)), ("pretraining first", (7, 45))],
)
def test_an_interrupted_run_ends_like_an_unbroken_one(name, calls, tmp_path):
    assert compare(CASES[name], [calls], tmp_path) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_whatever_the_moment(name, tmp_path):
    # The shortest of these runs asks some fifty times whether to stop.
    moments = random.Random(name).sample(range(2, 50), 20)
    assert compare(CASES[name], [(moment,) for moment in moments], tmp_path) == 20
