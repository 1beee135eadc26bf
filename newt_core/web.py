"""Files from the web, whole and verified or absent.

This is not pooch: it flushes nothing to the disk, makes files that only their owner may read,
trusts other certificates than the machine's, and takes no ``file:`` URLs.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from newt_core.errors import DownloadError
from newt_core.files import atomic_path

_CHUNK = 1 << 20
"""Bytes read from the network between two calls of ``progress``."""

DownloadProgress = Callable[[int, int | None], None]
"""Called with the bytes that have come and, where the server says it, how many will."""


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    progress: DownloadProgress | None = None,
    timeout: float = 20.0,
) -> None:
    """Fetch a file; it appears at ``path`` whole and verified, or not at all.

    Args:
        url: Where it is; proxies of the environment are used.
        path: Where it shall be; parent folders are made.
        sha256: What its content must hash to, in hexadecimal.
        progress: Told how far it is; what it raises ends the download.
        timeout: Seconds without an answer after which the server counts as out of reach.

    Raises:
        DownloadError: The server or the disk refuses, the connection breaks, or the content
            has another checksum.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with atomic_path(path) as part:
            with urlopen(url, timeout=timeout) as reply, open(part, "wb") as file:
                length = reply.headers.get("Content-Length")
                total = int(length) if length else None
                came, digest = 0, hashlib.sha256()
                while chunk := reply.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    came += len(chunk)
                    if progress is not None:
                        progress(came, total)
            if total is not None and came != total:
                raise DownloadError(f"{url}: the connection broke after {came:,} of {total:,} B.")
            if sha256 is not None and digest.hexdigest() != sha256:
                raise DownloadError(
                    f"{url}: what came is not the file that was meant (its checksum is "
                    f"{digest.hexdigest()[:12]}…, not {sha256[:12]}…). Nothing was kept."
                )
    except (OSError, HTTPException, ValueError) as error:  # ValueError: no URL at all
        refused = isinstance(error, HTTPError)  # its own text has the status, its reason has not
        reason = error if refused else getattr(error, "reason", None) or error
        raise DownloadError(f"cannot fetch {url}: {reason}.") from error


def reachable(url: str, seconds: float, *, any_answer: bool = False) -> bool:
    """Return whether a server answers for a file, within a time that is really kept.

    Args:
        url: The file.
        seconds: How long it may take.
        any_answer: Be content with a server that refuses: it is there.
    """
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    answered = threading.Event()

    def ask() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=seconds):
                answered.set()
        except HTTPError:
            if any_answer:
                answered.set()
        except (OSError, ValueError):
            return

    # Resolving a name can take minutes and takes no time limit: it is left to a thread.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return answered.is_set()
