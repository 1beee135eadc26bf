"""From the CPU to where tensors are used."""

from __future__ import annotations

import torch
from torch import Tensor


def on_device(small: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor from the CPU to where it is used, without waiting for a GPU.

    From memory that the system may page out, a copy would wait until all earlier work of the GPU
    is done.
    """
    if device.type != "cuda":
        return small.to(device)
    return small.pin_memory().to(device, non_blocking=True)
