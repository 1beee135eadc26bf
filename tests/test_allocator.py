"""Memory that is freed is used again, instead of being cleared anew by the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newt_core.allocator import OWN, keep_freed_memory

ROOT = Path(__file__).parents[1]
PROGRAM = """
import ctypes, resource, sys
if sys.argv[1] == "kept":
    from newt_core.threads import prepare_process
    prepare_process(lambda line: None)
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes, library.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
SIZE = 24 * 2**20

def step():
    blocks = [library.malloc(SIZE) for _ in range(6)]
    for block in blocks:
        library.memset(block, 1, SIZE)
    for block in blocks:
        library.free(block)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    step()
before = faults()
for _ in range(5):
    step()
print((faults() - before) // 5)
"""


def faults(how: str) -> int:
    """Return the pages that the system provides for a step that uses as much as the one before."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how],
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(
    not hasattr(os, "confstr") or not (os.confstr("CS_GNU_LIBC_VERSION") or ""),
    reason="another C library",
)
def test_a_prepared_process_is_not_given_the_same_memory_again_and_again():
    # The 144 MiB of a step are 36,864 pages of 4 KiB.
    assert faults("kept") < 100
    assert faults("as it is") > 10_000


@pytest.mark.parametrize("name", OWN)
def test_a_users_own_choice_wins(name: str):
    assert not keep_freed_memory({name: "1"})
