"""Joins the processes that train together, as environment variables say: torchrun's, or ours.

``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR`` and ``MASTER_PORT`` are those of
torch.distributed. A process without them trains alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from newt_core.agents.ranks import ALONE, Ranks
from newt_core.errors import ConfigError, NewtError, RankLostError, in_short

TIMEOUT_S = 3600
"""How long a rank waits for the others, by default. They wait for each other at every step, and
longest where one of them still evaluates."""
ERROR_CODE, LOST = "exitCode", "lostContact"
"""What a rank's error says beside its text: its exit code, and whether another's came before."""
_ERROR_FILE = "TORCHELASTIC_ERROR_FILE"
_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def is_one_of_several(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether a launcher has started this process as a rank."""
    variables = os.environ if environment is None else environment
    return "RANK" in variables and "WORLD_SIZE" in variables


@contextmanager
def joined(timeout_s: float = TIMEOUT_S) -> Iterator[Ranks]:
    """Yield this process's ranks for as long as the block lasts; itself alone without a launcher.

    A rank computes on the GPU of its number on its machine, or on its share of the cores.

    Args:
        timeout_s: A rank that is silent for longer is given up.

    Raises:
        ConfigError: The variables are incomplete.
        RankLostError: The others do not come.
    """
    if not is_one_of_several():
        yield ALONE
        return
    missing = [name for name in _NEEDED if not os.environ.get(name)]
    if missing:
        raise ConfigError(
            f"RANK and WORLD_SIZE are set, but not {', '.join(missing)}: start the ranks with "
            "torchrun, or leave them all unset to train alone."
        )
    import torch
    import torch.distributed as dist

    from newt_core.agents.torch_ranks import TorchRanks

    share_cores()
    backend = "gloo"
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.device_count() > local:
        torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl"
    try:
        patience = timedelta(seconds=timeout_s)
        store, rank, size = next(dist.rendezvous("env://", timeout=patience))
        # Ranks that are started again meet in the same store, where the first ones left theirs.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = dist.PrefixStore(f"attempt-{attempt}", store)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)
    except (RuntimeError, ValueError) as error:
        raise RankLostError(f"the ranks do not find each other: {in_short(error)}.") from error
    try:
        yield TorchRanks()
    except BaseException as error:
        record_failure(error)
        raise
    finally:
        dist.destroy_process_group()


def share_cores(environment: Mapping[str, str] | None = None) -> None:
    """Keep to this rank's part of the cores that a launcher's processes on this machine share."""
    variables = os.environ if environment is None else environment
    # Whoever starts each rank by itself, as srun does, has given it cores of its own.
    if "TORCHELASTIC_RUN_ID" not in variables or not hasattr(os, "sched_setaffinity"):
        return
    local, ranks = (int(variables[name]) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    os.sched_setaffinity(0, _cores_of(local, ranks))


@contextmanager
def cores_of_a_rank(ranks: int) -> Iterator[None]:
    """Compute in the block on as many cores as the first of some ranks would have.

    A process that is a rank has them already.

    Args:
        ranks: How many share this machine.
    """
    if ranks == 1 or is_one_of_several() or not hasattr(os, "sched_setaffinity"):
        yield
        return
    import torch

    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    own = _cores_of(0, ranks)
    os.sched_setaffinity(0, own)
    torch.set_num_threads(min(threads, len(own)))
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def _cores_of(local: int, ranks: int) -> list[int]:
    """Return the part of this process's cores that a rank on this machine computes on."""
    cores = sorted(os.sched_getaffinity(0))
    first, end = (len(cores) * edge // ranks for edge in (local, local + 1))
    return cores[first:end] or [cores[local % len(cores)]]


def record_failure(error: BaseException) -> None:
    """Tell the launcher why this rank fails, in the file and the form that torch's reads."""
    file = os.environ.get(_ERROR_FILE)
    if file is None:
        return
    text = str(error) if isinstance(error, NewtError) else f"{type(error).__name__}: {error}"
    extra = {
        "timestamp": str(int(time.time())),
        ERROR_CODE: str(error.exit_code if isinstance(error, NewtError) else 1),
    }
    if isinstance(error, RankLostError):
        extra[LOST] = "1"
    message = {"message": text, "extraInfo": extra}
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"message": message}), encoding="utf-8")
