"""Everything that is wrong with a demonstration file, episode by episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from newt_core.demos.problems import episode_problems, header_problems, info_problems
from newt_core.demos.read import DemoFile, open_demos
from newt_core.demos.recover import recover
from newt_core.demos.schema import group_name
from newt_core.errors import DamagedDemoError, DemoError
from newt_core.specs.schema import TaskSpec


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    episode: str | None
    """The name of the episode's group; None where it is about the whole file."""
    problem: str

    def __str__(self) -> str:
        return f"{self.episode}: {self.problem}" if self.episode else self.problem


@dataclass(frozen=True)
class FileReport:
    """What a check of one file found."""

    path: Path
    task: str | None
    """The task that the file says it is of; None if that cannot be read."""
    whole: int
    """Episodes without a problem."""
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def validate(path: Path, specs: Mapping[str, TaskSpec], *, task: str | None = None) -> FileReport:
    """Check a file; nothing that can be wrong with it raises.

    Args:
        path: the file.
        specs: the tasks there are.
        task: the task it should be of; by default the one that its name says, if that is one.
    """
    if task is None and path.stem in specs:
        task = path.stem
    try:
        with open_demos(path) as file:
            problems = tuple(_problems(file, specs, task))
            broken = {problem.episode for problem in problems if problem.episode is not None}
            whole = max(len(file) - len(broken), 0)
            return FileReport(path, file.header.task, whole, problems)
    except DamagedDemoError as error:
        return _damaged(path, error.problem)
    except DemoError as error:
        return FileReport(path, None, 0, (Problem(None, _without_place(path, str(error))),))


def _damaged(path: Path, problem: str) -> FileReport:
    """Say which episodes of a damaged file are still whole."""
    rest = recover(path)
    problems = [Problem(None, _without_place(path, problem))]
    if rest.reason:
        problems.append(Problem(None, f"no episode can be recovered: {rest.reason}"))
    problems += [Problem(name, problem) for name, problem in rest.damaged.items()]
    return FileReport(path, rest.task, len(rest.whole), tuple(problems))


def _problems(file: DemoFile, specs: Mapping[str, TaskSpec], task: str | None) -> Iterator[Problem]:
    spec = specs.get(task or file.header.task)
    if spec is None:
        yield Problem(None, f"is of the task '{file.header.task}', which is not known here")
    else:
        yield from (Problem(None, problem) for problem in header_problems(file.header, spec))
    expected = [group_name(number) for number in range(len(file))]
    present = file.names()
    for name in sorted(set(present) - set(expected)):
        yield Problem(name, f"is one more than the {len(file)} that the file's header promises")
    steps = 0
    for number, name in enumerate(expected):
        try:
            info, episode = file.info(number), file.episode(number)
        except DemoError as error:
            place = f"{file.path}: {name}: "
            yield Problem(name, str(error).removeprefix(place).rstrip("."))
            continue
        steps += len(episode.rewards)
        if spec is not None:
            yield from (Problem(name, problem) for problem in episode_problems(episode, spec))
        yield from (Problem(name, problem) for problem in info_problems(info, episode, number))
    if steps != file.header.total_steps and set(present) == set(expected):
        yield Problem(
            None, f"its header promises {file.header.total_steps} steps, but {steps} are there"
        )


def _without_place(path: Path, message: str) -> str:
    return message.removeprefix(f"{path}: ")
