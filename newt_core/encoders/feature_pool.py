"""A pool whose pictures come as features: one pass of the encoder per step of the pool.

Each picture is encoded once. A stack of features is kept per environment and shifted by one, so
that looking back costs nothing; an episode begins with copies of its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from newt_core.encoders.image.base import ImageEncoder
from newt_core.envs.pool import EnvPool, EpisodeNumbers, Pool, PoolStats, make_pool
from newt_core.errors import PoolStateError
from newt_core.specs.schema import TaskSpec
from newt_core.types import (
    IMAGE_DIM,
    BoolArray,
    ByteArray,
    FloatArray,
    HalfArray,
    IntArray,
    Transitions,
)


class FeaturePool:
    """A :class:`newt_core.envs.pool.Pool` whose transitions hold features instead of pictures.

    Args:
        pool: Draws one picture or more per step; owned from now on.
        encoder: Sees the newest of them.
        stack: Features F in a stack, the newest and those before it.
    """

    def __init__(self, pool: Pool, encoder: ImageEncoder, stack: int = 1) -> None:
        self._pool = pool
        self._encoder = encoder
        self._seen: HalfArray = np.zeros((pool.num_envs, stack, IMAGE_DIM), np.float16)

    @property
    def specs(self) -> Sequence[TaskSpec]:
        """[E] the task of each environment."""
        return self._pool.specs

    @property
    def num_envs(self) -> int:
        """E."""
        return self._pool.num_envs

    @property
    def stats(self) -> PoolStats:
        """Deaths and lost episodes so far."""
        return self._pool.stats

    @property
    def episode_numbers(self) -> IntArray:
        """[E] the number of the episode that each environment is in."""
        return self._pool.episode_numbers

    def reset(self, seed: int | None = None, episodes: EpisodeNumbers | None = None) -> FloatArray:
        """Begin a new episode everywhere; see ``Pool.reset``."""
        obs = self._pool.reset(seed, episodes)
        self._seen[:] = self._encoder.encode(self._pool.frames()[:, -1])[:, None]
        return obs

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        """Start an agent step in some environments; see ``Pool.send``."""
        self._pool.send(actions, env_ids)

    def recv(self, min_envs: int = 1) -> Transitions:
        """Wait for steps to finish; see ``Pool.recv``."""
        return self._see(self._pool.recv(min_envs))

    def step(self, actions: ArrayLike) -> Transitions:
        """Make one agent step everywhere; see ``Pool.step``."""
        return self._see(self._pool.step(actions))

    def frames(self) -> ByteArray:
        """Return the pictures up to the present observations; see ``Pool.frames``."""
        return self._pool.frames()

    def features(self, env_ids: IntArray | None = None) -> HalfArray:
        """Return the features up to the present observations, [E, F, D], or those of some."""
        return self._seen.copy() if env_ids is None else self._seen[env_ids]

    def close(self) -> None:
        """End all workers. Can be repeated."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _see(self, reply: Transitions) -> Transitions:
        """Put features into the pictures' place."""
        frames, final_frames = reply.frames, reply.final_frames
        if frames is None or final_frames is None:
            raise PoolStateError("this pool draws no pictures: make it with frames=1 or more.")
        newest, last = self._encode(frames[:, -1], final_frames[:, -1], reply.done)
        before = self._seen[reply.env_ids]
        final = np.concatenate([before[:, 1:], newest[:, None]], axis=1)
        present = final.copy()
        final[reply.done, -1] = last
        fresh = reply.done | reply.lost
        present[fresh] = newest[fresh, None]
        final[reply.lost] = present[reply.lost]
        self._seen[reply.env_ids] = present
        return replace(
            reply, frames=None, final_frames=None, features=present, final_features=final
        )

    def _encode(
        self, newest: ByteArray, last: ByteArray, done: BoolArray
    ) -> tuple[HalfArray, HalfArray]:
        """Encode all newest pictures and the last ones of ended episodes, in one batch."""
        if not done.any():
            return self._encoder.encode(newest), np.zeros((0, IMAGE_DIM), np.float16)
        features = self._encoder.encode(np.concatenate([newest, last[done]]))
        return features[: len(newest)], features[len(newest) :]


def open_pool(
    specs: Sequence[TaskSpec],
    encoder: ImageEncoder | None,
    stack: int,
    *,
    seed: int = 0,
    ray: str | None = None,
) -> EnvPool | FeaturePool:
    """Start environments for an agent: of states, or with an encoder and stacks of features.

    See :func:`newt_core.envs.pool.make_pool`.
    """
    if encoder is None:
        return make_pool(specs, seed=seed, ray=ray)
    return FeaturePool(make_pool(specs, seed=seed, frames=1, ray=ray), encoder, stack)
