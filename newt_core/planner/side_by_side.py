"""Work on a CPU in pieces that do not wait for each other, a thread for each.

PyTorch shares every product among its threads, which then wait for the slowest. Pieces that do not
depend on each other are better given a thread each, that computes on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

P = TypeVar("P")
R = TypeVar("R")


def side_by_side(work: Callable[[P], R], pieces: Sequence[P]) -> list[R]:
    """Return the results of work on pieces of about the same size, in their order.

    As many as this thread has threads of PyTorch's are worked on at a time. Pieces that are left
    over get all of these threads, one after the other.
    """
    threads = torch.get_num_threads()
    at_once = len(pieces) - len(pieces) % threads
    if threads == 1 or not at_once:
        return [work(piece) for piece in pieces]
    modes = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def alone(piece: P) -> R:
        # Each thread has modes of its own.
        with torch.inference_mode(modes[0]), torch.set_grad_enabled(modes[1]):
            return work(piece)

    done = list(_helpers(threads).map(alone, pieces[:at_once]))
    # What a helper says at its start counts for threads that begin later, too.
    torch.set_num_threads(threads)
    return done + [work(piece) for piece in pieces[at_once:]]


@cache
def _helpers(threads: int) -> ThreadPoolExecutor:
    """Return so many threads that compute on their own; they stay, as their memory would."""
    return ThreadPoolExecutor(
        threads, "newt-plan", initializer=torch.set_num_threads, initargs=(1,)
    )
