"""Selectors: the short ways in which users name tasks.

=============== ==================================================================
selector        tasks
=============== ==================================================================
``walker-run``  that one
``dmcontrol``   the domain's training tasks
``all``         every training task
``transfer``    every task held out from pretraining
``walker-*``    those whose id fits the pattern, of both splits
``@mine.txt``   those the file names: selectors, a line each, ``#`` for comments
``a,b``         those of ``a``, then those of ``b``
=============== ==================================================================

A domain leaves its held-out tasks out, so that nobody trains on them without saying so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from newt_core.arguments import shown
from newt_core.errors import UnknownTaskError, did_you_mean
from newt_core.specs.schema import RESERVED_IDS, TaskSpec, domain_names


def select(specs: Mapping[str, TaskSpec], selector: str | Sequence[str]) -> list[TaskSpec]:
    """Return the tasks that a selector, or each of several, names: in order, each once.

    Raises:
        UnknownTaskError: a part of the selector is empty, names nothing, or is a file that
            cannot be read.
    """
    chosen: dict[str, TaskSpec] = {}
    several = isinstance(selector, Sequence) and not isinstance(selector, str)
    for term in _terms(selector if several else [selector]):
        chosen.update((spec.id, spec) for spec in _matches(specs, term))
    if not chosen:
        raise UnknownTaskError(
            "No task is selected. Name an id, a domain, 'all', 'transfer', a pattern such as "
            "'walker-*', or @FILE with one of these per line."
        )
    return list(chosen.values())


def unknown_task(specs: Mapping[str, TaskSpec], name: str) -> UnknownTaskError:
    """Return the error for a name that is not a task's id."""
    group = name in (*RESERVED_IDS, *domain_names())
    if group or any(sign in name for sign in "*?[,@"):
        return UnknownTaskError(
            f"'{name}' selects several tasks, but one is needed here: name its id. "
            "'newt tasks list' takes selections."
        )
    choices = [*specs, *RESERVED_IDS, *domain_names()]
    return UnknownTaskError(
        f"'{name}' is not a known task.{did_you_mean(name, choices)} "
        "'newt tasks list' shows all of them."
    )


def _terms(selectors: Sequence[Any], file: Path | None = None) -> Iterator[str]:
    """Yield the single terms of comma lists and files; ``file`` is the one being read."""
    for selector in selectors:
        if not isinstance(selector, str):
            raise UnknownTaskError(
                f"{shown(selector)} is no task selector: give a text such as 'walker-run', or "
                "several of them."
            )
        for term in filter(None, map(str.strip, selector.split(","))):
            if not term.startswith("@"):
                yield term
            elif file is not None:
                raise UnknownTaskError(
                    f"{file} names the list '{term}', but a list cannot contain another. "
                    "Write its tasks out."
                )
            else:
                path = Path(term[1:]).expanduser()
                lines = [line.partition("#")[0] for line in _read(path, term).splitlines()]
                yield from _terms(lines, file=path)


def _read(path: Path, term: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark in front
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UnknownTaskError(
            f"Cannot read the task list '{term}': {reason}. After the '@' give a text file "
            "with a selector per line."
        ) from error


def _matches(specs: Mapping[str, TaskSpec], term: str) -> list[TaskSpec]:
    if term in specs:
        return [specs[term]]
    if term == "all":
        found = [spec for spec in specs.values() if spec.split == "train"]
    elif term == "transfer":
        found = [spec for spec in specs.values() if spec.split == "transfer"]
    elif any(sign in term for sign in "*?["):
        found = [spec for spec in specs.values() if fnmatchcase(spec.id, term)]
    else:
        found = [s for s in specs.values() if s.domain == term and s.split == "train"]
        if not found and term not in domain_names():
            raise unknown_task(specs, term)
    if not found:
        raise UnknownTaskError(
            f"'{term}' matches none of the {len(specs)} tasks. 'newt tasks list' shows all of them."
        )
    return found
