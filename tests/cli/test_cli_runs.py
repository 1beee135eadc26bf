"""`newt runs`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newt_core.training.run_folder import RunFolder
from tests.fixtures.run_folders import write_run


@pytest.fixture
def finished() -> RunFolder:
    """A finished run with a replay and an older checkpoint."""
    run = write_run(Path("runs"), "balance")
    run.checkpoints.mkdir()
    for name in ("step_000000500.pt", "step_000001000.pt"):
        (run.checkpoints / name).write_bytes(os.urandom(200_000))
    os.link(run.checkpoints / name, run.checkpoints / "last.pt")
    run.replay.mkdir()
    (run.replay / "obs.bin").write_bytes(os.urandom(300_000))
    return run


def test_the_list_says_how_each_run_stands(newt, finished):
    write_run(Path("runs"), "swingup", (0.9, 0.3))
    Path("runs/swingup/config.yaml").write_text("steps: 1\nsped: 2\n")
    answer = newt("newt runs list")
    assert answer.code == 0
    heading, balance, swingup = (line.split() for line in answer.out.splitlines())
    assert heading == ["run", "state", "steps", "of", "score", "best", "MB", "changed"]
    assert balance[:6] == ["balance", "finished", "1,000", "1,000", "0.550", "0.550"]
    assert swingup[:2] == ["swingup", "damaged"]
    assert "swingup: " in answer.err
    first, second = newt("newt runs list --json").json
    assert (first["name"], first["state"], first["path"]) == ("balance", "finished", "runs/balance")
    assert (second["state"], second["tasks"]) == ("damaged", None)


def test_the_runs_of_a_finetuning_are_among_them(newt, finished):
    inner = write_run(Path("runs/tuned"), "walker-run_scratch_seed-0")
    name = f"tuned/{inner.name}"
    assert [line.split()[0] for line in newt("newt runs list").out.splitlines()[1:]] == [
        "balance", name
    ]  # fmt: skip
    assert [run["name"] for run in newt("newt runs list --json").json] == ["balance", name]
    assert newt(f"newt runs show {name}").code == 0
    inner.checkpoints.mkdir()
    for step in (500, 1000):
        (inner.checkpoints / f"step_{step:09d}.pt").write_bytes(os.urandom(200_000))
    os.link(inner.checkpoints / "step_000001000.pt", inner.checkpoints / "last.pt")
    cleaned = newt("newt runs clean --what checkpoints --yes --json").json["deleted"]
    assert f"runs/{name}/checkpoints/step_000000500.pt" in cleaned


def test_without_runs_the_list_is_empty(newt):
    answer = newt("newt runs list")
    assert (answer.code, answer.out) == (0, "")
    assert "there is no run in runs/ yet" in answer.err
    assert newt("newt runs list --json").json == []
    assert newt("newt runs show").code == 2
    assert "there is nothing to clean up" in newt("newt runs clean --yes").err


def test_one_run_is_shown(newt, finished):
    out = newt("newt runs show").out
    assert "state          finished\n" in out
    assert "done           1,000 of 1,000 agent steps\n" in out
    document = newt("newt runs show balance --json").json
    assert document["scores"] == pytest.approx({"walker-walk": 0.6, "pygame-pong": 0.5})
    assert document["checkpoints"][0] == "runs/balance/checkpoints/last.pt"
    wrong = newt("newt runs show balanse")
    assert wrong.code == 2
    assert "Did you mean 'balance'" in wrong.err


def test_nothing_is_deleted_unasked(newt, finished):
    for line in ("newt runs clean", "newt runs clean --json"):
        answer = newt(line)
        assert answer.code == 0
        assert "nothing was deleted: --yes" in answer.err
        assert "balance/replay" in answer.out
    assert answer.json["deleted"] == []
    assert [item["kind"] for item in answer.json["items"]] == ["replay", "checkpoints"]
    assert finished.replay.is_dir()


@pytest.mark.parametrize(("said", "there"), [("y\n", False), ("n\n", True)])
def test_a_person_is_asked(newt, finished, monkeypatch, said, there):
    monkeypatch.setattr("newt_cli.commands.runs.sys.stdin.isatty", lambda: True)
    asked = []

    def confirm(text: str, **options: object) -> bool:
        asked.append(text)
        return said == "y\n"

    monkeypatch.setattr("newt_cli.commands.runs.typer.confirm", confirm)
    answer = newt("newt runs clean")
    assert answer.code == 0
    assert asked == ["Delete these 2, 0.5 MB?"]
    assert finished.replay.exists() == there
    assert ("deleted 2, 0.5 MB" in answer.err) != there


def test_what_may_go_can_be_said(newt, finished):
    answer = newt("newt runs clean balance --what replay --yes --json")
    assert answer.json["deleted"] == ["runs/balance/replay"]
    assert not finished.replay.exists()
    assert (finished.checkpoints / "step_000000500.pt").exists()
    wrong = newt("newt runs clean --what replays --yes")
    assert wrong.code == 2
    assert "'replays' is nothing to clean. Did you mean 'replay'?" in wrong.err
