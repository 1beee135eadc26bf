"""Python interpreters that this one starts, instead of forks of it."""

from __future__ import annotations

import os
import sys


def same_packages() -> dict[str, str]:
    """Return the environment variables of an interpreter that finds the packages of this one."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
