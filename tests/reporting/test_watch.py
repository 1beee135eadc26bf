"""`newt report --watch`: the newest page, for this machine alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.watch import LOOPBACK, Watch


@contextmanager
def served(make) -> Iterator[Watch]:
    server = Watch(make, seconds=3, port=0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()


def test_every_request_gets_the_newest_page_and_is_told_to_ask_again():
    pages = iter(["<p>first</p>", "<p>zweite, größer</p>"])
    with served(lambda: next(pages)) as server:
        for expected in ("<p>first</p>", "<p>zweite, größer</p>"):
            with urlopen(server.address) as reply:
                assert reply.read().decode() == expected
                assert reply.headers["Refresh"] == "3"
                assert reply.headers["Cache-Control"] == "no-store"
                assert reply.headers["Content-Type"] == "text/html; charset=utf-8"


def test_it_is_bound_to_the_loopback_address_alone():
    with served(lambda: "") as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server._server.socket.getsockname()[0] == LOOPBACK


def status(server: Watch, path: str, host: str | None = None) -> int:
    port = int(server.address.rstrip("/").rpartition(":")[2])
    connection = HTTPConnection(LOOPBACK, port)
    connection.request("GET", path, headers={"Host": host or f"localhost:{port}"})
    found = connection.getresponse().status
    connection.close()
    return found


def test_nothing_else_is_served_and_to_nobody_who_calls_it_by_another_name():
    with served(lambda: "page") as server:
        assert status(server, "/") == 200
        assert status(server, "/?again") == 200
        assert status(server, "/../../etc/passwd") == 404
        assert status(server, "/config.yaml") == 404
        assert status(server, "/", "evil.example:80") == 403
        assert status(server, "/", "localhost") == 200


def test_a_file_that_is_being_written_is_a_page_that_asks_again():
    def make() -> str:
        raise RunFolderError("eval holds <half> a file.")

    with served(make) as server:
        with pytest.raises(HTTPError) as caught:
            urlopen(server.address)
        assert caught.value.code == 503
        assert caught.value.headers["Refresh"] == "3"
        assert "eval holds &lt;half&gt; a file." in caught.value.read().decode()


def test_a_port_in_use_is_one_line():
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} of 127\.0\.0\.1 is in use: .* --port"):
            Watch(lambda: "", seconds=1, port=port)
