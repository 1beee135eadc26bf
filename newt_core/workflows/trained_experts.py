"""Trained agents as experts: which checkpoint of a folder knows a task best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from newt_core.errors import CheckpointError, NewtError
from newt_core.files import sha256
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_list import list_run_lists
from newt_core.types import Act


@dataclass(frozen=True)
class Expert:
    """Who acts in a task."""

    name: str
    """As demonstration files state it."""
    make: Callable[[int, int], Act]
    """Environments and a seed → an actor for them, in which the task has index 0."""


class TrainedExperts:
    """Agents in checkpoints."""

    def __init__(self, files: Sequence[Path], library: SpecLibrary, device: str) -> None:
        self._files = files
        self._library = library
        self._device = device

    def find(self, spec: TaskSpec) -> Expert | None:
        """Return the agent that knows the task best: trained on few others, and newest."""
        fitting = [
            (len(tasks), path) for path in self._files if spec.id in (tasks := self._tasks(path))
        ]
        if not fitting:
            return None
        fewest = min(count for count, _ in fitting)
        newest = max(
            (path for count, path in fitting if count == fewest),
            key=lambda path: (path.stem == spec.id, path.stat().st_mtime, path.stem == "best"),
        )
        return self._expert(newest, spec)

    def _tasks(self, path: Path) -> Sequence[str]:
        """Return the tasks of a checkpoint: of a run, as its settings say, which is quicker."""
        folder = RunFolder(path.parent.parent)
        if path.parent == folder.checkpoints and folder.config_file.is_file():
            with suppress(NewtError):  # Of tasks that are not known here, the checkpoint tells.
                return [spec.id for spec in self._library.select(run_settings(folder).tasks)]
        return _tasks(path)

    def use(self, spec: TaskSpec) -> Expert:
        """Return the agent of the first file."""
        return self._expert(self._files[0], spec)

    def _expert(self, path: Path, spec: TaskSpec) -> Expert:
        def make(envs: int, seed: int) -> Act:
            from newt_core.agents.base import Acting
            from newt_core.workflows.load_agent import load_agent

            agent, _ = load_agent(path, [spec], library=self._library, device=self._device)
            if agent.image_encoder is not None:
                raise CheckpointError(
                    f"{path}: this agent has visual observations. Collect with one that was "
                    "trained with --obs state."
                )
            return agent.player(envs, seed=seed, how=Acting())

        _tasks(path)  # Raises now what is wrong with the file, before the work begins.
        return Expert(f"checkpoint {sha256(path)[:16]}", make)


def checkpoints_in(folder: Path) -> list[Path]:
    """Return a folder's checkpoints: its own, those of the run it is, or of the runs in it.

    Runs of a list count, whether the folder is the list or the list lies in it.
    """
    lists = [each.path for each in list_run_lists(folder) if each.kind == "each"]
    found = sorted(folder.glob("*.pt"))
    for runs in (folder, *lists):
        found += _of_run(runs) + [path for run in sorted(runs.glob("*/")) for path in _of_run(run)]
    return list(dict.fromkeys(found))


def _of_run(folder: Path) -> list[Path]:
    """Return a run's best checkpoint, or its newest; none for what is no run."""
    both = [folder / "checkpoints" / name for name in ("best.pt", "last.pt")]
    return [path for path in both if path.is_file()][:1]


@cache
def _tasks(path: Path) -> tuple[str, ...]:
    """Return the ids of the tasks that a checkpoint was trained on."""
    from newt_core.training.content import read_content

    return tuple(read_content(path).task_ids)
