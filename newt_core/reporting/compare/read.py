"""What is to be compared: runs, lists of them and saved evaluations, by a user's words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.compare.members import Member, read_run, read_single_tasks
from newt_core.reporting.history import Evaluation, checked_evaluation
from newt_core.training.run_folder import RUNS, RunFolder, list_runs
from newt_core.training.run_list import RunList, list_run_lists


@dataclass(frozen=True)
class Method:
    """One of those that are compared: a run, or several that repeat each other."""

    name: str
    members: Sequence[Member]


def read_methods(words: Sequence[str], *, at: int | None = None, root: Path = RUNS) -> list[Method]:
    """Read what a user wants compared.

    Args:
        words: each ``[NAME=]RUN[,RUN…]``, where a RUN is a run's name or folder, a pattern of
            names such as ``'balance-*'``, or a file that ``newt eval --json`` printed. Such a
            file of several agents, alone and without a name, is a method for each. What
            ``newt train --each`` made counts as one run of all its tasks.
        at: take each run's last evaluation up to so many steps; its newest by default.
        root: the folder of all runs.

    Raises:
        NewtError: one of them is not there, is named twice, or has no evaluation.
    """
    methods: list[Method] = []
    said: list[str] = []
    """Of each method, the word that names it."""
    for word in words:
        name, sources = _split(word)
        expanded = _expand(sources, root)
        members = [member for source in expanded for member in _read(source, at, root)]
        names = [member.name for member in members]
        if name is None and len(expanded) == 1 < len(members):  # a file of several agents
            methods += [Method(member.name, [member]) for member in members]
            said += [word] * len(members)
            continue
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            raise ConfigError(f"'{word}' names {twice} twice: every run counts once.")
        methods.append(Method(name or (names[0] if len(names) == 1 else sources), members))
        said.append(word)
    called = [method.name for method in methods]
    for name, word in zip(called, said, strict=True):
        if called.count(name) > 1:
            raise ConfigError(
                f"two of those compared are called '{name}': name them, as in mine={word}."
            )
    return methods


def _split(word: str) -> tuple[str | None, str]:
    """Return the name that a user gives, if any, and what it stands for."""
    name, equals, sources = word.partition("=")
    if not equals or Path(word).exists():
        return None, word
    if not name.strip() or not sources.strip():
        raise ConfigError(f"'{word}' is not understood: write NAME=RUN, or NAME=RUN,RUN.")
    return name.strip(), sources


def _expand(sources: str, root: Path) -> list[str]:
    if Path(sources).is_file():  # whose name may have commas
        return [sources]
    found: list[str] = []
    for source in filter(None, (part.strip() for part in sources.split(","))):
        if not any(sign in source for sign in "*?[") or Path(source).exists():
            found.append(source)
            continue
        lists = [runs.path.name for runs in list_run_lists(root) if runs.kind == "each"]
        known = sorted([*(run.name for run in list_runs(root)), *lists])
        named = [name for name in known if fnmatchcase(name, source)]
        if not named:
            raise RunFolderError(f"no run in {root}/ fits '{source}'.")
        found += named
    if not found:
        raise ConfigError("name a run to compare, not nothing.")
    return found


def _read(source: str, at: int | None, root: Path) -> list[Member]:
    path = Path(source)
    if path.suffix == ".pt":
        raise ConfigError(
            f"{source} is a checkpoint: what it scores has to be measured first. Run "
            f"'newt eval {source} --json > {path.stem}.json', and compare {path.stem}.json."
        )
    if path.suffix == ".json" or path.is_file():
        return _read_document(path, at)
    runs = RunList.find(source, root=root)
    if runs is None:
        return [read_run(RunFolder.open(source, root=root), at)]
    if runs.kind != "each":
        raise ConfigError(
            f"{runs.path} is an ablation: name some of its runs, as in "
            f"newt compare 'reference_*' --runs-dir {runs.path}."
        )
    return [read_single_tasks(runs, at)]


def _read_document(path: Path, at: int | None) -> list[Member]:
    """Read what ``newt eval --json`` printed, of one agent or of several."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        several = dict(document.get("evaluations", {})) if isinstance(document, dict) else {}
        documents = several or {str(path): document}
        documents = {name: checked_evaluation(one) for name, one in documents.items()}
        for one in documents.values():
            if any(result["score"] is None for result in one["tasks"].values()):
                raise ValueError("a task without a score")
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunFolderError(
            f"{path} is not what 'newt eval --json' prints: it has no scores of tasks."
        ) from error
    if at is not None:
        raise ConfigError(f"{path} is of one moment: leave --at out, or name runs only.")
    return [Member(name, one, _step(one)) for name, one in documents.items()]


def _step(evaluation: Evaluation) -> int | None:
    step = evaluation.get("step")
    return step if isinstance(step, int) else None
