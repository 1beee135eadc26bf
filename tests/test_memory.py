"""What `benchmarks/memory.py` measures is what it says."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

from benchmarks import memory
from newt_core.bench import processes
from newt_core.bench.pool import tree_memory


def test_a_full_replay_is_weighed_with_and_without_features(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROWS", 5_000)
    found = {
        features: memory.replay(tmp_path / str(features), features=features)
        for features in (False, True)
    }
    state, both = found[False], found[True]
    assert state["episodes"] == both["episodes"] == 10
    # 128 numbers of state, 16 of action and one of reward; 768 of half precision.
    assert 5_000 * 580 <= state["bytes"] < 5_000 * 580 + 2**20
    assert 5_000 * 1_536 - 2**20 < both["bytes"] - state["bytes"] < 5_000 * 1_536 + 2**20
    assert both["forecast"] / state["forecast"] == (580 + 1_536) / 580


def test_what_a_process_takes_is_what_it_holds():
    before = processes.taken(line="VmRSS")
    # Pages of its own: an array may be given memory that the process holds already.
    with mmap.mmap(-1, 50 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:
        held.write(b"\1" * len(held))
        assert processes.taken(line="VmRSS") - before > 0.9 * len(held)
    assert processes.taken() >= processes.taken(line="VmRSS") - 2**20


def test_children_are_those_of_this_process_alone():
    before = processes.children()
    words = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert sorted(processes.children()) == sorted([*before, str(child.pid)])
        assert processes.taken(child.pid) > 2**20
        child.communicate(b"\n")
    assert str(os.getpid()) not in processes.children()


def test_a_tree_of_processes_takes_what_its_children_do():
    before = tree_memory()["memory_mb"]
    held = "import numpy as np; held = np.ones(80 * 2**20, np.uint8); print(flush=True); input()"
    words = [sys.executable, "-c", held]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert tree_memory()["memory_mb"] - before > 70
        child.communicate(b"\n")
