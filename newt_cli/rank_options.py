"""The options that say by how many processes a run is trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from newt_cli.numbers import number_option

MOST = 4096
"""Processes on one machine."""
LONGEST_TIMEOUT_S = 7 * 24 * 3600

Gpus = Annotated[
    int | None,
    number_option(
        1, MOST, "Train by so many processes of this machine, each on a GPU of its own.", "--gpus"
    ),
]
RankCount = Annotated[
    int | None,
    number_option(1, MOST, "Train by so many processes of this machine, on the CPU.", "--ranks"),
]
MaxRestarts = Annotated[
    int,
    number_option(
        0,
        1000,
        "With --gpus or --ranks: how often all go on from the last checkpoint when one has failed.",
        "--max-restarts",
    ),
]
RankTimeout = Annotated[
    int,
    number_option(
        1,
        LONGEST_TIMEOUT_S,
        "Seconds after which a process gives up one that it waits for.",
        "--rank-timeout",
    ),
]
RANK_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Several:
    """What the options say."""

    gpus: int | None
    ranks: int | None
    max_restarts: int
    timeout: int

    def check(self, device: str | None) -> None:
        """Return if this machine can do it; asked before anything else.

        Raises:
            NewtError: It cannot, or the options contradict each other.
        """
        from newt_core.errors import ConfigError
        from newt_core.workflows.join import is_one_of_several
        from newt_core.workflows.launch import require_gpus

        if self.gpus and self.ranks:
            raise ConfigError(
                "--gpus starts a process for each GPU, --ranks processes on the CPU: give one of "
                "them."
            )
        if self.max_restarts and not self.processes:
            raise ConfigError(
                "--max-restarts is for the processes that --gpus or --ranks starts: give one of "
                "them."
            )
        if self.processes and is_one_of_several():
            raise ConfigError(
                "this process is a rank already, RANK and WORLD_SIZE say: leave --gpus and "
                "--ranks to torchrun's --nproc-per-node."
            )
        if self.gpus and device not in (None, "auto", "cuda"):
            raise ConfigError(f"--gpus is not for --device {device}: leave one of them out.")
        if self.ranks and device not in (None, "auto", "cpu"):
            raise ConfigError(
                f"--ranks trains on the CPU, not on --device {device}: --gpus is for GPUs."
            )
        if self.gpus:
            require_gpus(self.gpus)

    @property
    def processes(self) -> int:
        """How many are to be started; 0 for none beside this one."""
        return self.gpus or self.ranks or 0

    @property
    def device(self) -> str | None:
        """Where they compute; None where nothing is said."""
        return "cuda" if self.gpus else "cpu" if self.ranks else None

    @property
    def options(self) -> list[str]:
        """What to type to start as many again."""
        named = {"--gpus": self.gpus, "--ranks": self.ranks}
        return [word for name, n in named.items() if n for word in (name, str(n))]
