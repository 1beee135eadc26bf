"""What the chip itself can do: its rate of multiplying matrices, by number format."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.gpu_check.measurement import PRECISIONS, Given, seconds_per_call
from newt_core.devices.precision import matrix_products


def chip(given: Given) -> dict[str, Any]:
    """Multiply two large square matrices."""
    width = 256 if given.quick else 8192
    rates: dict[str, float] = {}
    for precision in PRECISIONS:
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        left, right = (torch.randn(width, width, device=given.device).to(dtype) for _ in range(2))
        multiply = partial(torch.mm, left, right, out=torch.empty_like(left))
        with matrix_products(given.device, tf32=precision == "tf32"):
            timed = seconds_per_call(multiply, given, seconds=1.0)
        rates[precision] = 2 * width**3 / timed["seconds"]
    found: dict[str, Any] = {"width": width, "flops_per_s": rates}
    if given.device.type == "cuda":
        properties = torch.cuda.get_device_properties(given.device)
        free, total = torch.cuda.mem_get_info(given.device)
        found |= {
            "name": properties.name,
            "capability": f"{properties.major}.{properties.minor}",
            "processors": properties.multi_processor_count,
            "memory_bytes": total,
            "free_bytes": free,
            "cuda": torch.version.cuda,
        }
    return found
