"""Measure planning, learning and all around them on a GPU, within a given time.

    python -m benchmarks.gpu_check --out DIR --seconds 500
    python -m benchmarks.gpu_check --out DIR --device cpu --quick

``DIR/gpu-check.json`` is written after every measurement, the most important first. What it has is
not measured again, so the same command goes on where it was stopped. What takes too long, or takes
the process down, is noted and left out. Ends with exit code 0 if all was measured, with 1 if
something failed or is left.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # What it imports may be missing here.
    from benchmarks.gpu_check.results import Results

NEEDED = {"torch": "torch", "numpy": "numpy", "pydantic": "pydantic", "wrapt": "wrapt",
          "yaml": "PyYAML"}  # fmt: skip
"""Modules that planner and learner import, and the packages that bring them."""
CHILD = "benchmarks.gpu_check.child"
"""What measures, in a process that may be lost."""
GRACE_S = 5.0
"""What is left of the time for stopping and writing."""
LOOK_S = 0.25
"""How often the process that measures is looked after."""


def main() -> None:
    """Parse the command line, and see that everything is measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_check", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--seconds", type=float, default=500, help="how long at most")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--quick", action="store_true", help="try everything, measure nothing well")
    asked = parser.parse_args()
    sys.exit(run(asked))


def run(asked: argparse.Namespace) -> int:
    """Look for what is missing, then measure; return the exit code."""
    end = time.time() + asked.seconds
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        sys.stderr.write(
            f"missing in {sys.executable}: {', '.join(missing)}; name a folder with their wheels: "
            "scripts/gpu_check.sh --wheels DIR\n"
        )
        return 2
    return supervise(asked, end - GRACE_S)


def supervise(asked: argparse.Namespace, end: float) -> int:
    """Start what measures, again and again if it goes down, until the time is over."""
    from benchmarks.gpu_check.results import Results
    from newt_core.errors import NewtError

    command = [sys.executable, "-m", CHILD, "--out", str(asked.out),
               "--until", str(end), "--device", asked.device]  # fmt: skip
    command += ["--quick"] if asked.quick else []
    while time.time() < end:
        child = subprocess.Popen(command, start_new_session=True)
        try:
            why = watched(child, asked.out, end)
        finally:  # Ctrl-C, too, takes the process along.
            stop(child)
        try:
            results = Results(asked.out)
        except NewtError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        running = results.running
        if running is None:
            if "about" not in results.document:
                return 2  # It has said why.
            if child.returncode != 3:
                break
            continue
        if why == "time":
            results.end(running["name"], None)
            break
        results.end(running["name"], None, why or f"the process ended ({child.returncode})")
    return conclude(Results(asked.out))


def watched(child: subprocess.Popen[bytes], out: Path, end: float) -> str | None:
    """Wait for the process; return why it has to be stopped, None if it ended by itself."""
    from benchmarks.gpu_check.results import Results

    while child.poll() is None:
        time.sleep(LOOK_S)
        if time.time() > end:
            return "time"
        running = Results(out).running
        if running and time.time() > running["since"] + running["limit_s"]:
            return f"took longer than {running['limit_s']:g} s"
    return None


def stop(child: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def conclude(results: Results) -> int:
    """Say what is there and what is not; return the exit code."""
    planned = results.document.get("planned", [])
    left = [n for n in planned if n not in results.measurements and n not in results.failed]
    results.document["left"] = left
    results.save()
    sys.stderr.write(f"{results.path}: {len(results.measurements)} measured\n")
    for name, reason in results.failed.items():
        sys.stderr.write(f"failed: {name}: {reason}\n")
    if left:
        sys.stderr.write(f"left, run the same command again: {', '.join(left)}\n")
    return 1 if left or results.failed else 0


if __name__ == "__main__":
    main()
