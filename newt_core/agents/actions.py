"""Actions as environments execute them."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from newt_core.errors import UselessActionError
from newt_core.types import ACTION_DIM, FloatArray


def executable(actions: Tensor) -> FloatArray:
    """Return actions [..., width] as they are executed, [..., A] float32.

    Raises:
        UselessActionError: One is not finite.
    """
    padded = F.pad(actions.float(), (0, ACTION_DIM - actions.shape[-1]))
    chosen = np.asarray(padded.cpu().numpy(), np.float32)
    if not np.isfinite(chosen).all():
        raise UselessActionError(
            "the agent chose an action that is not finite: its weights have diverged"
        )
    return chosen
