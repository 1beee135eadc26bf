"""What a run may be called."""

from __future__ import annotations

import re
from pathlib import Path

from newt_core.errors import RunFolderError

RUNS = Path("runs")
"""Folder of all runs, under the one that Newt is started in."""
CONFIG = "config.yaml"
"""In a run's folder, its settings; what has it is a run."""
FINETUNING = "finetune.json"
"""What makes a folder a finetuning: of several runs, each in a folder of its own inside."""
RUN_LIST = "runs.json"
"""What makes a folder a list of runs, likewise."""
LONGEST_NAME = 100
"""Characters of a run's name: file systems take 255 bytes, and names of files are made of it."""
_LONGEST_LABEL = 40
_KINDS = {CONFIG: "run", FINETUNING: "finetuning", RUN_LIST: "list of runs"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str | None, root: Path = RUNS) -> None:
    """Return if a new run in ``root`` can have a name; None for one that follows from its tasks.

    Raises:
        RunFolderError: the name is not usable or taken, or ``root`` is a file.
    """
    if root.exists() and not root.is_dir():
        raise RunFolderError(f"{root} is a file: --runs-dir names the folder of all runs.")
    if name is None:
        return
    if len(name) > LONGEST_NAME:
        raise RunFolderError(
            f"{name[:20] + '…'!r} cannot name a run: it has {len(name):,} characters, and "
            f"{LONGEST_NAME} is the most."
        )
    if not _NAME.fullmatch(name):
        raise RunFolderError(
            f"{name!r} cannot name a run: use letters, digits, '.', '_' and '-', and a letter or "
            f"digit first. The folder is made in {root}/, which --runs-dir changes."
        )
    path = root / name
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise taken(path)


def run_label(tasks: str, preset: str | None) -> str:
    """Return what a run's name says after its date, such as ``walker-run_cpu``.

    >>> run_label("walker-*, cartpole-balance", "cpu")
    'walker-cartpole-balance_cpu'
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", tasks)[:_LONGEST_LABEL].strip("-") or "tasks"
    return f"{words}_{preset}" if preset else words


def taken(path: Path) -> RunFolderError:
    """Return the error of a name that is taken by what lies at ``path``."""
    for file, kind in _KINDS.items():
        if (path / file).is_file():
            return RunFolderError(
                f"the {kind} {path} already exists. Go on with it with --resume, or choose "
                "another --run NAME."
            )
    return RunFolderError(f"{path} already exists and is not a run. Choose another --run NAME.")
