"""Which tasks can be built here, found out without building them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from newt_core.envs.assets import missing_assets
from newt_core.envs.registry import require_package
from newt_core.errors import MissingDependencyError
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


def _lack(spec: TaskSpec) -> str | None:
    try:
        require_package(spec.domain)
    except MissingDependencyError as error:
        return str(error)
    return missing_assets(spec)
