"""How exactly a GPU multiplies matrices of float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def matrix_products(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """Multiply matrices of float32 in TF32 in the block, or exactly; elsewhere nothing changes.

    TF32 keeps float32's range and 10 bits of its mantissa's 23. A CPU is left as it is.

    PyTorch has one such setting for all threads. Where it is set already, nothing is changed and
    nothing put back: threads that want the same are used in a block that sets it for them all.

    Args:
        device: Where the block computes.
        tf32: Whether in TF32.
    """
    if device.type != "cuda":
        yield
        return
    # The older of PyTorch's two ways: torch.compile looks at it, and refuses a mixture of both.
    before = torch.get_float32_matmul_precision()
    wanted = "high" if tf32 else "highest"
    if wanted == before:
        yield
        return
    torch.set_float32_matmul_precision(wanted)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
