"""What the worker processes import, and that none of them outlives its parent."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec, worker_pids

ROOT = Path(__file__).parents[2]

PARENT = """
import signal, sys, time
import numpy as np
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec, worker_pids
from newt_core.envs.pool import make_pool

# Where the tests run in the background, a shell has had SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
bad = toy_spec("bad", length=50, trouble=sys.argv[1], at=LATE)
pool = make_pool([bad, toy_spec()], workers=2, builders=BUILDERS)
pool.reset()
for _ in range(LATE - 1):
    pool.step(np.zeros((2, 16)))
print(*[worker.pid for worker in pool._crew.workers], flush=True)
pool.send(np.zeros((2, 16)), [0, 1])
time.sleep(60)
"""


def _is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie (orphans may wait for a slow reaper)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.02)


def test_workers_do_not_import_torch():
    import torch  # noqa: F401 (that the parent has it must not matter)

    with make_pool([toy_spec()], builders=BUILDERS) as pool:
        assert pool.reset()[0, 2] == 0


@pytest.mark.parametrize(
    ("end", "trouble"),
    [(signal.SIGKILL, "none"), (signal.SIGKILL, "hang"), (signal.SIGINT, "none")],
)
def test_workers_end_with_their_parent(end, trouble):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, trouble],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    with parent:
        try:
            assert parent.stdout is not None
            pids = [int(word) for word in parent.stdout.readline().split()]
            assert len(pids) == 2
            parent.send_signal(end)
            parent.wait(20)
            _wait_until_gone(pids)
        finally:
            parent.kill()


def test_a_worker_has_ctrl_c_blocked_before_it_imports_anything():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with make_pool([toy_spec()], builders=BUILDERS) as pool:
        status = Path(f"/proc/{worker_pids(pool)[0]}/status").read_text()
    (mask,) = re.findall(r"SigBlk:\s*(\w+)", status)
    blocked = int(mask, 16)
    assert blocked & 1 << signal.SIGINT - 1
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_ctrl_c_is_left_to_the_parent():
    with make_pool([toy_spec(length=50)], builders=BUILDERS) as pool:
        pool.reset()
        os.kill(worker_pids(pool)[0], signal.SIGINT)
        assert not pool.step(np.zeros((1, 16))).lost.any()


def test_a_forgotten_pool_ends_its_workers():
    pool = make_pool([toy_spec()], builders=BUILDERS)
    pids = worker_pids(pool)
    del pool
    gc.collect()
    _wait_until_gone(pids)


def test_a_simulator_that_hangs_does_not_hold_up_closing():
    bad = toy_spec(length=50, trouble="hang", at=LATE)
    with make_pool([bad], builders=BUILDERS) as pool:
        pool.reset()
        for _ in range(LATE - 1):
            pool.step(np.zeros((1, 16)))
        pool.send(np.zeros((1, 16)), [0])
        pids = worker_pids(pool)
    _wait_until_gone(pids)
