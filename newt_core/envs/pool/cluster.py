"""What a pool over several nodes needs of whatever connects them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol


class NodeLostError(Exception):
    """A node is gone, and with it what it was asked."""


class NodeInfo(NamedTuple):
    """What is known of a node before it is asked anything."""

    name: str
    """For people: its address."""
    cores: int
    """Environments that it steps at a time, 1 or more."""


class Cluster(Protocol):
    """Carries messages to nodes and back, each to a :class:`newt_core.envs.pool.node.Node`."""

    @property
    def nodes(self) -> Sequence[NodeInfo]:
        """All nodes there were at the beginning; their places here are their numbers."""

    def ask(self, node: int, message: bytes) -> Hashable:
        """Send a message, and return what its answer is known by. A loss shows in the answer."""

    def wait(self, tickets: Sequence[Hashable], seconds: float) -> Sequence[Hashable]:
        """Wait until one of some messages is answered or lost; return all that are by then."""

    def answer(self, ticket: Hashable) -> bytes:
        """Return the answer to a message that :meth:`wait` has returned.

        Raises:
            NodeLostError: there will be none.
        """

    def drop(self, node: int) -> None:
        """End what runs on a node, if it can be reached."""

    def close(self) -> None:
        """End all of it. Not to be repeated."""
