"""The one place that states Newt's version; the package metadata is made from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

__version__ = "0.1.0"


def git_version() -> str | None:
    """The commit of the source tree in use, ``-dirty`` if edited; None for an installed Newt."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None  # git is not installed
    return described.stdout.strip() or None
