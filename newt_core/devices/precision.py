"""How exactly a GPU multiplies matrices of float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def matrix_products(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """Multiply matrices of float32 in TF32 in the block, or exactly; elsewhere nothing changes.

    TF32 keeps float32's range and 10 bits of its mantissa's 23. A CPU is left as it is.

    Args:
        device: Where the block computes.
        tf32: Whether in TF32.
    """
    if device.type != "cuda":
        yield
        return
    # The older of PyTorch's two ways: torch.compile looks at it, and refuses a mixture of both.
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
