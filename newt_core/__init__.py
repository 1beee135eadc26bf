"""Newt: one language-conditioned world model for many control tasks.

The names below are all most users need. Each is imported when it is first used, because
environment workers import this package too and have to stay light.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from newt_core.version import __version__

if TYPE_CHECKING:
    from newt_core.envs.task_env import make
    from newt_core.envs.vector import make_vec
    from newt_core.workflows.loaded import load

_LAZY = {
    "make": "newt_core.envs.task_env:make",
    "make_vec": "newt_core.envs.vector:make_vec",
    "load": "newt_core.workflows.loaded:load",
}
"""Public name → where it is defined."""

__all__ = ["__version__", "load", "make", "make_vec"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        module_name, _, attribute = _LAZY[name].partition(":")
        return getattr(import_module(module_name), attribute)
    raise AttributeError(f"module 'newt_core' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


# An installed Newt announces its ids to Gymnasium by an entry point, and nothing is left to do
# here. This serves a mere source tree, where Gymnasium has to be imported first.
if "gymnasium" in sys.modules:
    from newt_core.envs.gym_ids import register

    register()
