"""`newt train --gpus N` and `--ranks N`: what is refused, started, and said at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from newt_cli.rank_options import RANK_TIMEOUT_S, Several
from newt_cli.ranks import shared_run
from newt_core.agents.ranks import OneRank
from newt_core.errors import RankFailedError
from newt_core.files import write_json
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.progress import RunStatus
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.asked import Asked
from newt_core.workflows.join import TIMEOUT_S
from tests.fixtures.contents import payload_of

TRAIN = "newt train --tasks walker-run,walker-walk --preset smoke --run a"
NOTHING = {"document": {}, "lines": [], "remarks": [], "interrupted": False}
"""What a first rank leaves that has nothing to say."""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--gpus 2", "has no CUDA GPU; --ranks 2 trains by as many processes on the CPU."),
        ("--gpus 1 --ranks 2", "give one of them."),
        ("--max-restarts 1", "--gpus or --ranks"),
        ("--ranks 3", "3 ranks are more than the environments of this run, 2"),
        ("--ranks 2 --set update.batch_size=1", "update.batch_size is 1, which 2 ranks cannot"),
        ("--ranks 2 --set replay.capacity=600", "each of 2 ranks has a part"),
        ("--ranks 2 --device cuda", "--gpus is for GPUs"),
        ("--gpus 2 --device cpu", "--gpus is not for --device cpu"),
        ("--ranks 0", "the smallest is 1"),
        ("--ranks 2 --rank-timeout 604801", "604,800"),
    ],
)
def test_what_cannot_be_shared_is_one_line(newt, core, options, said):
    answer = newt(f"{TRAIN} {options}")
    assert answer.code == 2
    assert said in answer.err
    assert len([line for line in answer.err.splitlines() if line.startswith("error")]) == 1
    assert not Path("runs").exists()
    assert not [name for name, _ in core.calls if name in ("train", "launch")]


def test_all_tasks_on_two_gpus_is_one_line_where_there_are_none(newt, core):
    answer = newt("newt train --tasks all --gpus 2")
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert "--ranks 2" in answer.err


def test_more_gpus_than_there_are(newt, core, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    answer = newt(f"{TRAIN} --gpus 4")
    assert answer.code == 2
    assert "has 2 CUDA GPUs" in answer.err


def test_each_gpu_gets_a_process(newt, core, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    answer = newt(f"{TRAIN} --gpus 2 --max-restarts 3 --json")
    assert answer.code == 0, answer.err
    asked = core.arguments("launch")["asked"]
    assert (asked.processes, asked.max_restarts) == (2, 3)
    folder = str(Path("runs/a").absolute())
    assert asked.arguments == ["train", "--run", folder, "--resume", "--rank-timeout", "3600"]
    assert yaml.safe_load(Path("runs/a/config.yaml").read_text())["device"] == "cuda"
    expected = {"steps": 1_200, "updates": 50, "seconds": 3000.0}
    assert core.arguments("forecast")["ranks"] == 2
    assert answer.json == {"run": folder, "steps": 9, "forecast": expected}
    assert answer.err.splitlines()[0] == (
        "forecast for 2 ranks: 1,200 steps, about 50 min on this machine; what they exchange is "
        "not counted"
    )


def test_the_command_line_and_the_core_wait_equally_long():
    assert RANK_TIMEOUT_S == TIMEOUT_S


def test_processes_on_the_cpu_stay_there(newt, core, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert newt(f"{TRAIN} --ranks 2").out.splitlines() == ["9 steps"]
    assert yaml.safe_load(Path("runs/a/config.yaml").read_text())["device"] == "cpu"


def test_a_rank_that_failed_is_named_and_how_to_go_on(newt, core):
    def fail(asked, environment):
        config = resolve_config("smoke", None, (), tasks="walker-run")
        save_checkpoint(Path("runs/a/checkpoints/step_000000000.pt"), payload_of(config))
        error = RankFailedError("rank 1 of 2 was ended by SIGKILL.")
        error.exit_code = 3  # that of the rank
        raise error

    core.replace("launch", fail)
    answer = newt(f"{TRAIN} --ranks 2 --json")
    assert answer.code == 3
    assert answer.err.splitlines()[1:] == [
        "error: rank 1 of 2 was ended by SIGKILL.",
        "Go on with: newt train --run runs/a --resume --ranks 2",
    ]
    assert "rank 1" in answer.json["error"]


def test_what_failed_before_anything_came_of_it_is_gone(newt, core):
    def fail(asked, environment):
        raise RankFailedError("rank 0 of 2: no.")

    core.replace("launch", fail)
    assert newt(f"{TRAIN} --ranks 2").code == 1
    assert not Path("runs/a").exists()


def test_a_stopped_job_says_how_to_go_on_with_as_many(newt, core):
    def stop(asked, environment):
        result = {**NOTHING, "lines": ["4 steps"], "interrupted": True}
        write_json(Path(environment["NEWT_RESULT"]), result)
        return False

    core.replace("launch", stop)
    answer = newt(f"{TRAIN} --ranks 2")
    assert answer.code == 130
    assert answer.err.splitlines()[-1].endswith("newt train --run runs/a --resume --ranks 2")


def test_a_rank_leaves_its_result_to_whoever_started_it(newt, core, monkeypatch):
    monkeypatch.setenv("NEWT_RESULT", "result.json")
    answer = newt(f"{TRAIN} --json")
    assert answer.code == 0
    assert answer.out == ""
    assert json.loads(Path("result.json").read_text())["document"]["run"] == "runs/a"


@pytest.mark.parametrize("tries", [0, 1])
def test_the_rank_that_shows_progress_counts_down_from_the_forecast(newt, core, monkeypatch, tries):
    told: dict[str, str] = {}

    def start(asked, environment):
        told.update(environment)
        write_json(Path(environment["NEWT_RESULT"]), NOTHING)
        return True

    def report(*, progress, **_):
        progress.update(RunStatus(0, 700, 0, 0.0, {}))

    core.replace("launch", start)
    assert newt(f"{TRAIN} --ranks 2").code == 0
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(tries))
    core.while_training = report
    monkeypatch.setenv("NEWT_RESULT", "result.json")
    shown = newt("newt train --run a --resume").err
    assert ("0:50:00 left" in shown) is (tries == 0), shown


def test_a_rank_starts_no_others(newt, core, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    answer = newt(f"{TRAIN} --ranks 2")
    assert answer.code == 2
    assert "torchrun" in answer.err
    answer = newt(TRAIN)
    assert answer.code == 2
    assert "MASTER_ADDR, MASTER_PORT" in answer.err


def test_another_kind_of_agent_is_not_shared(newt, core, monkeypatch):
    monkeypatch.setitem(
        __import__("newt_core.workflows.agent_kinds", fromlist=["KINDS"]).__dict__,
        "known_kinds",
        lambda: {"random": "tests.fixtures.random_search:RandomSearchKind"},
    )
    answer = newt(f"{TRAIN} --agent random --ranks 2")
    assert answer.code == 2
    assert "learns in one process" in answer.err


class Second(OneRank):
    """The second of two ranks, which the first one tells where the run is."""

    rank, size, writes = 1, 2, False

    def __init__(self, told: str) -> None:
        self.told = told

    def gather(self, value: Any) -> list[Any]:
        return [self.told, value]


@pytest.mark.parametrize("resume", [True, False])
def test_a_rank_that_does_not_write_makes_nothing_and_follows_the_first(tmp_path, resume):
    settings = resolve_config("smoke", None, (), tasks="walker-run,walker-walk")
    folder = RunFolder.create("a", settings.to_yaml(), root=tmp_path)
    ranks = Second(str(folder.path))

    def never(*arguments: object) -> None:
        raise AssertionError("that is for the first rank")

    made, goes_on = shared_run(
        Several(gpus=None, ranks=None, max_restarts=0, timeout=60),
        ranks,
        Asked(None, None, (), {}),
        never,  # type: ignore[arg-type]
        never,  # type: ignore[arg-type]
        never,
        name=None,
        specs=(),
        resume=resume,
    )
    assert made.ranks is ranks
    assert made.folder.path == folder.path
    assert made.config == settings
    assert [spec.id for spec in made.parts.specs] == ["walker-run", "walker-walk"]
    assert goes_on is resume
