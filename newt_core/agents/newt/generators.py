"""Going on with streams of random numbers, also on another kind of device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newt_core.seeds import Stream, stream_seed


def resume_generator(generator: torch.Generator, words: Tensor) -> None:
    """Put a generator where one was whose state is ``words``.

    A GPU's generator and a CPU's draw different numbers and keep different states. A run that goes
    on on another kind of device begins its streams there anew, from their own seeds.
    """
    if words.numel() == generator.get_state().numel():
        generator.set_state(words.cpu())


class SavedGenerator:
    """A PyTorch generator as a part of a run."""

    def __init__(self, run_seed: int, stream: Stream, rank: int = 0) -> None:
        """Begin a CPU generator at the start of one of the run's streams, on one of its ranks."""
        self.generator = torch.Generator().manual_seed(stream_seed(run_seed, stream, rank))

    def state_dict(self) -> dict[str, Any]:
        """Return where its stream is."""
        return {"words": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self.generator.set_state(state["words"].cpu())
