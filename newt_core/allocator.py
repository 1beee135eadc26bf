"""What becomes of memory that is freed.

A gradient step on a CPU asks for some hundred megabytes and frees them at its end. The C library
then gives them back to the system, which has to clear every page anew when the next step asks for
it. A process that trains keeps them instead: its largest use of memory is the same.

This is about the GNU C library's ``malloc``, see mallopt(3). A user's own settings of it win, and
elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")
"""Environment variables with which users choose what is done."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the options, from malloc.h."""
_LARGEST_ON_THE_HEAP = 32 * 2**20
"""Bytes; the most that the library takes. Blocks above are mapped by themselves, and unmapped."""
_NEVER = 2**31 - 1
"""Bytes at the heap's end that are kept; the largest number there is."""


def keep_freed_memory(environment: Mapping[str, str] | None = None) -> bool:
    """Have this process use memory that it has freed again, and return whether that is so.

    Args:
        environment: The variables; those of the process by default.
    """
    variables = os.environ if environment is None else environment
    if any(name in variables for name in OWN):
        return False
    try:
        option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # Another C library.
        return False
    # The threshold of large blocks moves by itself until one of the two is set: both, or neither.
    return bool(option(_MMAP_THRESHOLD, _LARGEST_ON_THE_HEAP) and option(_TRIM_THRESHOLD, _NEVER))
