"""A list of runs: one after the other in this process, or several at a time in their own.

A run that fails does not keep the others from running: it is tried again when the list goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from newt_core import threads
from newt_core.errors import ConfigError, NewtError
from newt_core.files import write_text
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.training.list_progress import ListProgress
from newt_core.training.progress import Progress, RunStatus, Unwatched
from newt_core.training.resume import resumed_config, run_settings
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_list import Member, RunList
from newt_core.workflows.agent_kinds import own_options
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import never
from newt_core.workflows.run_apart import DONE, FAILED, RunProcess
from newt_core.workflows.run_one import run_one

Measure = Callable[[RunConfig, Sequence[TaskSpec]], float | None]
"""Returns the seconds that a run will take; None where that cannot be told."""

_LISTEN_SECONDS = 0.2
"""How long to listen to the runs before asking again whether to stop."""


@dataclass(frozen=True)
class ListContext:
    """A list of runs that is made or gone on with."""

    runs: RunList
    jobs: int = 1
    """Runs at a time; above 1, each in a process of its own."""
    progress: Progress = field(default_factory=Unwatched)
    should_stop: Callable[[], bool] = never


@dataclass(frozen=True)
class Ended:
    """How a list of runs ended."""

    interrupted: bool
    failed: dict[Member, str]
    """Runs that failed → why."""


def make_runs(context: ListContext) -> Ended:
    """Make the runs that are not done yet, or go on with them.

    Args:
        context: The list, which the caller holds the lock of.

    Raises:
        NewtError: The list itself cannot be used.
    """
    runs = context.runs
    totals = {member: run_settings(runs.run(member)).steps for member in runs.members}
    done = runs.done()
    ended = [member for member in runs.members if done.get(member.name) == totals[member]]
    watched = ListProgress(
        context.progress,
        totals,
        ended,
        {member: runs.seconds.get(member.group) for member in runs.members},
        jobs=context.jobs,
    )
    work = _Work(context, totals, watched, [m for m in runs.members if m not in ended])
    return work.here() if context.jobs == 1 else work.apart()


@dataclass
class _Work:
    """What is still to be done of a list."""

    context: ListContext
    totals: dict[Member, int]
    watched: ListProgress[Member]
    left: list[Member]
    failed: dict[Member, str] = field(default_factory=dict)
    interrupted: bool = False

    def here(self) -> Ended:
        """Make one run after the other in this process."""
        for member in self.left:
            if self.context.should_stop():
                self.interrupted = True
                break
            folder, progress = self.context.runs.run(member), self.watched.of(member)
            try:
                if run_one(folder, progress, self.context.should_stop):
                    self.interrupted = True
                    break
            except NewtError as error:
                self._end(member, FAILED, str(error))
            else:
                self._end(member, DONE)
        return Ended(self.interrupted, self.failed)

    def apart(self) -> Ended:
        """Make several at a time, each in a process of its own."""
        count = max(1, threads.choose_threads().count // self.context.jobs)
        at_work: dict[Member, RunProcess] = {}
        with ExitStack() as stack:
            stack.callback(_kill, at_work)
            while self.left or at_work:
                if self.context.should_stop():
                    self.interrupted = bool(self.left) or self.interrupted
                    self.left.clear()
                    for process in at_work.values():
                        process.stop()
                while self.left and len(at_work) < self.context.jobs:
                    member = self.left.pop(0)
                    self.watched.of(member)
                    at_work[member] = RunProcess(self.context.runs.run(member).path, count)
                wait([process.connection for process in at_work.values()], _LISTEN_SECONDS)
                for member, process in list(at_work.items()):
                    if self._heard(member, process):
                        at_work.pop(member).close()
        return Ended(self.interrupted, self.failed)

    def _heard(self, member: Member, process: RunProcess) -> bool:
        """Take in what a run has told, and return whether it has ended."""
        for told in process.heard():
            if isinstance(told, RunStatus):
                self.watched.tell(member, told)
            elif isinstance(told, str):
                self.watched.note(member, told)
            else:
                self._end(member, *told)
                return True
        return False

    def _end(self, member: Member, how: str, why: str = "") -> None:
        if how == DONE:
            self.context.runs.note_done(member, self.totals[member])
        elif how == FAILED:
            self.failed[member] = why
            self.watched.note(member, f"failed: {why}")
        else:
            self.interrupted = True
        self.watched.end(member, whole=how == DONE)


def _kill(at_work: dict[Member, RunProcess]) -> None:
    for process in at_work.values():
        process.kill()


def existing_list(
    runs: RunList, asked: Asked, *, jobs: int = 1, refused: Sequence[str] = ("tasks", "seed")
) -> ListContext:
    """Return a list that goes on, with settings that change from here on in all its runs, or none.

    Args:
        runs: The list.
        asked: What changes.
        jobs: Runs at a time.
        refused: Options that cannot change, because the list is made of them.

    Raises:
        ConfigError: A setting cannot change in a run that has begun.
        RunFolderError: Another process is at work in the list.
    """
    flags = {name: value for name, value in asked.flags.items() if value is not None}
    for name in refused:
        if name in flags:
            raise ConfigError(
                f"the runs of {runs.path} have begun: leave --{name} out to go on with them."
            )
    with runs.lock():
        change_together([runs.run(member) for member in runs.members], asked)
    return ListContext(runs, jobs)


def change_together(folders: Sequence[RunFolder], asked: Asked) -> None:
    """Change settings in several runs that go on: in all of them, or in none.

    Raises:
        ConfigError: A setting is wrong, or cannot change in one of them.
    """
    flags = dict(asked.flags)
    if flags.get("text_encoder") == "auto":  # What it was is already decided.
        del flags["text_encoder"]
    changes = {name: value for name, value in flags.items() if value is not None}
    if not changes and not asked.overrides:
        return
    # Looked at all before any is written.
    after = [
        resumed_config(folder, asked.overrides, options_of=own_options, **changes)
        for folder in folders
    ]
    for folder, settings in zip(folders, after, strict=True):
        with folder.lock():
            write_text(folder.config_file, settings.to_yaml())
