"""Finding and joining a Ray cluster, with a few lines in the place of Ray."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from newt_core.envs.pool import OUTSIDE_TASKS, make_pool
from newt_core.envs.pool.ray_cluster import require_cluster
from newt_core.errors import ConfigError, EnvironmentFailure, MissingDependencyError
from tests.pool.toy_domain import BUILDERS, toy_spec

SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What a server of gRPC begins with."""


@contextmanager
def server(says: bytes) -> Iterator[str]:
    """Something that answers whatever it is asked; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(says)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


class RayError(Exception):
    """Ray's own."""


class FakeRay(ModuleType):
    """Ray's few calls; actors are objects here."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.joined: list[dict[str, Any]] = []
        self.left = 0
        self.placed: list[str] = []
        self.dead: set[Any] = set()
        self.refuses: Exception | None = None
        self.exceptions = ModuleType("ray.exceptions")
        vars(self.exceptions)["RayError"] = RayError
        self.machines = [("10.0.0.2", 1.0, True), ("10.0.0.1", 2.0, True), ("10.0.0.3", 4.0, False)]
        self.machines.append(("10.0.0.4", 0.0, True))

    def is_initialized(self) -> bool:
        return len(self.joined) > self.left

    def init(self, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as Ray has it its own way
        if self.refuses is not None:
            raise self.refuses
        self.joined.append(options)

    def shutdown(self) -> None:
        self.left += 1

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "NodeID": f"id-{address}",
                "NodeManagerAddress": address,
                "Alive": alive,
                "Resources": {"CPU": cpus} if cpus else {},
            }
            for address, cpus, alive in self.machines
        ]

    def remote(self, actor_class: Any) -> Any:
        def begin(place: str) -> Any:
            self.placed.append(place)
            actor = actor_class()
            call = lambda message: (actor, actor.answer(message))  # noqa: E731
            return SimpleNamespace(answer=SimpleNamespace(remote=call), actor=actor)

        def options(scheduling_strategy: str, **others: Any) -> Any:
            assert others["num_cpus"] == others["max_restarts"] == others["max_task_retries"] == 0
            return SimpleNamespace(remote=lambda: begin(scheduling_strategy))

        return SimpleNamespace(options=options)

    def wait(self, tickets: list[Any], num_returns: int, timeout: float) -> tuple[list, list]:
        return tickets[:num_returns], tickets[num_returns:]

    def get(self, ticket: Any) -> bytes:
        if ticket[0] in self.dead:
            raise RayError("The actor died unexpectedly before finishing this task.\n\tclass_name")
        return ticket[1]

    def kill(self, actor: Any) -> None:
        self.dead.add(actor.actor)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """Ray, which is not needed for this."""
    monkeypatch.setenv("NEWT_WORKERS", "0")
    fake = FakeRay()
    strategies = ModuleType("ray.util.scheduling_strategies")
    vars(strategies)["NodeAffinitySchedulingStrategy"] = lambda node, soft: node
    for name, module in {
        "ray": fake,
        "ray.exceptions": fake.exceptions,
        "ray.util": ModuleType("ray.util"),
        "ray.util.scheduling_strategies": strategies,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    return fake


def test_a_pool_has_an_actor_on_each_node_that_has_cpus(ray):
    with server(SETTINGS) as address:
        pool = make_pool([toy_spec(length=50)] * 6, builders=BUILDERS, ray=address)
    assert ray.joined[0]["address"] == address
    assert ray.placed == ["id-10.0.0.1", "id-10.0.0.2"]
    homes = pool.worker_of
    assert [homes.count(node) for node in (0, 1)] == [4, 2]
    with make_pool([toy_spec(length=50)] * 6, builders=BUILDERS) as local:
        np.testing.assert_array_equal(pool.reset(3), local.reset(3))
    ray.dead.add(actors(pool)[0])
    transitions = pool.step(np.zeros((6, 16)))
    assert transitions.lost.tolist() == [node == 0 for node in homes]
    assert pool.stats.deaths == {OUTSIDE_TASKS: 1}
    pool.close()
    assert ray.left == 1


def actors(pool: Any) -> list[Any]:
    return [handle.actor for handle in pool._crew._cluster._actors]


def test_the_last_node_that_dies_says_why(ray):
    with server(SETTINGS) as address:
        pool = make_pool([toy_spec()], builders=BUILDERS, ray=address)
    pool.reset()
    ray.dead.update(actors(pool))
    with pytest.raises(EnvironmentFailure, match=r"10\.0\.0\.\d: The actor died unexpectedly"):
        pool.step(np.zeros((1, 16)))
    assert ray.left == 1


def test_a_program_that_uses_ray_itself_stays_connected(ray):
    ray.init(address="its own")
    with server(SETTINGS) as address, make_pool([toy_spec()], builders=BUILDERS, ray=address):
        assert len(ray.joined) == 1
    assert ray.left == 0
    assert len(ray.dead) == 2


def test_sigterm_means_what_it_did(ray):
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    mine = signal.getsignal(signal.SIGTERM)
    try:
        with server(SETTINGS) as address, make_pool([toy_spec()], builders=BUILDERS, ray=address):
            assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_cluster_that_refuses_is_left_in_one_line(ray):
    ray.refuses = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.1\n")
    with (
        server(SETTINGS) as address,
        pytest.raises(ConfigError, match=f"{address} cannot be used: Version mismatch"),
    ):
        make_pool([toy_spec()], ray=address)


def test_a_cluster_without_cpus_is_refused_and_left(ray):
    ray.machines = [("10.0.0.4", 0.0, True)]
    with server(SETTINGS) as address, pytest.raises(ConfigError, match=r"no node .* has a CPU"):
        make_pool([toy_spec()], ray=address)
    assert ray.left == 1


def test_an_address_that_nobody_answers_at(ray):
    with server(b"") as address:
        pass
    with pytest.raises(ConfigError, match=f"no Ray cluster answers at {address}: Connection ref"):
        require_cluster(address)


def test_auto_is_the_cluster_that_this_machine_belongs_to(ray, monkeypatch):
    services = ModuleType("ray._private.services")
    monkeypatch.setitem(sys.modules, "ray._private", ModuleType("ray._private"))
    monkeypatch.setitem(sys.modules, "ray._private.services", services)
    with server(SETTINGS) as address:
        vars(services)["canonicalize_bootstrap_address_or_die"] = lambda asked: address
        assert require_cluster("auto") == address
    with pytest.raises(ConfigError, match=f"no Ray cluster answers at {address}"):
        require_cluster("auto")  # It was there when Ray wrote it down.

    def nothing(asked: str) -> str:
        raise ConnectionError("Could not find any running Ray instance.")

    vars(services)["canonicalize_bootstrap_address_or_die"] = nothing
    with pytest.raises(ConfigError, match="this machine belongs to no running Ray cluster"):
        require_cluster("auto")


@pytest.mark.parametrize("says", [b"HTTP/1.0 400 Bad Request\r\n", b"", b"\0"])
def test_an_address_where_something_else_answers(ray, says):
    with server(says) as address, pytest.raises(ConfigError) as caught:
        require_cluster(address)
    first, second = str(caught.value).splitlines()
    assert first in (
        f"what answers at {address} is no Ray cluster.",
        f"no Ray cluster answers at {address}: Connection reset by peer.",
    )
    assert "ray start --head" in second


@pytest.mark.parametrize("address", ["", "head", "head:", "ray://head:10001", "a:1:2", 6379])
def test_what_is_no_address(address):
    with pytest.raises(ConfigError, match=r"give auto, or HOST:PORT of its head"):
        require_cluster(address)


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'newt\[ray\]'"):
        make_pool([toy_spec()], ray="auto")
