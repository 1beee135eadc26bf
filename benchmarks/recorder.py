"""Runs and evaluations as commands of the command line, and one file that keeps what they showed.

What the file holds already is not done again, and a run that was stopped is gone on with: whatever
records by it can be interrupted.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json


class Recorder:
    """Runs commands, and keeps what they showed.

    Args:
        runs: The folder of all runs.
        out: The file.
        threads: Of each command.
    """

    def __init__(self, runs: Path, out: Path, threads: int) -> None:
        self.runs, self.out, self.threads = runs, out, threads
        self.document: dict[str, Any] = (
            json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"runs": {}}
        )

    def has(self, name: str) -> bool:
        """Return whether the file holds a run."""
        return name in self.document["runs"]

    def keep(self, name: str, shown: dict[str, Any]) -> None:
        """Write what a run showed into the file."""
        self.document["runs"][name] = shown
        write_json(self.out, {"hardware": describe_hardware(), **self.document})

    def learn(
        self,
        command: str,
        name: str,
        options: Sequence[str],
        settings: Sequence[str],
        *,
        preset: str | None = "cpu",
        device: str | None = "cpu",
    ) -> str:
        """Make a run, or go on with it, and return the command that begins one like it.

        Args:
            command: ``train`` or ``pretrain``.
            name: Of the run.
            options: Words of the command line.
            settings: More of them.
            preset: Its settings to begin with; None for the command's choice.
            device: Where it learns; None for the command's choice.
        """
        words = [command, "--run", name, "--runs-dir", str(self.runs)]
        begun = ["--preset", preset] if preset else []
        if (self.runs / name).exists():
            self.newt([*words, "--resume"])
        else:
            where = ["--device", device] if device else []
            self.newt([*words, *begun, *where, *options, *settings])
        return shlex.join(["newt", command, *begun, *options, *settings])

    def evaluation(
        self, checkpoint: Path, episodes: int, options: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Evaluate a checkpoint: ``score``, and each task's in ``tasks`` and ``returns``."""
        words = ["eval", str(checkpoint), "--episodes", str(episodes), "--seed", "1"]
        document = json.loads(self.newt([*words, *options, "--json"]))
        return {
            "score": document["score"],
            "tasks": {task: r["score"] for task, r in document["tasks"].items()},
            "returns": {task: r["return"] for task, r in document["tasks"].items()},
        }

    def newt(self, words: Sequence[str]) -> str:
        """Run a command and return what it printed."""
        sys.stderr.write(f"newt {shlex.join(words)}\n")
        environment = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
        done = subprocess.run(
            [sys.executable, "-m", "newt_cli", *words],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=environment,
        )
        return done.stdout
