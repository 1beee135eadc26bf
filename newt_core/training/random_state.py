"""The state of the global random number generators, in types that a checkpoint may hold.

Components that own a generator save it themselves; this is for libraries that draw from the
global ones.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from newt_core.errors import CheckpointError, in_short
from newt_core.seeds import Stream, stream_seed


def seed_random_state(run_seed: int, rank: int = 0) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators from a run's seed, on one rank."""
    seed = stream_seed(run_seed, Stream.LIBRARIES, rank)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def capture_random_state() -> dict[str, Any]:
    """Return the state of Python's, NumPy's and PyTorch's global generators."""
    version, words, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)
    assert isinstance(numpy_state, dict)
    return {
        "python": {"version": version, "words": list(words), "gauss": gauss},
        "numpy": {
            "words": torch.from_numpy(numpy_state["state"]["key"].astype(np.int64)),
            "position": int(numpy_state["state"]["pos"]),
            "has_gauss": int(numpy_state["has_gauss"]),
            "gauss": float(numpy_state["gauss"]),
        },
        "torch": torch.get_rng_state(),
        # One per GPU. Asking initialises CUDA, which a CPU run should be spared.
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo :func:`capture_random_state`; GPUs that are not there are passed over.

    Raises:
        CheckpointError: the state is incomplete or not one of this kind.
    """
    try:
        python = state["python"]
        random.setstate((python["version"], tuple(python["words"]), python["gauss"]))
        numpy_state = state["numpy"]
        np.random.set_state(
            {
                "bit_generator": "MT19937",
                "state": {
                    "key": numpy_state["words"].cpu().numpy().astype(np.uint32),
                    "pos": numpy_state["position"],
                },
                "has_gauss": numpy_state["has_gauss"],
                "gauss": numpy_state["gauss"],
            }
        )
        torch.set_rng_state(state["torch"].cpu())
        if torch.cuda.is_available():
            for device, words in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
                torch.cuda.set_rng_state(words.cpu(), device)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(
            f"the checkpoint's random number states do not fit ({in_short(error)}). "
            "It was written by another version of Newt or of its libraries."
        ) from error
