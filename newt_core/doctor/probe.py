"""Trying something out in a process of its own, so that a library that crashes ends that alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from newt_core.interpreter import same_packages

_CODE = "import sys; from newt_core.doctor.probes import main; main(*sys.argv[1:])"


@dataclass(frozen=True)
class Answer:
    """What came of it: the one or the other."""

    value: Any = None
    """What the probe returned, out of JSON."""
    problem: str | None = None
    """Why there is nothing, in one line."""


def probe(name: str, *arguments: str, seconds: float) -> Answer:
    """Run a function of :mod:`newt_core.doctor.probes` in a new process.

    Args:
        name: the function's.
        arguments: its arguments.
        seconds: after which the process is killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _CODE, name, *arguments],
        env=same_packages(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Answer(problem=f"no answer within {seconds:g} seconds")
    finally:
        process.kill()  # What it started itself notices, and ends.
        process.wait()
    if process.returncode < 0:
        return Answer(
            problem=f"the process was ended by {signal.Signals(-process.returncode).name}"
        )
    try:
        answer = json.loads(out)
        return Answer(answer.get("value"), answer.get("problem"))
    except (ValueError, AttributeError):
        return Answer(problem=f"the process ended with exit code {process.returncode}")
