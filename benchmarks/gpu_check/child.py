"""Measures what the file of results does not have yet; started by ``python -m
benchmarks.gpu_check``, which starts it again where something took it down.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import signal
import sys
from pathlib import Path

import torch

from benchmarks.gpu_check.loop import measure_all
from benchmarks.gpu_check.measurement import Given
from benchmarks.gpu_check.order import measurements
from benchmarks.gpu_check.results import Results
from newt_core.agents.newt.setup import choose_device
from newt_core.bench.timing import describe_hardware
from newt_core.errors import NewtError
from newt_core.version import git_version

QUICK = "quick: single calls of the smallest model with a toy planner; the times mean nothing"
"""What is noted beside results that are none."""
PR_SET_PDEATHSIG = 1
"""What Linux calls it."""


def main() -> None:
    """Measure until nothing is left or the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", type=float, required=True, help="seconds since 1970")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    end_with_parent()
    try:
        device, results = choose_device(asked.device), Results(asked.out)
        hardware = describe_hardware()
        results.describe(
            commit=git_version(),
            device=device.type,
            quick=asked.quick,
            machine=hardware.get("gpu") or hardware["processor"],
        )
    except NewtError as error:
        sys.exit(f"{error}")
    way = " --quick" if asked.quick else ""
    results.document |= {
        "hardware": hardware,
        "command": f"python -m benchmarks.gpu_check --out DIR --device {asked.device}{way}",
        "commit": git_version(),
        "seed": 0,
        "note": QUICK if asked.quick else "",
    }

    def clear() -> None:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()

    measure_all(
        measurements(quick=asked.quick),
        results,
        asked.until,
        Given(device, asked.quick, results.measurements),
        works=lambda: works(device),
        clear=clear,
    )


def end_with_parent() -> None:
    """Have the system end this process when the one that started it ends, however it does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def works(device: torch.device) -> bool:
    """Return whether a GPU still computes: after some errors, nothing does in this process."""
    try:
        return bool(torch.ones(2, device=device).sum().item() == 2)
    except RuntimeError:
        return False


if __name__ == "__main__":
    main()
