"""A Ray cluster as what connects a pool's nodes. Ray is imported where it is asked for alone.

Of Ray's, this uses one actor on each node and its calls with bytes for arguments and results. Ray
itself sends pickled Python objects between its own processes: whoever can reach a cluster's ports
can run programs on it. What Newt reads of an answer are bytes, see
:mod:`newt_core.envs.pool.wire`.
"""

from __future__ import annotations

import re
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from newt_core.arguments import shown
from newt_core.envs.pool.cluster import NodeInfo, NodeLostError
from newt_core.envs.pool.node import Node
from newt_core.errors import ConfigError, MissingDependencyError, in_short
from newt_core.settings.base import RAY_CLUSTER

AUTO = "auto"
"""The cluster that this machine belongs to."""

ANSWER_S = 5.0
"""Seconds that a cluster may take to answer at all. Ray's own attempts go on for minutes."""
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How a client of gRPC begins, with empty settings; the other side answers with settings, too."""
_SETTINGS = 4
"""The type, in the fourth byte, of such an answer."""


def require_cluster(address: str) -> str:
    """Return the address of a cluster's head, ``HOST:PORT``, if something like one answers there.

    Raises:
        ConfigError: nothing answers, or something that is no Ray cluster.
        MissingDependencyError: Ray is not installed.
    """
    if not isinstance(address, str) or not re.fullmatch(RAY_CLUSTER, address):
        raise ConfigError(
            f"{shown(address)} is no address of a Ray cluster: give auto, or HOST:PORT of its "
            "head, such as 10.0.0.1:6379."
        )
    _import_ray()
    found = _own_cluster() if address == AUTO else address
    host, _, port = found.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_S) as connection:
            connection.settimeout(ANSWER_S)
            connection.sendall(_HTTP2_HELLO)
            answer = connection.recv(9)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {found}: {in_short(error)}.\n"
            "Start one with 'ray start --head' there, and name its address."
        ) from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ConfigError(
            f"what answers at {found} is no Ray cluster.\n"
            "'ray start --head' says the address of the one that it starts."
        )
    return found


def connect(address: str) -> RayCluster:
    """Join a cluster and start an actor on each node that has CPUs.

    Raises:
        ConfigError: there is no cluster, it refuses this program, or no node of it has CPUs.
        MissingDependencyError: Ray is not installed.
    """
    found = require_cluster(address)
    ray = _import_ray()
    owned = not ray.is_initialized()
    if owned:
        try:
            with _own_signals():
                ray.init(
                    address=found, log_to_driver=False, configure_logging=False, logging_level=40
                )
        except Exception as error:
            raise ConfigError(
                f"the Ray cluster at {found} cannot be used: {in_short(error)}."
            ) from error
    return RayCluster(ray, found, owned)


class RayCluster:
    """The :class:`newt_core.envs.pool.cluster.Cluster` of the nodes that Ray has now.

    Args:
        ray: The package, connected.
        address: Where its head is.
        owned: Whether to disconnect at the end.

    Raises:
        ConfigError: no node has CPUs.
    """

    def __init__(self, ray: Any, address: str, owned: bool) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray, self._owned = ray, owned
        found = [node for node in ray.nodes() if node["Alive"] and _cores(node)]
        found.sort(key=lambda node: (node["NodeManagerAddress"], node["NodeID"]))
        if not found:
            self.close()
            raise ConfigError(
                f"no node of the Ray cluster at {address} has a CPU: start some with 'ray start "
                f"--address={address}'."
            )
        self.nodes: Sequence[NodeInfo] = [
            NodeInfo(node["NodeManagerAddress"], _cores(node)) for node in found
        ]
        self._actors = [
            ray.remote(Node)
            .options(
                num_cpus=0,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
            )
            .remote()
            for node in found
        ]

    def ask(self, node: int, message: bytes) -> Any:
        """Send a message; see ``Cluster.ask``."""
        return self._actors[node].answer.remote(message)

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        """Wait until one message is answered or lost; see ``Cluster.wait``."""
        ray = self._ray
        first, _ = ray.wait(list(tickets), num_returns=1, timeout=seconds)
        if not first:
            return []
        answered, _ = ray.wait(list(tickets), num_returns=len(tickets), timeout=0)
        return list(answered)

    def answer(self, ticket: Any) -> bytes:
        """Return an answer; see ``Cluster.answer``."""
        try:
            return bytes(self._ray.get(ticket))
        except self._ray.exceptions.RayError as error:
            raise NodeLostError(_why(error)) from error

    def drop(self, node: int) -> None:
        """End the actor of a node."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actors[node])

    def close(self) -> None:
        """End all actors, and leave the cluster if it was joined for this."""
        if not self._ray.is_initialized():  # at exit, Ray may have left before
            return
        for node in range(len(getattr(self, "_actors", ()))):
            self.drop(node)
        if self._owned:
            self._ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingDependencyError(
            "Ray is not installed. Install Newt's extra 'ray' (pip install 'newt[ray]'), or leave "
            "the setting 'ray' empty: the environments then run on this machine."
        ) from error
    return ray


def _own_cluster() -> str:
    """Return the address of the cluster that this machine belongs to, as Ray finds it."""
    from ray._private.services import canonicalize_bootstrap_address_or_die

    try:
        return str(canonicalize_bootstrap_address_or_die(AUTO))
    except (ConnectionError, ValueError) as error:
        raise ConfigError(
            "this machine belongs to no running Ray cluster: start one with 'ray start --head', "
            "or name the address of another's head, HOST:PORT."
        ) from error


def _cores(node: Any) -> int:
    return int(node["Resources"].get("CPU", 0))


def _why(error: Exception) -> str:
    """Return why a call came to nothing: an actor that could not begin has a cause at its end."""
    text = str(error)
    return in_short(error, last="Error: " in text.splitlines()[-1] if text else False)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what this program does on SIGTERM: Ray would have it exit at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
