"""Two streams of random numbers per environment: one for what happens, one for its looks."""

from __future__ import annotations

import numpy as np

_LOOKS = 1
"""Sets the looks' stream apart from the physics' stream of the same seed."""

_LOOKS_SEEDS = 2**63


class Streams:
    """The random numbers of one environment.

    Args:
        random_looks: whether every episode looks different; else all look like each other, in
            every environment.
    """

    def __init__(self, random_looks: bool = True) -> None:
        self._random_looks = random_looks
        self.physics = np.random.default_rng()
        """Draws everything that the state depends on."""
        self._looks = np.random.default_rng()
        self._episode_looks = 0

    def begin_episode(self, seed: int | None) -> None:
        """Start both streams at ``seed``; None goes on with the present ones."""
        if seed is not None:
            self.physics = np.random.default_rng(seed)
            self._looks = np.random.default_rng([seed, _LOOKS])
        if self._random_looks:
            self._episode_looks = int(self._looks.integers(_LOOKS_SEEDS))

    def looks(self) -> np.random.Generator:
        """Return this episode's generator of colours, always from its beginning.

        Pictures are drawn late or never, so an episode's colours must not depend on whether
        those of the episodes before it were asked for.
        """
        return np.random.default_rng(self._episode_looks)
