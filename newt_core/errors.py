"""The mistakes a user can make, one class each.

Every message says what is wrong, where, and what to do about it. The command line prints
the message of a :class:`NewtError` on one or two lines and exits with ``exit_code``; anything
else that escapes is a bug in Newt and keeps its traceback.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a mistyped word stands for; None where none is close enough."""
    by_lower = {choice.lower(): choice for choice in choices}
    cutoff = 0.7 if len(word) > 4 else 0.6  # short enough for two letters that changed places
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    if not near and len(word) > 2:  # the beginning of a single one
        begun = [choice for choice in by_lower if choice.startswith(word.lower())]
        near = begun if len(begun) == 1 else []
    return by_lower[near[0]] if near else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest choice, or an empty string."""
    near = nearest(word, choices)
    return f" Did you mean '{near}'?" if near else ""


def some_of(names: Sequence[object], most: int) -> str:
    """Return the first of some names, and how many more there are: ``a, b and 3 more``."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")


_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[@-_]?"
)
"""What a terminal obeys instead of showing it."""
LONGEST_LINE = 500
"""Characters of another program's text that are shown."""


def printable(text: str) -> str:
    """Return a text without what a terminal would obey instead of showing it; lines stay."""
    if text.isprintable():
        return text
    plain = _ESCAPES.sub("", text)
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in plain)


def one_line(text: str) -> str:
    """Return another program's text as one line of printable characters, cut where it is long."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def in_short(error: BaseException, *, last: bool = False) -> str:
    """Return what another library's error says in one line: PyTorch's go on for a page.

    Args:
        error: What was raised.
        last: Take its last line instead of its first.
    """
    text = os_reason(error) if isinstance(error, OSError) else _text(error)
    if text[:1] in ("'", '"') and text.find(text[0], 1) == len(text) - 1:
        text = text[1:-1]  # a KeyError quotes its key
    lines = (text or type(error).__name__).splitlines()
    return one_line(lines[-1 if last else 0]).rstrip(".")


def located(error: BaseException) -> str:
    """Return in one line what another program's error says, and the place that raised it."""
    text = one_line(_text(error))
    frames = traceback.extract_tb(error.__traceback__)
    place = f"({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{text} {place}".strip()


def _text(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # noqa: BLE001 (another program's class may fail at it)
        return ""


def disk_is_full(error: BaseException) -> bool:
    """Return whether an error was raised because, in the end, a disk is full."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        cause = cause.__cause__
    return False


def os_reason(error: OSError) -> str:
    """Return why the operating system refused a file, in words that say what to change."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a part of this path is a file, not a folder"
    return error.strerror or str(error)


class NewtError(Exception):
    """Base of every error that a user can cause and put right."""

    exit_code = 2


class SpecError(NewtError):
    """A task spec file is malformed or contradicts itself."""


class UnknownTaskError(NewtError, KeyError):
    """A task selector matches nothing.

    Also a :class:`KeyError`, so that a library of specs is an ordinary mapping.
    """

    __str__ = Exception.__str__  # a KeyError would put the message in quotes


class ConfigError(NewtError):
    """A setting is unknown or out of range."""


class MissingDependencyError(NewtError):
    """A package or a system library that a task needs is not installed."""


class MissingAssetError(MissingDependencyError):
    """A task needs files that have to be downloaded first."""


class DownloadError(NewtError):
    """Files cannot be downloaded, or are not what they should be."""

    exit_code = 1


class NoDisplayError(NewtError):
    """A window was asked for where there is no display."""


class InvalidActionError(NewtError):
    """An action has the wrong shape or is not finite."""


class EnvironmentClosedError(NewtError):
    """An environment or a pool was used after it was closed."""


class NoEpisodeError(NewtError):
    """An environment was used before its first reset, or an agent beyond an episode's end."""


class PoolStateError(NewtError):
    """Pool calls came in an order that cannot work, such as receiving before sending."""


class EnvironmentFailure(NewtError):
    """A task's simulator keeps failing, so the run cannot go on."""

    exit_code = 1


class TaskCheckError(NewtError):
    """A task breaks the contract that every task must keep."""

    exit_code = 1


class CheckpointError(NewtError):
    """A checkpoint is missing, damaged, foreign or does not fit."""


class WeightsError(NewtError):
    """A file of encoder weights is missing, damaged or not the one that is needed."""


class RunFolderError(NewtError):
    """A run folder is missing, taken or incomplete."""


class DemoError(NewtError):
    """A demonstration file is missing, damaged, foreign, in use or does not fit."""


class DamagedDemoError(DemoError):
    """A demonstration file is cut short, or its content is not what was written.

    Args:
        problem: what is wrong, a sentence that begins with the file's path.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem} 'newt demos validate' says what is left of it.")
        self.problem = problem


class TrainingDiverged(NewtError):
    """A loss or a gradient is no longer finite."""

    exit_code = 1


class UselessActionError(TrainingDiverged):
    """An agent chose an action that is not finite: its weights have diverged."""


class RankLostError(NewtError):
    """Another of the processes that train together is gone, or has been silent for too long."""

    exit_code = 1


class RankFailedError(NewtError):
    """One of the processes that train together ended the job."""

    exit_code = 1
