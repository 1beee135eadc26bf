"""What a run is given besides its parts: where it writes, who watches, who may stop it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from newt_core import arguments
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.errors import RunFolderError
from newt_core.specs import SpecLibrary
from newt_core.training.checkpoint_folder import CheckpointFolder
from newt_core.training.config import RunConfig
from newt_core.training.content import CheckpointContent, Phase
from newt_core.training.hardware import note_start
from newt_core.training.metrics import MetricsLogger, NoMetrics
from newt_core.training.progress import Progress, Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.training.sinks import Sink, WandbSink
from newt_core.workflows.run_parts import RunParts, RunTexts


def never() -> bool:
    """Ask for no stop."""
    return False


def require_run(run: object, resume: object) -> None:
    """Return if these are a run and whether it goes on.

    Raises:
        ConfigError: they are not.
    """
    arguments.instance("run", run, RunContext, "newt_core.new_run() and existing_run() return")
    arguments.truth("resume", resume)


@dataclass(frozen=True)
class RunContext:
    """One run of a command that learns."""

    config: RunConfig
    """The run's settings."""
    folder: RunFolder
    """Holds everything the run writes; locked while it learns."""
    library: SpecLibrary
    """Where the task selector is looked up."""
    progress: Progress = field(default_factory=Unwatched)
    """Who watches."""
    should_stop: Callable[[], bool] = never
    """Asked often; True saves and ends the run."""
    ranks: Ranks = ALONE
    """The processes that make this run together."""
    first_evaluation: Mapping[str, Any] | None = None
    """What is to be the evaluation before the first step, where there is one already."""
    made: RunParts | None = None
    """What the command has made of these settings and tasks so far."""

    @cached_property
    def parts(self) -> RunParts:
        """Encoders, texts and demonstrations, each made once."""
        return self.made or RunParts(self.config, self.library.select(self.config.tasks))

    def resume_point(self, phase: Phase) -> CheckpointContent | None:
        """Return the newest intact checkpoint, the same one on all ranks; None without any.

        Raises:
            CheckpointError: See :meth:`newt_core.workflows.run_parts.RunParts.resume_point`.
            RunFolderError: See there; or the ranks do not see the same checkpoint.
        """
        found = self.parts.resume_point(self.folder, phase)
        names = self.ranks.gather(None if found is None else found.path.name)
        if len(set(names)) > 1:
            raise RunFolderError(
                f"the ranks do not see the same checkpoints in {self.folder.checkpoints}: all "
                "machines have to share that folder."
            )
        return found

    def checkpoints(self, texts: RunTexts, phase: Phase) -> CheckpointFolder:
        """Return the run's checkpoints, each of which says what the run is."""
        return CheckpointFolder(
            self.folder.checkpoints,
            self.config.checkpoint.keep,
            self.parts.describe(texts, phase).to_payload(),
        )

    def lock(self) -> AbstractContextManager[object]:
        """Keep other runs out of the folder; one of the ranks does that for all.

        Raises:
            RunFolderError: Another process is at work in it.
        """
        return self.folder.lock() if self.ranks.writes else nullcontext()

    def metrics(self, restored_step: int | None) -> MetricsLogger | NoMetrics:
        """Open the run's metrics, those after ``restored_step`` dropped, and note the start.

        One of the ranks writes what all of them measured.

        Raises:
            MissingDependencyError: They are wanted on Weights & Biases, which is not installed.
        """
        folder = self.folder
        if not self.ranks.writes:
            return NoMetrics()
        note_start(folder.starts)
        sinks: tuple[Sink, ...] = ()
        if self.config.wandb:
            sinks = (WandbSink(folder.name, folder.path, self.config.model_dump(mode="json")),)
        return MetricsLogger(
            folder.metrics_file, folder.tensorboard, restored_step=restored_step, others=sinks
        )
