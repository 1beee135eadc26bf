"""A thread that takes gradient steps while another chooses actions.

On a GPU it has a stream of its own, which begins after all that was asked of the device before, and
which the other thread's stream waits for at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import torch
from torch import Tensor

from newt_core.agents.base import Metrics


@dataclass
class Taken:
    """Gradient steps that were taken."""

    count: int = 0
    newest: Mapping[str, Tensor] = field(default_factory=dict)
    """The metrics of the last one; empty if there was none."""
    seconds: float = 0.0


class LearningThread:
    """Takes gradient steps beside something else, one bundle of them at a time.

    Args:
        device: Where they are computed.
        threads: With how many threads PyTorch computes them on a CPU.
    """

    def __init__(self, device: torch.device, threads: int) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="learner")
        self._under_way: Future[Taken] | None = None
        self._stopping = Event()
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @property
    def at_work(self) -> bool:
        """Whether :meth:`end` is to be called."""
        return self._under_way is not None

    def begin(self, updates: Iterator[Metrics]) -> None:
        """Have another thread iterate over some gradient steps, and return at once."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
        self._under_way = self._executor.submit(self._take, updates)

    def end(self) -> Taken:
        """Wait until all steps are taken.

        Raises:
            Exception: Whatever one of them raised.
        """
        assert self._under_way is not None, "begin() comes first"
        future, self._under_way = self._under_way, None
        taken = future.result()
        if self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
        return taken

    def close(self) -> None:
        """Break off after the step that is under way, and end the thread."""
        self._stopping.set()
        self._executor.shutdown()

    def _take(self, updates: Iterator[Metrics]) -> Taken:
        began, taken = time.monotonic(), Taken()
        torch.set_num_threads(self._threads)  # Each thread has a number of its own.
        with torch.cuda.stream(self._stream):
            for metrics in updates:
                taken.count, taken.newest = taken.count + 1, metrics
                if self._stopping.is_set():
                    break
            if self._stream is not None:
                self._stream.synchronize()
        taken.seconds = time.monotonic() - began
        return taken
