"""How much memory a device may spend on what can be done in pieces."""

from __future__ import annotations

import torch

SHARE = 0.25
"""Of a GPU's memory, for one piece; weights, optimisers, updates and graphs take from the rest."""


def budget(device: torch.device) -> int:
    """Return the bytes that one piece of work may take on a GPU, the same at every call."""
    return int(SHARE * torch.cuda.get_device_properties(device).total_memory)
