"""A report that is served while its runs go on: on this machine alone, and always the newest."""

from __future__ import annotations

import errno
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from newt_core.errors import ConfigError, NewtError, in_short

LOOPBACK = "127.0.0.1"
"""The only address that is served: nobody else's machine can ask."""
NAMES = ("127.0.0.1", "localhost")
"""What a browser may call it; a page of elsewhere that points its own name here is refused."""
PORT = 8_642
"""Where it is served by default."""


class Watch:
    """Serves one page, made anew whenever it is asked for.

    Args:
        make: returns the page's HTML; it may raise a :class:`NewtError`, which is shown instead.
        seconds: after which a browser asks again.
        port: where; 0 for any that is free.

    Raises:
        ConfigError: the port is in use, or not to be had.
    """

    def __init__(self, make: Callable[[], str], *, seconds: int, port: int = PORT) -> None:
        handler = _handler(make, seconds)
        try:
            self._server = _Server((LOOPBACK, port), handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"port {port} of {LOOPBACK} is in use: choose another with --port, or "
                    "--port 0 for any that is free."
                ) from error
            raise ConfigError(
                f"port {port} of {LOOPBACK} cannot be had: {in_short(error)}. Choose another "
                "with --port."
            ) from error

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}/"

    def serve(self) -> None:
        """Serve until :meth:`close`, or until an exception, such as Ctrl-C, ends it."""
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop serving, and give the port back."""
        self._server.server_close()

    def stop(self) -> None:
        """Let :meth:`serve`, in another thread, return."""
        self._server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A page still being made must not keep Ctrl-C waiting.
    block_on_close = False
    # Two servers on one port would answer by turns.
    allow_reuse_port = False


def _handler(make: Callable[[], str], seconds: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "newt", ""

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")
            name = host[0] if host[2].isdigit() else "".join(host)
            if name not in NAMES:
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            if self.path.partition("?")[0] not in ("/", "/report.html"):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                status, text = HTTPStatus.OK, make()
            except NewtError as error:
                # A file that a run is writing, as a rule: the next try succeeds.
                status, text = HTTPStatus.SERVICE_UNAVAILABLE, _plain_page(str(error))
            body = text.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Refresh", str(seconds))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)
            except ConnectionError:  # The browser has left.
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Say nothing: every refresh would be a line."""

    return Handler


def _plain_page(message: str) -> str:
    from html import escape

    return f"<!doctype html><title>newt report</title><p>{escape(message)}</p>"
