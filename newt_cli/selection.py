"""From a task selector to the tasks of it that can run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newt_cli import console

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary


def runnable(library: SpecLibrary, selector: str, *, strict: bool = False) -> str:
    """Return a selector of the tasks whose package and assets are here.

    Tasks that a group brought in are left out with a notice of which and why. That is the
    selector itself if nothing is, so that a run's settings keep what the user said.

    Args:
        library: where the selector is looked up.
        selector: as typed.
        strict: leave nothing out.

    Raises:
        UnknownTaskError: the selector names nothing.
        MissingDependencyError: a task cannot run here, and it was asked for by its own id, or
            nothing else is left, or ``strict``.
    """
    from newt_core.envs.availability import sort_out
    from newt_core.errors import MissingDependencyError

    found = sort_out(library.select(selector))
    if not found.left_out:
        return selector
    named = {term.strip() for term in selector.split(",")}
    for reason, specs in found.left_out.items():
        asked_for = [spec.id for spec in specs if spec.id in named]
        if asked_for:
            raise MissingDependencyError(f"task '{asked_for[0]}': {reason}")
        ids = ", ".join(spec.id for spec in specs)
        console.notice(f"left out {len(specs)} of the tasks, {ids}: {reason}")
    if strict or not found.available:
        left_out = sum(map(len, found.left_out.values()))
        raise MissingDependencyError(
            f"{left_out} of the tasks in '{selector}' cannot run here, see above"
            + (", and --strict leaves none out." if strict else ", and none is left.")
        )
    return ",".join(spec.id for spec in found.available)
