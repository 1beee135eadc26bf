"""Nodes in this process, in the place of Ray's: they answer, die, fall silent and lie on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from newt_core.envs.pool.cluster import NodeInfo, NodeLostError
from newt_core.envs.pool.fleet import PATIENCE_S, Fleet, NodeSettings
from newt_core.envs.pool.local import EnvPool
from newt_core.envs.pool.node import Node
from newt_core.specs import TaskSpec
from tests.pool.toy_domain import BUILDERS


class StandInCluster:
    """Answers a message when it is asked, and delivers the answer when somebody waits for it."""

    def __init__(self, *cores: int) -> None:
        self.nodes = [NodeInfo(f"node-{number}", count) for number, count in enumerate(cores)]
        self.servers = [Node() for _ in cores]
        self.dead: set[int] = set()
        self.silent: set[int] = set()
        self.says: dict[int, Callable[[bytes], bytes]] = {}
        """What becomes of a node's answers on the way."""
        self.asked: list[tuple[int, bytes, bytes]] = []
        """Node, message and answer of all that was asked; the place here is the ticket."""
        self.dropped: list[int] = []
        self.closed = 0

    def kill(self, node: int) -> None:
        self.dead.add(node)

    def ask(self, node: int, message: bytes) -> int:
        answer = b"" if node in self.dead else self.servers[node].answer(message)
        self.asked.append((node, message, answer))
        return len(self.asked) - 1

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        return [ticket for ticket in tickets if self.asked[ticket][0] not in self.silent]

    def answer(self, ticket: Any) -> bytes:
        node, _, answer = self.asked[ticket]
        if node in self.dead:
            raise NodeLostError("its machine is off")
        return self.says.get(node, bytes)(answer)

    def drop(self, node: int) -> None:
        self.dropped.append(node)

    def close(self) -> None:
        self.closed += 1
        for server in self.servers:
            server.close()


def pool_over(
    cluster: StandInCluster,
    specs: Sequence[TaskSpec],
    seed: int = 0,
    frames: int = 0,
    patience_s: float = PATIENCE_S,
    timeout: float = 60.0,
) -> EnvPool:
    """A pool of toy environments on some nodes."""
    settings = NodeSettings(frames, timeout, BUILDERS)
    return EnvPool(
        specs,
        seed,
        lambda stats, lost: Fleet(specs, cluster, settings, stats, lost, patience_s),
    )
