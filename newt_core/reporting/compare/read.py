"""What is to be compared: runs and saved evaluations, by the words of whoever asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.history import Evaluation, checked_evaluation, read_history
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RUNS, RunFolder, list_runs


@dataclass(frozen=True)
class Moment:
    """One evaluation of a run."""

    steps: int
    hours: float | None
    """Of training until then, the pretraining and the evaluations included; None if unknown."""
    evaluation: Evaluation


@dataclass(frozen=True)
class Member:
    """A run, or a saved evaluation."""

    name: str
    evaluation: Evaluation
    """The one that is compared."""
    steps: int | None
    """Agent steps of the run by then; None for what is no run's."""
    moments: Sequence[Moment] = ()
    """All evaluations of its interaction, by their steps."""

    @property
    def tasks(self) -> list[str]:
        """The tasks that it was evaluated on."""
        return list(self.evaluation["tasks"])


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
            file of several agents, alone and without a name, is a method for each.
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
    found: list[str] = []
    for source in filter(None, (part.strip() for part in sources.split(","))):
        if not any(sign in source for sign in "*?[") or Path(source).exists():
            found.append(source)
            continue
        named = [run.name for run in list_runs(root) if fnmatchcase(run.name, source)]
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
    return [_read_run(RunFolder.open(source, root=root), at)]


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


def _read_run(folder: RunFolder, at: int | None) -> Member:
    history = read_history(folder)
    hours = _Clock.of(folder)
    moments = [
        Moment(steps, hours.at(steps), evaluation)
        for steps, evaluation in history.interaction.items()
    ]
    chosen = [moment for moment in moments if at is None or moment.steps <= at]
    if chosen:
        return Member(folder.name, chosen[-1].evaluation, chosen[-1].steps, moments)
    if at is not None and moments:
        raise ConfigError(
            f"the run {folder.path} was not evaluated up to step {at:,}: its first evaluation "
            f"is at {moments[0].steps:,}."
        )
    if history.newest is None:
        raise RunFolderError(
            f"the run {folder.path} has no evaluation yet. Run 'newt eval {folder.path} --json > "
            f"{folder.name}.json', and compare {folder.name}.json."
        )
    return Member(folder.name, history.newest, 0)


@dataclass(frozen=True)
class _Clock:
    """When a run was how far: its own hours, after those of its pretraining."""

    steps: Sequence[float]
    seconds: Sequence[float]
    before: float

    @classmethod
    def of(cls, folder: RunFolder) -> _Clock:
        own, part = _times(folder), _times(folder.pretraining)
        return cls(list(own), list(own.values()), max(part.values(), default=0.0))

    def at(self, steps: int) -> float | None:
        """Return the hours at a step; None before the first that is known, and after the last."""
        if not self.steps or not self.steps[0] <= steps <= self.steps[-1]:
            return None
        seconds = float(np.interp(steps, self.steps, self.seconds))
        return (self.before + seconds) / 3600.0


def _times(folder: RunFolder) -> Mapping[float, float]:
    """Return step → seconds, of the rows that say both."""
    if not folder.metrics_file.exists():
        return {}
    rows = read_metrics(folder.metrics_file)
    return {
        float(row["step"] or 0): float(row["wall_time"] or 0.0)
        for row in rows
        if row.get("wall_time") is not None
    }
