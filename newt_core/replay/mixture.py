"""Batches that are part demonstrations, part the agent's own experience."""

from __future__ import annotations

import torch

from newt_core.errors import ConfigError
from newt_core.replay.buffer import Batch, ReplayBuffer

PAPER_DEMO_SHARE = 0.5
"""Share of every batch that comes from demonstrations (Newt, section 3)."""


class Mixture:
    """An online buffer and, where there are any, demonstrations, sampled together."""

    def __init__(
        self,
        online: ReplayBuffer,
        demos: ReplayBuffer | None = None,
        demo_share: float = PAPER_DEMO_SHARE,
    ) -> None:
        """Join two buffers.

        Args:
            online: the agent's own episodes.
            demos: demonstrations; without them every row comes from ``online``.
            demo_share: share of a batch's rows that come from ``demos``, in [0, 1].

        Raises:
            ConfigError: if the share is out of range or the buffers serve different devices.
        """
        if not 0.0 <= demo_share <= 1.0:
            raise ConfigError(f"demo_share is {demo_share}: it must lie in [0, 1].")
        if demos is not None and demos.feature_stack != online.feature_stack:
            raise ConfigError(
                f"demonstrations come with {demos.feature_stack} image features, online episodes "
                f"with {online.feature_stack}: both need the same --obs."
            )
        if demos is not None and demos.device != online.device:
            raise ConfigError(
                f"demonstrations are sampled to {demos.device}, online episodes to "
                f"{online.device}: give both buffers the same device."
            )
        self.online = online
        self.demos = demos
        self.demo_share = demo_share if demos is not None else 0.0

    def sample(self, batch_size: int, horizon: int, generator: torch.Generator) -> Batch:
        """Draw a batch: first ``round(demo_share * batch_size)`` rows of demonstrations.

        The split is exact in every batch, not only on average.

        Raises:
            ConfigError: if a buffer that must give rows is empty, or all its episodes are
                shorter than ``horizon``.
        """
        demo_rows = round(self.demo_share * batch_size)
        if self.demos is None or demo_rows == 0:
            return self.online.sample(batch_size, horizon, generator)
        demos = self.demos.sample(demo_rows, horizon, generator)
        if demo_rows == batch_size:
            return demos
        online = self.online.sample(batch_size - demo_rows, horizon, generator)
        return Batch(
            obs=torch.cat([demos.obs, online.obs], dim=1),
            action=torch.cat([demos.action, online.action], dim=1),
            reward=torch.cat([demos.reward, online.reward], dim=1),
            task=torch.cat([demos.task, online.task]),
            features=_joined(demos.features, online.features),
        )


def _joined(first: torch.Tensor | None, second: torch.Tensor | None) -> torch.Tensor | None:
    return None if first is None or second is None else torch.cat([first, second], dim=1)
