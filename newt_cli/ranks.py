"""Training by several processes: starting them, and being one of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from newt_cli import console
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.rank_options import Several
from newt_cli.run_settings import failing_cleanly, resume_command

if TYPE_CHECKING:
    from newt_core.agents.ranks import Ranks
    from newt_core.specs import TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.context import RunContext

    Measure = Callable[[RunConfig, Sequence[TaskSpec]], None]

_RESULT = "NEWT_RESULT"
"""Names the file in which the first rank leaves its result to the ``newt`` that started it."""
_EXPECTED = "NEWT_EXPECTED_S"
"""Seconds that a new run is forecast to take, for the rank that shows how it goes."""


@dataclass(frozen=True)
class Result:
    """What a command that learns has to say at its end."""

    document: dict[str, Any]
    """Of ``--json``."""
    lines: list[str]
    """Without it."""
    remarks: list[str]
    """On stderr, without it."""
    interrupted: bool
    """Whether it is to be gone on with."""


@contextmanager
def one_of(several: Several) -> Iterator[Ranks]:
    """Yield the ranks that this process is one of; those that it starts are not."""
    from newt_core.agents.ranks import ALONE
    from newt_core.errors import NewtError
    from newt_core.workflows.join import joined

    if several.processes:
        yield ALONE
        return
    try:
        with joined(several.timeout) as ranks:
            yield ranks
    except NewtError as error:
        if _RESULT in os.environ:  # Whoever started this process says it.
            raise typer.Exit(error.exit_code) from error
        raise


def shared_run(
    several: Several,
    ranks: Ranks,
    asked: Asked,
    make: Callable[[Asked, Measure], RunContext],
    go_on: Callable[[Asked], RunContext],
    forecast: Callable[[RunConfig, Sequence[TaskSpec], int], None],
    *,
    name: str | None,
    specs: Sequence[Path],
    resume: bool,
    online: bool = True,
) -> tuple[RunContext, bool]:
    """Make a run or find one, on all ranks, and see that it can be shared out.

    Args:
        several: What the options say.
        ranks: Those that this process is one of.
        asked: What the user says of the run.
        make: Makes a new one; calls what it is given before the folder is made.
        go_on: Finds one.
        forecast: Says how long a new one of so many ranks will take.
        name: The run's.
        specs: Folders of the user's own task specs.
        resume: Whether it is to go on.
        online: Whether it interacts.

    Returns:
        The run, and whether it goes on.

    Raises:
        NewtError: Whatever the user can put right.
    """
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.rank_shares import require_ranks
    from newt_core.workflows.settings import followed_run

    size = several.processes or ranks.size

    def check(config: RunConfig, tasks: Sequence[TaskSpec]) -> None:
        require_ranks(config, tasks, size, online=online)

    def measure(config: RunConfig, tasks: Sequence[TaskSpec]) -> None:
        check(config, tasks)
        forecast(config, tasks, size)

    if several.device is not None:
        asked = replace(asked, flags={**asked.flags, "device": several.device})
    if _is_restarted(name, resume):  # It has been made, and has its settings.
        asked, resume = Asked(None, None, (), {}), True
    if not ranks.writes:
        path = ranks.gather(None)[0]
        return replace(followed_run(Path(path), specs=specs), ranks=ranks), resume
    made = go_on(asked) if resume else make(asked, measure)
    check(made.config, made.parts.specs)
    ranks.gather(str(made.folder.path.absolute()))
    return replace(made, ranks=ranks), resume


def _is_restarted(name: str | None, resume: bool) -> bool:
    """Return whether torchrun has started this rank again, after another one has failed."""
    from newt_core.errors import ConfigError

    may_be = int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")) > 0
    if may_be and name is None and not resume:
        raise ConfigError(
            "torchrun is to start this run again where it fails (--max-restarts): name it with "
            "--run, so that it is found again."
        )
    return _is_another_try()


def _is_another_try() -> bool:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def work(
    command: str,
    made: RunContext,
    learn: Callable[[RunContext], Result],
    *,
    several: Several,
    forecast: Mapping[str, Any],
    new: bool,
    as_json: bool,
) -> None:
    """Learn here, or by processes of their own, showing how it goes, and print the result.

    Args:
        command: ``train`` or ``pretrain``.
        made: The run.
        learn: Does it in this process.
        several: What the options say.
        forecast: What the document says of it.
        new: Whether the run was made just now.
        as_json: Whether to print a document.
    """
    go_on = " ".join([resume_command(command, made.folder.path), *several.options])
    expected = forecast.get("forecast", {}).get("seconds")
    if several.processes:
        with failing_cleanly(made.folder, go_on, new=new):
            result = _launched(command, made, several, expected)
    else:
        told = os.environ.get(_EXPECTED)
        if told is not None and not _is_another_try():
            expected = float(told)
        result = _learned(command, made, learn, go_on, new, expected)
    result = replace(result, document={**result.document, **forecast})
    if made.ranks.writes:
        _deliver(result, go_on, as_json)
    # To a launcher, a run that was stopped and saved has not failed.
    if result.interrupted and made.ranks.size == 1 and _RESULT not in os.environ:
        raise typer.Exit(INTERRUPTED)


def _learned(
    command: str,
    made: RunContext,
    learn: Callable[[RunContext], Result],
    go_on: str,
    new: bool,
    expected_s: float | None,
) -> Result:
    from newt_core.training.expected import Expected
    from newt_core.training.progress import Unwatched

    launcher = os.getppid()

    def stops(stop: StopRequest) -> Callable[[], bool]:
        # A launcher that was killed cannot end what it has started.
        return lambda: stop() or (_RESULT in os.environ and os.getppid() != launcher)

    if not made.ranks.writes:
        stop = StopRequest(lambda text: None)
        with console.quiet_stdout(), stop.listening():
            return learn(replace(made, progress=Unwatched(), should_stop=stops(stop)))
    with console.quiet_stdout(), training_display(made.folder.name) as display:
        stop = StopRequest(display.note)
        alone = made.ranks.size == 1
        with stop.listening(), failing_cleanly(made.folder, go_on, new=new and alone):
            progress = Expected(display, expected_s, pretraining=command == "pretrain")
            return learn(replace(made, progress=progress, should_stop=stops(stop)))


def _launched(command: str, made: RunContext, several: Several, expected_s: float | None) -> Result:
    from newt_core.workflows.launch import Launch, launch, result_file

    arguments = [command, "--run", str(made.folder.path.absolute()), "--resume"]
    arguments += ["--rank-timeout", str(several.timeout)]
    with TemporaryDirectory(prefix="newt-result-") as folder:
        file = result_file(Path(folder))
        told = {_RESULT: str(file)}
        if expected_s is not None:
            told[_EXPECTED] = str(expected_s)
        launch(Launch(several.processes, arguments, several.max_restarts), told)
        if not file.exists():  # Stopped before there was anything to save.
            raise KeyboardInterrupt
        return Result(**json.loads(file.read_text(encoding="utf-8")))


def _deliver(result: Result, go_on: str, as_json: bool) -> None:
    """Print a result, or hand it to the ``newt`` that started this rank."""
    if _RESULT in os.environ:
        from newt_core.files import plain, write_json

        write_json(Path(os.environ[_RESULT]), plain(asdict(result)))
        return
    if as_json:
        console.write_json(result.document)
    else:
        for line in result.lines:
            console.write(line)
        for remark in result.remarks:
            console.notice(remark)
    if result.interrupted:
        console.notice(f"Stopped and saved. Go on with: {go_on}")
