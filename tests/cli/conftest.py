"""Runs `newt` inside the test's process, and stands in for the work behind it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from newt_cli.app import main
from tests.cli.stand_ins import Answer, FakeCore, Newt


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


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """Put a :class:`FakeCore` in the place of training, evaluation, films and benchmarks."""
    return FakeCore(monkeypatch)
