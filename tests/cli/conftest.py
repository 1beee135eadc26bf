"""Runs `newt` inside the test's process, and stands in for the work behind it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from newt_cli.app import main
from newt_core import build, build_evaluation, build_pretrain, demonstrate, recipe
from newt_core.demos.collect import Collection
from newt_core.evaluation import GroupSummary, Summary, TaskSummary


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document that it has to be."""
        return json.loads(self.out)


Newt = Callable[[str], Answer]


@pytest.fixture
def newt(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Newt:
    """Return a function that runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWT_DEBUG", raising=False)

    def run(line: str) -> Answer:
        name, *arguments = shlex.split(line)
        assert name == "newt"
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return run


SUMMARY = Summary(
    tasks={
        "walker-walk": TaskSummary(10, 512.21, None, 0.51221, 0.0427),
        "walker-run": TaskSummary(1, 100.0, None, 0.1, None),
    },
    domains={"dmcontrol": GroupSummary(2, 0.306, None)},
    total=GroupSummary(2, 0.306, None),
    mode="planning",
)

COLLECTED = demonstrate.Collected(
    tasks=[Collection("walker-run", Path("demos/walker-run.h5"), 22, 20, 2, 700.5, None, 0.7)],
    left_out={},
    interrupted=False,
)


@dataclass
class FakeCore:
    """Stands in for the slow functions of `newt_core`, and remembers how they were called."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    while_training: Callable[..., None] = lambda **kwargs: None
    """What happens inside the run; it gets the keyword arguments of `build.train`."""

    def arguments(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of the newest call of a function."""
        return next((a, k) for called, a, k in reversed(self.calls) if called == name)

    def train(self, *args: Any, **kwargs: Any) -> build.TrainResult:
        self.calls.append(("train", args, kwargs))
        self.while_training(**kwargs)
        config, folder = args
        stopped = kwargs["should_stop"]()
        return build.TrainResult(
            folder.path, folder.checkpoints / "last.pt", config.steps, 0.5, stopped
        )

    def pretrain(self, *args: Any, **kwargs: Any) -> build_pretrain.PretrainOutcome:
        self.calls.append(("pretrain", args, kwargs))
        self.while_training(**kwargs)
        config, folder = args
        stopped = kwargs["should_stop"]()
        return build_pretrain.PretrainOutcome(
            folder.path,
            folder.checkpoints / "last.pt",
            folder.path / "losses.png",
            config.pretrain.updates,
            {} if stopped else {"policy": 0.4, "planning": 0.3, "constrained planning": 0.5},
            stopped,
        )

    def returning(self, name: str, result: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            return result

        return call


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """Put a :class:`FakeCore` in the place of training, evaluation and benchmarks."""
    fake = FakeCore()
    for module in (build, recipe):
        monkeypatch.setattr(module, "train", fake.train)
    monkeypatch.setattr(build_pretrain, "pretrain", fake.pretrain)
    for name in ("evaluate_checkpoint", "evaluate_random"):
        monkeypatch.setattr(build_evaluation, name, fake.returning(name, SUMMARY))
    collect = fake.returning("collect_demos", COLLECTED)
    monkeypatch.setattr(demonstrate, "collect_demos", collect)
    for what in ("plan", "update", "pool", "train"):
        timing = {"median_s": 0.25, "runs": [0.25], "steps_per_s": 32.0}
        document = {
            "what": what,
            "hardware": {"cores": 2},
            "variants": {"fast": timing, "reference": timing},
            "ratios": {"fast_over_reference": 1.0},
        }
        bench = ModuleType(f"newt_core.bench.{what}")
        vars(bench)[f"bench_{what}"] = fake.returning(f"bench_{what}", document)
        monkeypatch.setitem(sys.modules, bench.__name__, bench)
    return fake
