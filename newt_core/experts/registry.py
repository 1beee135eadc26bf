"""From a task to its scripted player.

A domain's module is imported when one of its tasks is asked for and not before. To add players
for a task, extend its domain's ``find``; for a domain, add a line here. Where the domain has none,
the task's stored expert plays, if there is one (:mod:`newt_core.experts.rhythm`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from newt_core.errors import MissingDependencyError, SpecError
from newt_core.experts import rhythm
from newt_core.experts.policy import MakePlayer, Player
from newt_core.specs.schema import TaskSpec

FINDERS: Mapping[str, str] = MappingProxyType(
    {
        "box2d": "newt_core.experts.box2d:find",
        "dmcontrol": "newt_core.experts.suite:find",
        "dmcontrol-ext": "newt_core.experts.suite:find",
        "maniskill": "newt_core.experts.maniskill:find",
        "metaworld": "newt_core.experts.metaworld:find",
        "miniarcade": "newt_core.experts.miniarcade:find",
        "mujoco": "newt_core.experts.mujoco:find",
        "ogbench": "newt_core.experts.ogbench:find",
        "robodesk": "newt_core.experts.robodesk:find",
    }
)
"""Domain → ``module:function``. The function takes a spec of that domain and returns what makes
its players, or None where the task has none. It builds no simulator."""

Finder = Callable[[TaskSpec], MakePlayer | None]


def has_player(spec: TaskSpec) -> bool:
    """Whether there is a scripted player of a task."""
    return find_player(spec) is not None


def find_player(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes scripted players of a task; None where there is none.

    Raises:
        SpecError: its stored expert is damaged.
    """
    written = None
    if spec.domain in FINDERS:
        module_name, _, function_name = FINDERS[spec.domain].partition(":")
        written = cast(Finder, getattr(import_module(module_name), function_name))(spec)
    return written or rhythm.find(spec)


def why_no_player(spec: TaskSpec) -> str:
    """Return why :func:`find_player` finds nothing, in half a sentence."""
    return rhythm.why_not(spec) or rhythm.NONE


def make_player(spec: TaskSpec) -> Player:
    """Return a new scripted player of a task, for one episode: some have a memory.

    Raises:
        SpecError: the task has none.
        MissingDependencyError: a package that the player needs is not installed.
    """
    make = find_player(spec)
    if make is None:
        raise SpecError(
            f"task '{spec.id}': {why_no_player(spec)}. `newt tasks list --experts` shows which "
            "tasks have one."
        )
    try:
        return make()
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"the scripted player of '{spec.id}' needs the Python package '{error.name}', "
            f"which is not installed."
        ) from error
