"""Who runs the environments of a pool, as the pool sees them: processes here, or other machines."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from newt_core.envs.pool.api import EpisodeNumbers, PoolStats
from newt_core.envs.pool.buffers import SharedArrays
from newt_core.envs.pool.messages import Kind
from newt_core.types import IntArray


class EnvState(IntEnum):
    """Where an environment stands between the pool and whoever runs it."""

    BUILDING = 0
    """It is being built, for the first time or again."""
    BUILT = 1
    """It has no episode yet."""
    RUNNING = 2
    """It is being reset or stepped."""
    READY = 3
    """It waits for an action; its rows in the pool's arrays are up to date."""


class Hosts(Protocol):
    """Builds environments, passes on requests, replaces what is lost.

    Environments that are lost are built anew, here or elsewhere, and begin a new episode if they
    had one; the pool only sees them become ready later.
    """

    shared: SharedArrays
    """Where actions are found and rows are put."""
    state: IntArray
    """[E] of :class:`EnvState`."""
    worker_of: IntArray
    """[E] index of who hosts the environment."""

    def start(self) -> None:
        """Build all environments.

        Raises:
            EnvironmentFailure: a task cannot be built.
            NewtError: any other that building a task raises, such as a missing package.
        """

    def number(self, episodes: EpisodeNumbers) -> None:
        """Say which episodes the environments run from their next reset on."""

    def request(self, kind: Kind, env_ids: IntArray) -> None:
        """Have environments reset, or stepped with the actions that lie in the arrays."""

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Take in what comes back until ``condition`` holds.

        Raises:
            EnvironmentFailure: it cannot go on.
        """

    def close(self) -> None:
        """End all that was started. Not to be repeated."""


OnLost = Callable[[IntArray], None]
"""Told the ids [K] of environments whose episode has just been lost."""
FindHosts = Callable[[PoolStats, OnLost], Hosts]
"""Makes the hosts of a pool: given where to count deaths, and whom to tell of lost episodes."""
