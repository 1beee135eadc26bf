"""Going on with streams of random numbers, also on another kind of device."""

from __future__ import annotations

import torch
from torch import Tensor


def resume_generator(generator: torch.Generator, words: Tensor) -> None:
    """Put a generator where one was whose state is ``words``.

    A GPU's generator and a CPU's draw different numbers and keep different states. A run that goes
    on on another kind of device begins its streams there anew, from their own seeds.
    """
    if words.numel() == generator.get_state().numel():
        generator.set_state(words.cpu())
