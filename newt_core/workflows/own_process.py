"""Calls a function in a process of its own: what it took, a GPU's memory too, is free afterwards.

A fresh interpreter instead of a fork, which neither CUDA nor PyTorch's threads survive.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from newt_core.errors import ConfigError, EnvironmentFailure, NewtError
from newt_core.interpreter import same_packages

_CODE = "from newt_core.workflows.own_process import main; main()"


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns that another process calls.

    Args:
        function: One of a module's; returns plain values, which JSON has.
        arguments: Can be pickled. The other process reads them, and nothing else does.

    Raises:
        ConfigError: The function says that the user can put something right.
        EnvironmentFailure: It failed otherwise, or its process was killed.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", _CODE],
        input=pickle.dumps((function, arguments)),
        env=same_packages(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it was killed"]
        raise EnvironmentFailure(said[-1].partition(": ")[2] or said[-1])
    # A simulator may have printed lines of its own before.
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        refused = answer["exit_code"] == ConfigError.exit_code
        raise (ConfigError if refused else EnvironmentFailure)(answer["error"])
    return answer["returned"]


def main() -> None:
    """Call what standard input names, and print what came of it as a line of JSON."""
    function, arguments = pickle.load(sys.stdin.buffer)
    try:
        answer = {"returned": function(*arguments)}
    except NewtError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
