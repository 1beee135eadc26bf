"""Where a finetuning keeps its files: a run for each task, seed and variant, and what came of all.

============================ =================================================
``finetune.json``            what is to be done, and the scores so far
``checkpoint.pt``            what the runs begin with
``settings.yaml``            the settings that the runs share
``specs/``                   the user's own task specs; may be missing
``<task>_<variant>_seed-N/`` an ordinary run, see :mod:`newt_core.training.run_folder`
``report.html``              the page
============================ =================================================
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from newt_core.errors import RunFolderError, did_you_mean
from newt_core.files import write_json, write_text
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.new_folder import make_folder
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RUNS, RunFolder
from newt_core.training.run_name import FINETUNING

Variant = Literal["pretrained", "scratch"]
PRETRAINED: Variant = "pretrained"
"""Begun with the checkpoint's weights."""
SCRATCH: Variant = "scratch"
"""The control: begun with random weights."""

_SETTINGS, _CHECKPOINT, _SPECS = "settings.yaml", "checkpoint.pt", "specs"
_ZERO_SHOT = "zero_shot.json"


@dataclass(frozen=True)
class Member:
    """One run of a finetuning."""

    task: str
    variant: Variant
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.task}_{self.variant}_seed-{self.seed}"

    def __str__(self) -> str:
        """Return what people are told."""
        how = "from the checkpoint" if self.variant == PRETRAINED else "from scratch"
        return f"{self.task}, seed {self.seed}, {how}"


@dataclass(frozen=True)
class Plan:
    """What a finetuning is to do."""

    checkpoint: str
    """Where its weights came from."""
    selector: str
    """The tasks as they were asked for."""
    tasks: Sequence[str]
    """Their ids."""
    seen: Sequence[str]
    """Those among them that the checkpoint had learned already."""
    seeds: Sequence[int]
    scratch: bool
    """Whether the control runs beside."""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """How runs begin."""
        return (PRETRAINED, SCRATCH) if self.scratch else (PRETRAINED,)

    @property
    def members(self) -> list[Member]:
        """The runs, in the order in which they are made."""
        return [
            Member(task, variant, seed)
            for task in self.tasks
            for seed in self.seeds
            for variant in self.variants
        ]


@dataclass(frozen=True)
class Finetuning:
    """One finetuning's folder. It is one because it holds a ``finetune.json``."""

    path: Path

    @classmethod
    def create(
        cls,
        name: str | None,
        plan: Plan,
        settings: RunConfig,
        *,
        checkpoint: Path,
        label: str,
        root: Path = RUNS,
        specs: Mapping[str, str],
    ) -> Finetuning:
        """Make the folder of a new finetuning.

        Args:
            name: The folder's name; None for the date and ``label``, numbered if taken.
            plan: What it is to do.
            settings: Those that its runs share.
            checkpoint: What they begin with. The folder keeps a copy: whatever becomes of the
                file, all runs begin with the same.
            label: What it is about.
            root: The folder of all runs.
            specs: Names and texts of the user's own files of task specs, to be kept.

        Raises:
            RunFolderError: The name is not usable or taken, or the disk refuses.
        """

        def fill(draft: Path) -> None:
            shutil.copyfile(checkpoint, draft / _CHECKPOINT)
            write_text(draft / _SETTINGS, settings.to_yaml())
            for file, text in specs.items():
                write_text(draft / _SPECS / file, text)
            write_json(draft / FINETUNING, {"plan": asdict(plan), "done": {}})

        return cls(make_folder(name, label=label, root=root, fill=fill))

    @classmethod
    def open(cls, name: str, *, root: Path = RUNS) -> Finetuning:
        """Return an existing finetuning, by its name or its folder's path.

        Raises:
            RunFolderError: There is none of that name.
        """
        for path in (root / name, Path(name)):
            if (path / FINETUNING).is_file():
                return cls(path)
        known = [each.path.name for each in list_finetunings(root)]
        raise RunFolderError(
            f"there is no finetuning '{name}' in {root}/.{did_you_mean(name, known)} "
            "Leave --resume out to start one."
        )

    @classmethod
    def newest(cls, *, root: Path = RUNS) -> Finetuning:
        """Return the finetuning that was last at work.

        Raises:
            RunFolderError: There is none.
        """
        found = list_finetunings(root)
        if not found:
            raise RunFolderError(
                f"there is no finetuning in {root}/ yet. Leave --resume out to start one."
            )
        return max(found, key=lambda each: (each.path / FINETUNING).stat().st_mtime)

    @cached_property
    def plan(self) -> Plan:
        """What it is to do.

        Raises:
            RunFolderError: ``finetune.json`` is damaged.
        """
        said = self.read().get("plan")
        names = {field.name for field in fields(Plan)}
        if not isinstance(said, dict) or set(said) != names:
            raise self._damaged("it has no plan")
        return Plan(**said)

    @property
    def checkpoint(self) -> Path:
        """What its runs begin with."""
        return self.path / _CHECKPOINT

    @property
    def specs(self) -> Path:
        """Folder of the user's own task specs; may be missing."""
        return self.path / _SPECS

    @property
    def summary(self) -> Path:
        """The plan and the scores."""
        return self.path / FINETUNING

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / RunFolder(self.path).report.name

    @property
    def config(self) -> RunConfig:
        """The settings of the first run, by now; those that the runs share, but seed and task."""
        return run_settings(self.run(self.plan.members[0]))

    def run(self, member: Member) -> RunFolder:
        """Return the folder of one of its runs."""
        return RunFolder(self.path / member.name)

    def make_runs(self) -> None:
        """Make the folders of all runs that have none yet."""
        shared, texts = None, {}
        for member in self.plan.members:
            if self.run(member).path.exists():
                continue
            if shared is None:
                shared = resolve_config(config_file=self.path / _SETTINGS)
                files = sorted(self.specs.glob("*")) if self.specs.is_dir() else []
                texts = {file.name: file.read_text(encoding="utf-8") for file in files}
            begins_with = self.checkpoint.resolve() if member.variant == PRETRAINED else None
            own = {"tasks": member.task, "seed": member.seed, "pretrained": begins_with}
            config = shared.model_copy(update=own)
            RunFolder.create(member.name, config.to_yaml(), root=self.path, specs=texts)

    def zero_shot(self, member: Member) -> dict[str, Any] | None:
        """Return the evaluation of the checkpoint as it was; None before it was made."""
        file = self.run(member).path / _ZERO_SHOT
        if not file.is_file():
            return None
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document

    def write_zero_shot(self, member: Member, document: Mapping[str, Any]) -> None:
        """Keep the evaluation of the checkpoint as it was."""
        write_json(self.run(member).path / _ZERO_SHOT, document)

    def read(self) -> dict[str, Any]:
        """Return what ``finetune.json`` holds.

        Raises:
            RunFolderError: It cannot be read.
        """
        try:
            document: dict[str, Any] = json.loads(self.summary.read_text(encoding="utf-8"))
            if not isinstance(document, dict):
                raise ValueError("it is no object")
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        return document

    def write(self, results: Mapping[str, Any], done: Mapping[str, int]) -> None:
        """Write ``finetune.json`` anew, atomically.

        Args:
            results: The scores so far.
            done: Run → the agent steps after which it ended as it was meant to.
        """
        write_json(self.summary, {"plan": asdict(self.plan), "done": done, **results})

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while the block lasts; see :meth:`RunFolder.lock`."""
        with RunFolder(self.path).lock():
            yield

    def _damaged(self, why: str) -> RunFolderError:
        return RunFolderError(
            f"{self.summary} cannot be used: {why}. Start again under another --run NAME; the runs "
            "inside stay usable by themselves."
        )


def list_finetunings(root: Path = RUNS) -> list[Finetuning]:
    """Return every finetuning in ``root``, in the order of their names."""
    return [Finetuning(path.parent) for path in sorted(root.glob(f"[!.]*/{FINETUNING}"))]
