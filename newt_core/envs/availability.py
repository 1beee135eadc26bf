"""Which tasks can be built here, found out without building them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from newt_core.envs.assets import missing_assets
from newt_core.envs.registry import require_package
from newt_core.errors import MissingDependencyError
from newt_core.specs import SpecLibrary
from newt_core.specs.schema import TaskSpec


class Sorted(NamedTuple):
    """Tasks by whether they can be built."""

    available: list[TaskSpec]
    left_out: Mapping[str, list[TaskSpec]]
    """Why they cannot → which."""


def sort_out(specs: Iterable[TaskSpec]) -> Sorted:
    """Part the tasks whose package and assets are here from the others, order kept.

    Raises:
        SpecError: a task names an asset that does not exist.
    """
    available: list[TaskSpec] = []
    left_out: dict[str, list[TaskSpec]] = {}
    for spec in specs:
        reason = _lack(spec)
        if reason is None:
            available.append(spec)
        else:
            left_out.setdefault(reason, []).append(spec)
    return Sorted(available, left_out)


def runnable(
    library: SpecLibrary, selector: str, *, strict: bool, notice: Callable[[str], None]
) -> str:
    """Return a selector of the tasks whose package and assets are here.

    Tasks that a group brought in are left out with a notice of which and why. That is the
    selector itself if nothing is, so that a run's settings keep what the user said.

    Args:
        library: where the selector is looked up.
        selector: as typed.
        strict: leave nothing out.
        notice: told what is left out, and why.

    Raises:
        UnknownTaskError: the selector names nothing.
        MissingDependencyError: a task cannot run here, and it was asked for by its own id, or
            nothing else is left, or ``strict``.
    """
    found = sort_out(library.select(selector))
    if not found.left_out:
        return selector
    named = {term.strip() for term in selector.split(",")}
    for reason, specs in found.left_out.items():
        asked_for = [spec.id for spec in specs if spec.id in named]
        if asked_for:
            raise MissingDependencyError(f"task '{asked_for[0]}': {reason}")
        ids = ", ".join(spec.id for spec in specs)
        notice(f"left out {len(specs)} of the tasks, {ids}: {reason}")
    if strict or not found.available:
        left_out = sum(map(len, found.left_out.values()))
        raise MissingDependencyError(
            f"{left_out} of the tasks in '{selector}' cannot run here, see above"
            + (", and --strict leaves none out." if strict else ", and none is left.")
        )
    return ",".join(spec.id for spec in found.available)


def _lack(spec: TaskSpec) -> str | None:
    try:
        require_package(spec.domain)
    except MissingDependencyError as error:
        return str(error)
    return missing_assets(spec)
