"""The planner's noise in an evaluation: the same episode gets the same, in whatever company.

Noise drawn for all environments at once would change with the number of tasks and episodes that
are evaluated together. Here it follows from the episode's number and the step alone, and is shared
by all environments that are at it: less is drawn, and an episode's score stays what it is. (What
remains are a float's last digits: matrix products round differently with the number of rows and
of threads.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from newt_core.devices.transfer import on_device
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise, draw_plan_noise
from newt_core.types import ACTION_DIM, IntArray


class EpisodeNoise:
    """Noise of plans by episode and step.

    Args:
        config: Sample counts.
        num_q: Q heads that a pair is drawn of.
        horizon: Steps that the plans look ahead.
        seed: Determines all of it.
        device: Where the noise is wanted.
    """

    def __init__(
        self,
        config: PlannerConfig,
        num_q: int,
        horizon: int,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self._config = config
        self._num_q = num_q
        self._horizon = horizon
        self._seed = seed
        self._generator = torch.Generator(device)
        self._heads_generator = torch.Generator()

    def draw(self, episode: IntArray, step: int, width: int) -> PlanNoise:
        """Return the noise of plans at one step of K episodes.

        Args:
            episode: [K] their numbers.
            step: Agent steps since they began.
            width: Action width A; the entries are those of any other width.
        """
        numbers, row_of = np.unique(episode, return_inverse=True)
        # The Q heads are those of the step, so that all episodes can be planned for together.
        drawn = [self._of(int(number), step) for number in numbers]
        rows = on_device(torch.from_numpy(row_of), self._generator.device)

        def gathered(name: str, dim: int) -> Tensor:
            parts = [getattr(noise, name) for noise in drawn]
            return torch.cat(parts, dim)[..., :width].index_select(dim, rows)

        return PlanNoise(
            prior=gathered("prior", 1),
            samples=gathered("samples", 2),
            final=gathered("final", 1),
            heads=drawn[0].heads,
            choice=torch.cat([noise.choice for noise in drawn])[rows],
            action=gathered("action", 0),
        )

    def _of(self, episode: int, step: int) -> PlanNoise:
        self._generator.manual_seed(self._words(step, episode))
        self._heads_generator.manual_seed(self._words(step))
        return draw_plan_noise(
            self._config,
            1,
            ACTION_DIM,
            self._num_q,
            horizon=self._horizon,
            device=self._generator.device,
            generator=self._generator,
            cpu_generator=self._heads_generator,
        )

    def _words(self, *key: int) -> int:
        sequence = np.random.SeedSequence(self._seed, spawn_key=key)
        return int(sequence.generate_state(1, np.uint64)[0] >> 1)
