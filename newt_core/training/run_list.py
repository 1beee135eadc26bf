"""Where a list of runs is kept: an ablation's, or one run for each of several tasks.

==================== =========================================================
``runs.json``        what the runs are, which are done, what each was expected to take
``<run>/``           an ordinary run, see :mod:`newt_core.training.run_folder`
``results.*``        of an ablation: the table
``report.html``      of an ablation: the page
==================== =========================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from newt_core.errors import RunFolderError, did_you_mean
from newt_core.files import write_json
from newt_core.training.config import RunConfig
from newt_core.training.new_folder import make_folder
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_name import RUN_LIST, RUNS

Kind = Literal["ablation", "each"]
"""An ablation's runs, or one run for each task."""
CALLED: Mapping[Kind, str] = MappingProxyType({"ablation": "ablation", "each": "list of runs"})
"""What people are told."""
MADE_BY: Mapping[Kind, str] = MappingProxyType({"ablation": "newt ablate", "each": "newt train"})


@dataclass(frozen=True)
class Member:
    """One run of a list."""

    name: str
    """Its folder's."""
    group: str
    """The ablation, or the task, that it is a run of."""
    seed: int

    def __str__(self) -> str:
        """Return what people are told."""
        return f"{self.group}, seed {self.seed}"


@dataclass(frozen=True)
class RunList:
    """The folder of a list of runs. It is one because it holds a ``runs.json``."""

    path: Path

    @classmethod
    def create(
        cls,
        name: str | None,
        kind: Kind,
        runs: Mapping[Member, RunConfig],
        *,
        label: str,
        root: Path = RUNS,
        specs: Mapping[str, str] = MappingProxyType({}),
        seconds: Mapping[str, float | None] = MappingProxyType({}),
    ) -> RunList:
        """Make the folder with those of all its runs inside; it appears whole or not at all.

        Args:
            name: The folder's name; None for the date and ``label``, numbered if taken.
            kind: What the list is.
            runs: What is to run, in this order, and its settings.
            label: What it is about.
            root: The folder of all runs.
            specs: Names and texts of the user's own files of task specs, to be kept.
            seconds: Group → what a run of it is expected to take; None where that is not known.

        Raises:
            RunFolderError: The name is not usable or taken, or the disk refuses.
        """

        def fill(draft: Path) -> None:
            for member, config in runs.items():
                RunFolder.create(member.name, config.to_yaml(), root=draft, specs=specs)
            document = {
                "kind": kind,
                "runs": [asdict(member) for member in runs],
                "seconds": dict(seconds),
                "done": {},
            }
            write_json(draft / RUN_LIST, document)

        return cls(make_folder(name, label=label, root=root, fill=fill))

    @classmethod
    def open(cls, name: str, kind: Kind, *, root: Path = RUNS) -> RunList:
        """Return an existing list of runs, by its name or its folder's path.

        Raises:
            RunFolderError: There is none of that name, or it is of another kind.
        """
        found = cls.find(name, root=root)
        if found is not None:
            if found.kind != kind:
                raise RunFolderError(
                    f"{found.path} is no {CALLED[kind]}: go on with it with "
                    f"{MADE_BY[found.kind]} --run {found.path} --resume."
                )
            return found
        known = [each.path.name for each in list_run_lists(root) if each.kind == kind]
        raise RunFolderError(
            f"there is no {CALLED[kind]} '{name}' in {root}/.{did_you_mean(name, known)} "
            "Leave --resume out to start one."
        )

    @classmethod
    def find(cls, name: str, *, root: Path = RUNS) -> RunList | None:
        """Return an existing list of runs of any kind; None where there is none of that name."""
        there = (path for path in (root / name, Path(name)) if (path / RUN_LIST).is_file())
        return next(map(cls, there), None)

    @classmethod
    def newest(cls, kind: Kind, *, root: Path = RUNS) -> RunList:
        """Return the list of a kind that was last at work.

        Raises:
            RunFolderError: There is none.
        """
        found = [each for each in list_run_lists(root) if each.kind == kind]
        if not found:
            raise RunFolderError(
                f"there is no {CALLED[kind]} in {root}/ yet. Leave --resume out to start one."
            )
        return max(found, key=lambda each: (each.path / RUN_LIST).stat().st_mtime)

    @cached_property
    def _begun(self) -> dict[str, Any]:
        """What ``runs.json`` held when it was first looked at: all but what is done never changes.

        Raises:
            RunFolderError: It is damaged.
        """
        return self._read()

    @property
    def kind(self) -> Kind:
        """What the list is."""
        kind: Kind = self._begun["kind"]
        return kind

    @property
    def members(self) -> Sequence[Member]:
        """Its runs, in the order in which they are made."""
        return [Member(**run) for run in self._begun["runs"]]

    @property
    def groups(self) -> list[str]:
        """The ablations, or tasks, in the order of the runs."""
        return list(dict.fromkeys(member.group for member in self.members))

    @property
    def seconds(self) -> Mapping[str, float | None]:
        """Group → what a run of it was expected to take."""
        seconds: dict[str, float | None] = self._begun["seconds"]
        return seconds

    @property
    def results(self) -> Path:
        """What the files with an ablation's table are called, without their endings."""
        return self.path / "results"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / RunFolder(self.path).report.name

    def run(self, member: Member) -> RunFolder:
        """Return the folder of one of its runs."""
        return RunFolder(self.path / member.name)

    def done(self) -> dict[str, int]:
        """Return the runs that have ended as they were meant to → their agent steps.

        Raises:
            RunFolderError: ``runs.json`` is damaged.
        """
        done: dict[str, int] = self._read()["done"]
        return done

    def note_done(self, member: Member, steps: int) -> None:
        """Note that a run has ended as it was meant to, after so many agent steps."""
        document = self._read()
        document["done"][member.name] = steps
        write_json(self.path / RUN_LIST, document)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while the block lasts; see :meth:`RunFolder.lock`."""
        with RunFolder(self.path).lock():
            yield

    def _read(self) -> dict[str, Any]:
        file = self.path / RUN_LIST
        try:
            document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            for run in document["runs"]:
                Member(**run)
            if document["kind"] not in get_args(Kind):
                raise ValueError(f"its kind is '{document['kind']}'")
            if not isinstance(document["done"], dict) or not isinstance(document["seconds"], dict):
                raise ValueError("it is incomplete")
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunFolderError(
                f"{file} cannot be used: {error}. Start again under another --run NAME; the runs "
                "inside stay usable by themselves."
            ) from error
        return document


def list_run_lists(root: Path = RUNS) -> list[RunList]:
    """Return every list of runs in ``root``, in the order of their names."""
    return [RunList(path.parent) for path in sorted(root.glob(f"[!.]*/{RUN_LIST}"))]
