"""The pool's steps → recorded episodes."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from newt_core.demos.schema import DemoEpisode
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE, ByteArray, FloatArray, Transitions

_PICTURE_SHAPE = (FRAME_SIZE, FRAME_SIZE, 3)


class Tape:
    """The episode under way in one environment.

    Args:
        spec: the environment's task.
        seed: what the episode was reset with.
        obs: [S] its first observation.
        frame: [224, 224, 3] its first picture, or None to record none.
    """

    def __init__(
        self, spec: TaskSpec, seed: int, obs: FloatArray, frame: ByteArray | None = None
    ) -> None:
        steps = spec.episode_length
        self._spec = spec
        self._seed = seed
        self._steps = 0
        self._obs = np.zeros((steps + 1, spec.obs_dim), np.float32)
        self._actions = np.zeros((steps, spec.action_dim), np.float32)
        self._rewards = np.zeros(steps, np.float32)
        self._success = np.zeros(steps, np.float32)
        self._score = np.zeros(steps, np.float32)
        self._obs[0] = obs[: spec.obs_dim]
        # Packed: the pictures of a whole batch have to wait until it is known which are kept.
        self._pictures: list[bytes] | None = None if frame is None else [_packed(frame)]

    def add(self, reply: Transitions, row: int) -> None:
        """Record a step: row ``row`` of what the pool returned."""
        step = self._steps
        self._actions[step] = reply.action[row, : self._spec.action_dim]
        self._rewards[step] = reply.reward[row]
        self._success[step] = reply.success[row]
        self._score[step] = reply.score[row]
        self._obs[step + 1] = reply.final_obs[row, : self._spec.obs_dim]
        if self._pictures is not None and reply.final_frames is not None:
            self._pictures.append(_packed(reply.final_frames[row, -1]))
        self._steps += 1

    def episode(self) -> DemoEpisode:
        """Return the episode, which has just ended by reaching its length."""
        steps = self._steps
        truncations = np.zeros(steps, np.bool_)
        truncations[-1] = True
        return DemoEpisode(
            observations=self._obs[: steps + 1],
            actions=self._actions[:steps],
            rewards=self._rewards[:steps],
            terminations=np.zeros(steps, np.bool_),
            truncations=truncations,
            success=self._success[:steps],
            score=self._score[:steps],
            seed=self._seed,
            rgb=None if self._pictures is None else _unpacker(self._pictures),
        )


def _packed(frame: ByteArray) -> bytes:
    return zlib.compress(frame.tobytes(), level=1)


def _unpacker(pictures: list[bytes]) -> Callable[[], ByteArray]:
    def unpack() -> ByteArray:
        frames = np.empty((len(pictures), *_PICTURE_SHAPE), np.uint8)
        for frame, packed in zip(frames, pictures, strict=True):
            frame[...] = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(_PICTURE_SHAPE)
        return frames

    return unpack
