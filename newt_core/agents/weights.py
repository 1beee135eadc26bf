"""An agent's weights: those it begins with, and those out of a checkpoint, if they fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from newt_core.errors import CheckpointError, in_short
from newt_core.seeds import Stream, stream_seed


@contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Have networks that are made in the block begin with a run's own random weights.

    PyTorch draws them from its global generator, which is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, Stream.WEIGHTS))
        yield


@contextmanager
def fitting(what: str) -> Iterator[None]:
    """Say in one line that a state does not fit, whatever fails in the block.

    Args:
        what: It does not fit, for the message.

    Raises:
        CheckpointError: What the block raised.
    """
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # A state can hold anything.
        reason = in_short(error, last=True)
        if isinstance(error, KeyError):
            reason = f"there is no '{reason}'"
        raise CheckpointError(f"The weights do not fit {what}: {reason}") from error


def load_weights(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Put the weights of an agent's state, its ``model``, into its networks.

    Raises:
        CheckpointError: There are none, or one of them is NaN or infinite.
    """
    if "model" not in state:
        raise CheckpointError("The agent's state holds no weights.")
    for name, weight in state["model"].items():
        if not torch.isfinite(weight).all():
            raise CheckpointError(
                f"the weights '{name}' are not finite: the training had diverged. Use an earlier "
                "checkpoint."
            )
    model.load_state_dict(state["model"])
