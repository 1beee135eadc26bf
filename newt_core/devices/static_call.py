"""The same function called again and again: on a GPU as one CUDA graph.

A GPU of today needs a few microseconds for a kernel of a small network, and the CPU as long to
launch it. A CUDA graph launches all of a function's kernels at once. It remembers addresses: its
inputs have to lie in the same memory at every call, and so has everything else that the function
reads or changes, such as weights.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, cuda

from newt_core.errors import in_short

WARM_UP = 3
"""Calls of each combination of shapes before it is captured. They count like any other."""
MOST_SHAPES = 32
"""Combinations of shapes that are kept; each takes memory for its inputs, and some for a graph."""

Inputs = Sequence[Tensor | None]


@dataclass
class _Place:
    """What is kept for one combination of shapes."""

    inputs: list[Tensor | None]
    calls: int = 0
    graph: cuda.CUDAGraph | None = None
    outputs: Sequence[Tensor] = field(default=())
    """Of the graph, in its own memory."""


class StaticCall:
    """Calls a function over buffers that stay where they are; captured on a GPU.

    Inputs are copied into the buffers, of which there is one set for each combination of shapes,
    number formats and constants. On a GPU, the first :data:`WARM_UP` calls of each run on a stream
    of their own, as a capture requires; then the function is captured, and every call replays it.
    Nothing is computed that was not asked for, so a function may change what it finds, such as
    weights. Where capturing fails, a warning of one line says so, and the function is called as
    it is from then on, as it also is for shapes beyond :data:`MOST_SHAPES`.

    Off a GPU, nothing is captured; all else is the same.

    Args:
        function: Takes tensors (or None, where None was given), then constants. It must not look
            at a tensor's values, and has to do the same work at every call. Called again, it has
            to come to terms with a call before that broke off.
        what: It is called in messages, such as ``the update``.
    """

    def __init__(self, function: Callable[..., Sequence[Tensor]], what: str) -> None:
        self._function = function
        self._what = what
        self._places: dict[Hashable, _Place] = {}
        self._side: cuda.Stream | None = None
        self._pool: Any = None
        self._refused = False
        self.captures = 0
        """Graphs captured so far, or what would be graphs on a GPU."""
        self.beside = 0
        """Calls made without buffers: capturing had failed, or there were too many shapes."""

    def __call__(self, inputs: Inputs, constants: tuple[Hashable, ...] = ()) -> list[Tensor]:
        """Call the function.

        Args:
            inputs: Its tensors, all on one device.
            constants: Follow them; other constants are another combination.

        Returns:
            Copies of what it returned, which later calls leave alone.
        """
        place = self._place(inputs, constants)
        if place is None:
            self.beside += 1
            return list(self._function(*inputs, *constants))
        for buffer, given in zip(place.inputs, inputs, strict=True):
            if buffer is not None and given is not None:
                buffer.copy_(given)
        outputs = self._run(place, constants)
        place.calls += 1
        return [each.clone() for each in outputs]

    def forget(self) -> None:
        """Give up all buffers and graphs, because what the function changes lies elsewhere now."""
        self._places.clear()
        self._pool = None  # It ends with the last of its graphs.

    def _place(self, inputs: Inputs, constants: tuple[Hashable, ...]) -> _Place | None:
        shapes = tuple(None if x is None else (x.shape, x.dtype, x.device) for x in inputs)
        place = self._places.get((shapes, constants))
        if place is None and not self._refused and len(self._places) < MOST_SHAPES:
            # Buffers of inference mode could not be written to outside it.
            with torch.inference_mode(False):
                buffers = [
                    None
                    if x is None
                    else torch.empty_like(x, memory_format=torch.contiguous_format)
                    for x in inputs
                ]
            place = self._places[shapes, constants] = _Place(buffers)
        return place

    def _run(self, place: _Place, constants: tuple[Hashable, ...]) -> Sequence[Tensor]:
        device = next(each.device for each in place.inputs if each is not None)
        if _kind(device) != "cuda":
            self.captures += place.calls == WARM_UP
            return self._function(*place.inputs, *constants)
        with cuda.device(device):
            if place.calls < WARM_UP:
                return self._warm_up(place, constants)
            if place.graph is None and not self._capture(place, constants):
                self._places.clear()
                return self._function(*place.inputs, *constants)
            assert place.graph is not None
            place.graph.replay()
        return place.outputs

    def _warm_up(self, place: _Place, constants: tuple[Hashable, ...]) -> Sequence[Tensor]:
        """Call the function on a stream of its own, which the current one then waits for."""
        current = cuda.current_stream()
        side = self._side = self._side or cuda.Stream()
        side.wait_stream(current)
        with cuda.stream(side), warnings.catch_warnings():
            # Optimisers that can be captured warn when they are not.
            warnings.filterwarnings("ignore", ".*graph capture")
            outputs = self._function(*place.inputs, *constants)
        current.wait_stream(side)
        for each in outputs:
            each.record_stream(current)
        return outputs

    def _capture(self, place: _Place, constants: tuple[Hashable, ...]) -> bool:
        """Capture the function, which computes nothing; return whether that went well."""
        assert self._side is not None
        # Graphs of one pool share memory: none runs beside another, and outputs are copied.
        self._pool = self._pool or cuda.graph_pool_handle()
        graph = cuda.CUDAGraph()
        gc.collect()  # A tensor that were freed while capturing could break it.
        try:
            # A capture that breaks off leaves its stream the current one; this puts it back.
            with cuda.stream(self._side):  # noqa: SIM117
                # Of this thread: what another does at the same time is no part of it.
                with cuda.graph(
                    graph,
                    pool=self._pool,
                    stream=self._side,
                    capture_error_mode="thread_local",
                ):
                    place.outputs = self._function(*place.inputs, *constants)
        except RuntimeError as error:  # Whatever CUDA, cuBLAS or PyTorch refuse
            self._refused = True
            # Ending a capture that broke off raises an error, too, and says less.
            first = error if error.__context__ is None else error.__context__
            warnings.warn(
                f"{self._what} runs without a CUDA graph, more slowly: {in_short(first)}",
                stacklevel=4,
            )
            return False
        place.graph = graph
        self.captures += 1
        return True


def _kind(device: torch.device) -> str:
    return device.type
