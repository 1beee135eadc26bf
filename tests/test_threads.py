"""How many threads compute: from affinity, quota, load and the user's own choice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import newt_cli.app
from newt_core import threads
from newt_core.envs.pool.process import _environment
from newt_core.threads import (
    SLEEP,
    Load,
    busy_elsewhere,
    choose_threads,
    cpu_quota,
    how_threads_wait,
    let_waiting_threads_sleep,
    usable_cores,
)

ROOT = Path(__file__).parent.parent


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def machine(patch: pytest.MonkeyPatch, *, cores: int, quota: float | None, busy: float) -> Load:
    """Pretend to be on a machine where others keep some cores busy; return a first look."""
    now = time.monotonic()
    patch.setattr(threads, "_affinity", lambda: set(range(cores)))
    patch.setattr(threads, "cpu_quota", lambda: quota)
    # Over ten seconds this process has used one core.
    patch.setattr(threads, "look", lambda: Load(now, 100.0 + 10 * (busy + 1.0), 10.0))
    return Load(now - 10, 100.0, 0.0)


@pytest.mark.parametrize(
    ("cores", "quota", "busy", "count"),
    [
        (2, None, 0.0, 2),
        (2, None, 1.0, 1),
        (2, None, 2.0, 1),  # never none at all
        (8, None, 0.3, 8),  # a little of something is always going on
        (64, None, 10.2, 54),
        (64, 4.0, 0.0, 4),
        (64, 4.0, 62.0, 2),
        (64, 0.5, 0.0, 1),
    ],
)
def test_as_many_threads_as_cores_are_free(monkeypatch, cores, quota, busy, count):
    first = machine(monkeypatch, cores=cores, quota=quota, busy=busy)
    assert choose_threads(first, {}).count == count


@pytest.mark.parametrize(
    ("variables", "count", "by"),
    [
        ({"OMP_NUM_THREADS": "6"}, 6, "OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "3,2"}, 3, "OMP_NUM_THREADS"),
        ({"MKL_NUM_THREADS": "5"}, 5, "MKL_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "many"}, 2, None),
        ({"OMP_NUM_THREADS": ""}, 2, None),
    ],
)
def test_a_users_number_wins(monkeypatch, variables, count, by):
    first = machine(monkeypatch, cores=4, quota=None, busy=2.0)
    chosen = choose_threads(first, variables)
    assert (chosen.count, chosen.chosen_by) == (count, by)


def test_the_choice_is_explained(monkeypatch):
    chosen = choose_threads(machine(monkeypatch, cores=8, quota=2.5, busy=1.0), {})
    assert chosen.why == "8 cores to run on, a limit of 2.5 cores, other processes use 1 core"
    assert choose_threads(None, {"OMP_NUM_THREADS": "1"}).why == "OMP_NUM_THREADS says so"


def test_load_is_what_others_use():
    before, after = Load(0.0, 50.0, 5.0), Load(2.0, 54.0, 7.0)
    assert busy_elsewhere(before, after, cores=4) == 1.0
    assert busy_elsewhere(before, Load(2.0, 60.0, 5.0), cores=4) == 4.0
    assert busy_elsewhere(before, Load(2.0, 51.0, 7.0), cores=4) == 0.0
    assert busy_elsewhere(before, Load(2.0, None, 7.0), cores=4) is None


def test_load_is_read_for_the_cores_that_this_process_may_use(monkeypatch, tmp_path):
    tick = os.sysconf("SC_CLK_TCK")
    columns = "{user} {nice} 0 7777 8888 0 0 0 0 0"
    lines = ["cpu  99999 0 0 0 0 0 0 0 0 0"]
    for core, user in enumerate((100, 200, 400)):
        lines.append(f"cpu{core} " + columns.format(user=user * tick, nice=50 * tick))
    write(tmp_path / "stat", "\n".join([*lines, "intr 12 0"]))
    monkeypatch.setattr(threads, "_affinity", lambda: {0, 2})
    monkeypatch.setattr(os, "nice", lambda step: 0)
    assert threads.look(tmp_path).all == 500.0  # niced processes give way
    monkeypatch.setattr(os, "nice", lambda step: 10)
    assert threads.look(tmp_path).all == 600.0
    assert threads.look(tmp_path / "no-such-place").all is None


def test_a_quota_of_version_2_counts_on_any_level(tmp_path):
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    write(proc / "self/cgroup", "0::/user/job\n")
    write(groups / "user/job/cpu.max", "max 100000\n")
    assert cpu_quota(proc, groups) is None
    write(groups / "user/cpu.max", "250000 100000\n")
    assert cpu_quota(proc, groups) == 2.5
    write(groups / "user/job/cpu.max", "50000 100000\n")
    assert cpu_quota(proc, groups) == 0.5


def test_a_quota_of_version_1_is_found_in_a_container(tmp_path):
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    # The container sees its own group as the root, whatever path the kernel names.
    write(proc / "self/cgroup", "4:memory:/docker/12ab\n3:cpu,cpuacct:/docker/12ab\n0::/\n")
    write(groups / "cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    write(groups / "cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert cpu_quota(proc, groups) is None
    write(groups / "cpu,cpuacct/cpu.cfs_quota_us", "400000\n")
    assert cpu_quota(proc, groups) == 4.0


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert cpu_quota(tmp_path, tmp_path) is None


def test_workers_are_as_many_as_affinity_and_quota_allow(monkeypatch):
    for cores, quota, expected in ((8, None, 8), (8, 3.0, 3), (8, 0.2, 1), (2, 6.0, 2)):
        machine(monkeypatch, cores=cores, quota=quota, busy=2.0)
        assert usable_cores() == expected


def test_waiting_threads_sleep_unless_the_user_says_otherwise():
    variables: dict[str, str] = {}
    assert how_threads_wait(variables) == "spin"
    let_waiting_threads_sleep(variables)
    assert variables == SLEEP
    assert how_threads_wait(variables) == "sleep"
    for own in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "1"}, {"KMP_BLOCKTIME": "9"}):
        variables = dict(own)
        let_waiting_threads_sleep(variables)
        assert variables == own
    assert how_threads_wait({"OMP_WAIT_POLICY": "active"}) == "as OMP_WAIT_POLICY=active says"


STUB = """
import os
count = None
policy = os.environ.get("OMP_WAIT_POLICY")
def set_num_threads(number):
    global count
    count = number
"""
PROGRAM = """
import json, sys
from newt_core import threads
threads.busy_elsewhere = lambda *others: 0.75 * len(threads._affinity())
said = []
threads.prepare_process(said.append)
import torch
json.dump([torch.policy, torch.count, said], sys.stdout)
"""


def start(tmp_path: Path, **variables: str) -> tuple[str | None, int | None, list[str]]:
    """Import a stand-in of PyTorch in a process that was prepared."""
    write(tmp_path / "torch.py", STUB)
    kept = {k: v for k, v in os.environ.items() if k not in (*threads.COUNTS, *SLEEP)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**kept, "PYTHONPATH": f"{tmp_path}:{ROOT}", **variables},
        capture_output=True,
        check=True,
    )
    policy, count, said = json.loads(done.stdout)
    return policy, count, said


def test_a_prepared_process_sets_threads_when_pytorch_comes(tmp_path):
    cores = len(threads._affinity())
    policy, count, said = start(tmp_path)
    assert policy == "passive", "OpenMP reads its variables while PyTorch is imported"
    assert count == max(1, round(0.25 * cores))
    assert len(said) == (count < cores)
    assert all(f"OMP_NUM_THREADS={cores}" in line for line in said)


def test_a_prepared_process_leaves_the_users_own_settings(tmp_path):
    assert start(tmp_path, OMP_NUM_THREADS="3", OMP_WAIT_POLICY="active") == ("active", None, [])


def test_only_the_command_of_its_own_process_prepares_it(monkeypatch, capsys):
    calls: list[object] = []
    monkeypatch.setattr(newt_cli.app, "prepare_process", calls.append)
    assert newt_cli.app.main(["--version"]) == 0
    assert not calls
    monkeypatch.setattr(sys, "argv", ["newt", "--version"])
    assert newt_cli.app.main() == 0
    assert calls == [newt_cli.console.notice_later], "only commands that go on say so"


def test_a_worker_gets_one_thread_and_the_users_own_choice_wins(monkeypatch):
    for name in (*threads.COUNTS, *SLEEP):
        monkeypatch.delenv(name, raising=False)
    variables = _environment(draws=True)
    assert {variables[name] for name in threads.COUNTS} == {"1"}
    assert variables["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    variables = _environment(draws=True)
    assert (variables["OMP_NUM_THREADS"], variables["OMP_WAIT_POLICY"]) == ("4", "active")
