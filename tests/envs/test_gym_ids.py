"""Gymnasium knows every task, whichever of the two packages is imported first."""

import subprocess
import sys

import pytest

MAKE = (
    "gymnasium.make('newt/pygame-pong-v0').close(); "
    "print(sum(name.startswith('newt/') for name in gymnasium.registry))"
)


@pytest.mark.parametrize(
    "code",
    [
        f"import newt_core, gymnasium; {MAKE}",
        f"import gymnasium, newt_core; {MAKE}",
        f"import newt_core.version; import gymnasium as g; import gymnasium; {MAKE}",
    ],
    ids=["ours first", "theirs first", "only a part of ours"],
)
def test_the_tasks_are_known_in_any_order(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "220\n"


def test_newt_alone_imports_neither_gymnasium_nor_specs() -> None:
    heavy = "[n for n in ('gymnasium', 'torch', 'numpy', 'pydantic', 'yaml') if n in sys.modules]"
    code = f"import sys, newt_core; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
