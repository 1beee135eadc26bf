"""Starts the processes that train together on this machine, by torch's elastic launcher.

Each is a ``newt`` of its own, told by environment variables which rank it is; see
:mod:`newt_core.workflows.join`. ``torchrun`` starts the same processes on one machine or several.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from newt_core.errors import ConfigError, RankFailedError
from newt_core.workflows.join import ERROR_CODE, LOST

PATIENCE_S = 600
"""How long ranks that are asked to stop may take to save, before they are killed."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Launch:
    """What is to be started."""

    processes: int
    """How many."""
    arguments: Sequence[str]
    """What each is given after ``newt``."""
    max_restarts: int = 0
    """How often all are started again when one of them has failed."""


def require_gpus(wanted: int) -> None:
    """Return if this machine has so many GPUs.

    Raises:
        ConfigError: It has fewer.
    """
    import torch

    found = torch.cuda.device_count()
    if found >= wanted:
        return
    there = f"{found} CUDA GPU{'' if found == 1 else 's'}" if found else "no CUDA GPU"
    raise ConfigError(
        f"--gpus {wanted}: this machine or this PyTorch has {there}; --ranks {wanted} trains by as "
        "many processes on the CPU."
    )


def launch(asked: Launch, environment: Mapping[str, str]) -> bool:
    """Start processes, and wait until all have ended.

    Args:
        asked: What is to be started.
        environment: Variables that the processes get beside those of this one.

    Returns:
        Whether they ended by themselves: False where this process was asked to stop, and has
        passed that on.

    Raises:
        RankFailedError: One of them failed, and all were ended. Its ``exit_code`` is that of the
            first that failed.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with TemporaryDirectory(prefix="newt-ranks-") as folder, _variables(environment), _silent():
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=asked.processes,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint=f"{LOOPBACK}:0",
            local_addr=LOOPBACK,
            max_restarts=asked.max_restarts,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            **_where_known(LaunchConfig, shutdown_timeout=PATIENCE_S),
        )
        with _handlers_kept():
            try:
                elastic_launch(config, sys.executable)("-m", "newt_cli", *asked.arguments)
            except SignalException:
                return False
            except ChildFailedError as error:
                raise first_failure(error.failures, asked) from None
    return True


def first_failure(failures: Mapping[int, Any], asked: Launch) -> RankFailedError:
    """Return what made the others fail, too.

    Args:
        failures: Rank → torch's ``ProcessFailure``.
        asked: What was started.
    """

    def follows(rank: int) -> tuple[bool, int]:
        failure = failures[rank]
        ended_by_us = failure.exitcode == -signal.SIGTERM
        return ended_by_us or LOST in _extra(failure), failure.timestamp

    rank = min(failures, key=follows)
    failure = failures[rank]
    of_all = f"rank {rank} of {asked.processes}"
    message = failure.error_file_data.get("message")
    if isinstance(message, Mapping):
        text = f"{of_all}: {message['message']}"
    elif failure.exitcode < 0:
        text = f"{of_all} was ended by {signal.Signals(-failure.exitcode).name}."
    else:
        text = f"{of_all} ended with exit code {failure.exitcode}; it has said why above."
    again = asked.max_restarts
    if again:
        text += f" All were started again {again} time{'' if again == 1 else 's'} before."
    error = RankFailedError(text)
    error.exit_code = int(_extra(failure).get(ERROR_CODE, 1))
    return error


def _extra(failure: Any) -> Mapping[str, Any]:
    message = failure.error_file_data.get("message")
    return message["extraInfo"] if isinstance(message, Mapping) else {}


def _where_known(kind: type, **options: Any) -> dict[str, Any]:
    """Return those options that this version of PyTorch has."""
    known = getattr(kind, "__dataclass_fields__", {})
    return {name: value for name, value in options.items() if name in known}


@contextmanager
def _variables(added: Mapping[str, str]) -> Iterator[None]:
    """Add to this process's environment for the block: what it starts inherits it."""
    # Processes of one machine meet on the loopback device, whatever its name resolves to.
    added = {"GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"), **added}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put this process's signal handlers back: the launcher has some of its own."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the launcher's log off the screen: what it has to say is said in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def result_file(folder: Path) -> Path:
    """Return where the first rank puts its result for whoever started it."""
    return folder / "result.json"
