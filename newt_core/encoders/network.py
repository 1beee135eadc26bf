"""Whether there is a network."""

from __future__ import annotations

import threading


def reachable(url: str, seconds: float) -> bool:
    """Return whether a server answers for a file, within a time that is really kept."""
    from urllib.request import Request, urlopen

    answered = threading.Event()

    def ask() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=seconds):
                answered.set()
        except (OSError, ValueError):
            return

    # Resolving a name can take minutes and takes no time limit: it is left to a thread.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return answered.is_set()
