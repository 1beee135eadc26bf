"""Starting ranks, being one, and what is said when one fails."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from unittest.mock import create_autospec

import pytest
import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from newt_core.agents.ranks import ALONE, OneRank
from newt_core.errors import ConfigError, EnvironmentFailure, NewtError, RankLostError
from newt_core.workflows.join import joined, record_failure, share_cores
from newt_core.workflows.launch import Launch, first_failure

TWO = Launch(2, ())


def failure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rank: int,
    code: int,
    error: BaseException | None = None,
) -> ProcessFailure:
    """What torch's launcher makes of a rank that ended so."""
    file = tmp_path / f"{rank}/error.json"
    if error is not None:
        monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(file))
        record_failure(error)
    return ProcessFailure(local_rank=rank, pid=1, exitcode=code, error_file=str(file))


def said(found: NewtError) -> tuple[str, int]:
    return str(found), found.exit_code


def test_the_rank_that_was_killed_is_named_and_not_those_that_missed_it(tmp_path, monkeypatch):
    failures = {
        0: failure(tmp_path, monkeypatch, 0, 1, RankLostError("lost contact")),
        1: failure(tmp_path, monkeypatch, 1, -signal.SIGKILL),
    }
    assert said(first_failure(failures, TWO)) == ("rank 1 of 2 was ended by SIGKILL.", 1)


def test_a_rank_that_says_why_is_quoted(tmp_path, monkeypatch):
    why = EnvironmentFailure("walker-run died three times.")
    failures = {
        0: failure(tmp_path, monkeypatch, 0, -signal.SIGTERM),
        1: failure(tmp_path, monkeypatch, 1, 1, why),
    }
    text, code = said(first_failure(failures, Launch(2, (), max_restarts=1)))
    assert text.startswith("rank 1 of 2: walker-run died three times.")
    assert text.endswith("started again 1 time before.")
    assert code == 1
    refused = {0: failure(tmp_path, monkeypatch, 0, 2, ConfigError("no."))}
    assert said(first_failure(refused, TWO)) == ("rank 0 of 2: no.", 2)


def test_a_fault_of_the_program_is_named_by_its_kind(tmp_path, monkeypatch):
    failures = {1: failure(tmp_path, monkeypatch, 1, 1, KeyError("x"))}
    assert said(first_failure(failures, TWO)) == ("rank 1 of 2: KeyError: 'x'", 1)
    silent = {0: failure(tmp_path, monkeypatch, 0, 2)}
    assert "exit code 2" in str(first_failure(silent, TWO))


def test_without_a_launcher_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("TORCHELASTIC_ERROR_FILE", raising=False)
    with joined() as ranks:
        assert ranks is ALONE
    record_failure(ConfigError("told nobody"))


@pytest.fixture
def rank_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the second of two ranks, as torchrun sets it, and no real meeting."""
    variables = {
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "1",
        "MASTER_ADDR": "host",
        "MASTER_PORT": "1",
        "TORCHELASTIC_RESTART_COUNT": "3",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = dist.HashStore()
    meet = create_autospec(dist.rendezvous, side_effect=lambda *_, **__: iter([(store, 1, 2)]))
    monkeypatch.setattr(dist, "rendezvous", meet)
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(dist, name, create_autospec(getattr(dist, name)))
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)


@pytest.mark.parametrize(("gpus", "backend"), [(0, "gloo"), (2, "cpu:gloo,cuda:nccl")])
def test_a_rank_takes_the_gpu_of_its_number(rank_of_two, monkeypatch, gpus, backend):
    taken = create_autospec(torch.cuda.set_device)
    monkeypatch.setattr(torch.cuda, "set_device", taken)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with joined(70) as ranks:
        assert (ranks.rank, ranks.size, ranks.writes) == (1, 2, False)
    assert [call.args for call in taken.call_args_list] == ([(1,)] if gpus else [])
    called = dist.init_process_group.call_args  # type: ignore[attr-defined]
    assert called.args == (backend,)
    assert (called.kwargs["rank"], called.kwargs["world_size"]) == (1, 2)
    assert called.kwargs["timeout"] == timedelta(seconds=70)
    # What an earlier attempt left in the store is not found by this one.
    called.kwargs["store"].set("key", "value")
    assert called.kwargs["store"].underlying_store.check(["attempt-3/key"])


def test_a_rank_that_fails_tells_its_launcher(rank_of_two, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    with pytest.raises(EnvironmentFailure), joined():
        raise EnvironmentFailure("it died.")
    message = json.loads((tmp_path / "error.json").read_text())["message"]
    assert message["message"] == "it died."
    assert message["extraInfo"]["exitCode"] == "1"


def test_the_cores_of_a_machine_are_shared_by_its_ranks(monkeypatch):
    taken: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3, 5})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: taken.append(set(cores)))
    for rank in range(3):
        share_cores({"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "3"})
    assert taken == [{0}, {1, 2}, {3, 5}]
    share_cores({"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": "6", "LOCAL_WORLD_SIZE": "8"})
    assert len(taken[-1]) == 1
    share_cores({"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "8"})  # each was given its own
    assert len(taken) == 4


def test_one_rank_gathers_itself():
    assert OneRank().gather({"a": 1}) == [{"a": 1}]
