"""What an episode must be like to be stored."""

from __future__ import annotations

import numpy as np

from newt_core.errors import ConfigError, EnvironmentFailure
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM, Episode


def check_episode(episode: Episode, capacity: int, *, features: bool) -> None:
    """Return if a buffer of ``capacity`` rows can store an episode.

    Args:
        episode: what is to be stored.
        capacity: rows of the buffer.
        features: whether its rows hold features of pictures.

    Raises:
        ConfigError: the arrays do not fit together, or not into the buffer.
        EnvironmentFailure: a value is not finite.
    """
    length = len(episode.reward)
    expected = {
        "obs": (length + 1, STATE_DIM),
        "action": (length, ACTION_DIM),
        "reward": (length,),
    }
    if (episode.features is not None) != features:
        has, wants = ("no", "needs") if episode.features is None else ("", "keeps none of")
        raise ConfigError(
            f"episode of task {episode.task} has {has} image features, which the replay "
            f"buffer {wants}."
        )
    if episode.features is not None:
        expected["features"] = (length + 1, IMAGE_DIM)
    for name, shape in expected.items():
        array = getattr(episode, name)
        dtype = np.float16 if name == "features" else np.float32
        if array.shape != shape or array.dtype != dtype:
            raise ConfigError(
                f"episode of task {episode.task}: {name} is {array.dtype} {array.shape}, "
                f"expected {np.dtype(dtype).name} {shape}."
            )
        if not np.isfinite(array).all():
            raise EnvironmentFailure(
                f"episode of task {episode.task}: {name} holds a value that is not finite. "
                "Check the task with 'newt tasks check'."
            )
    if episode.task < 0:
        raise ConfigError(f"episode of task {episode.task}: a task index is 0 or more.")
    if length < 1 or length + 1 > capacity:
        raise ConfigError(
            f"episode of task {episode.task} has {length} steps: the replay buffer holds "
            f"episodes of 1 to {capacity - 1} steps. Raise its capacity."
        )
