"""The replay buffer: whole episodes go in, batches of subsequences come out.

The rows are a ring. An episode lies in one piece; where it does not fit before the ring's end
it starts at row 0 and the tail stays unused. Room is made by forgetting the oldest episodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from newt_core.devices.transfer import on_device
from newt_core.errors import CheckpointError, ConfigError
from newt_core.replay.episode import check_episode
from newt_core.replay.index import StartIndex, check_sampling
from newt_core.replay.ledger import Ledger
from newt_core.replay.part import Part
from newt_core.replay.storage import FORMAT_VERSION, open_storage
from newt_core.types import Episode, IntArray

MIN_CAPACITY = 2
"""Rows of the shortest episode: one step between two observations."""


@dataclass(frozen=True)
class Batch:
    """B subsequences of H steps, each inside one episode; time comes first."""

    obs: torch.Tensor
    """[H + 1, B, S] float32."""
    action: torch.Tensor
    """[H, B, A] float32; ``action[t]`` led from ``obs[t]`` to ``obs[t + 1]``."""
    reward: torch.Tensor
    """[H, B] float32, earned by ``action[t]``."""
    task: torch.Tensor
    """[B] int64, indices into the run's task list."""
    features: torch.Tensor | None = None
    """[H + 1, B, F · D] float16 features of the pictures up to each observation, the oldest
    first; None for states alone."""
    part: Part | None = None
    """Which rows of a larger batch these are; None where they are all of it."""

    @property
    def place(self) -> Part:
        """These rows among those of the batch that they are a part of."""
        return self.part or Part((len(self.task),), 0)

    def features_at(self, steps: int | slice) -> torch.Tensor | None:
        """The image features at some steps."""
        return None if self.features is None else self.features[steps]


class ReplayBuffer:
    """The most recent episodes, up to ``capacity`` rows.

    On disk, a process killed at any moment leaves the intact episodes behind: opening the
    folder again brings them back, and :meth:`load_state_dict` takes them back to a checkpoint. One
    process at a time may have a folder open.
    """

    def __init__(
        self,
        capacity: int,
        *,
        storage: str = "ram",
        folder: Path | None = None,
        sampling: str = "steps",
        device: torch.device | str | None = None,
        feature_stack: int = 0,
        restoring: bool = False,
        private: bool = False,
    ) -> None:
        """Open the buffer in ``folder``, or make an empty one.

        Args:
            capacity: rows; an episode of T steps takes T + 1 (Newt, table 7: 10,000,000).
            storage: ``disk`` (needs ``folder``), ``ram``, or a torch device such as ``cuda``.
            folder: where the files of a ``disk`` buffer are.
            sampling: what is uniform: ``steps``, ``episodes`` or ``tasks``.
            device: where batches are wanted; by default where the rows are.
            feature_stack: features F of pictures per observation in a batch, the newest and those
                before it. Episodes need features unless it is 0; each is stored once.
            restoring: whether :meth:`load_state_dict` follows, which can do without an intact
                table of episodes.
            private: whether the files of a ``disk`` buffer stay as they are, whatever is changed.

        Raises:
            ConfigError: if a setting is out of range.
            RunFolderError: if the folder holds a buffer of another shape or is damaged.
        """
        if capacity < MIN_CAPACITY:
            raise ConfigError(f"replay capacity is {capacity}: it must be {MIN_CAPACITY} or more.")
        self.capacity = capacity
        self.sampling = check_sampling(sampling)
        self.feature_stack = feature_stack
        self._storage = open_storage(
            storage, capacity, folder, features=feature_stack > 0, private=private
        )
        # An empty tensor knows its device in full: "cuda" becomes "cuda:0".
        self.device = torch.empty(0, device=device or self._storage.device).device
        self._ledger = Ledger(self._storage, folder)
        if not restoring:
            self._ledger.require_table()
        # Derived from the table: what can be drawn, the steps stored, the row to write next.
        self._index = StartIndex()
        self._num_steps = 0
        self._cursor = 0
        if self._ledger.is_sound:
            self._rebuild()

    @property
    def num_episodes(self) -> int:
        """Episodes stored."""
        return len(self._ledger.table)

    @property
    def damaged_episodes(self) -> int:
        """Episodes that were left out because they were damaged, since the run began."""
        return self._ledger.damaged_episodes

    @property
    def num_steps(self) -> int:
        """Steps stored, summed over the episodes."""
        return self._num_steps

    def add(self, episode: Episode) -> None:
        """Store an episode, forgetting the oldest ones where it needs their rows.

        Raises:
            ConfigError: if the arrays do not fit together, or not into the buffer.
            EnvironmentFailure: if a value is not finite.
            RunFolderError: if the disk is full; the buffer is unchanged.
        """
        check_episode(episode, self.capacity, features=self.feature_stack > 0)
        length = len(episode.reward)
        rows = length + 1
        wraps = self._cursor + rows > self.capacity
        start = 0 if wraps else self._cursor
        self._storage.reserve(start, rows, self._ledger.table.next_slot)

        # Each line leaves a true table behind: first the rows are given up, then written,
        # then declared.
        if wraps:
            self._evict(self._cursor, self.capacity)
        self._evict(start, start + rows)
        self._storage.write(start, episode)
        self._ledger.append(start, length, episode.task)

        self._index.add(start, length, episode.task)
        self._num_steps += length
        self._cursor = start + rows

    def sample(self, batch_size: int, horizon: int, generator: torch.Generator) -> Batch:
        """Draw ``batch_size`` subsequences of ``horizon`` steps, with replacement.

        Args:
            batch_size: B.
            horizon: H; the observations are H + 1.
            generator: CPU generator that all randomness comes from.

        Returns:
            The batch, on ``self.device``.

        Raises:
            ConfigError: if nothing is stored, or every episode is shorter than ``horizon``.
        """
        if batch_size < 1 or horizon < 1:
            raise ConfigError(
                f"batch size {batch_size}, horizon {horizon}: both must be 1 or more."
            )
        draw = self._index.draw(batch_size, horizon, self.sampling, generator)
        steps = np.arange(horizon + 1)[:, None] + draw.offset
        rows = on_device(torch.from_numpy(draw.episode + steps), self._storage.device)
        return Batch(
            obs=self._gather(self._storage.obs, rows),
            action=self._gather(self._storage.action, rows[:-1]),
            reward=self._gather(self._storage.reward, rows[:-1]),
            task=on_device(torch.from_numpy(draw.task), self.device),
            features=self._gather_features(draw.episode, steps),
        )

    def episodes(self) -> Iterator[Episode]:
        """Yield copies of what is stored, oldest episode first."""
        stored = self._storage
        for entry in self._ledger.table:
            rows = slice(entry.start, entry.start + entry.length + 1)
            steps = slice(entry.start, entry.start + entry.length)
            features = None if stored.features is None else stored.features[rows].cpu().numpy()
            yield Episode(
                entry.task,
                stored.obs[rows].cpu().numpy().copy(),
                stored.action[steps].cpu().numpy().copy(),
                stored.reward[steps].cpu().numpy().copy(),
                None if features is None else features.copy(),
            )

    def clear(self) -> None:
        """Forget everything, on disk too."""
        self._ledger.clear()
        self._rebuild()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs to know; the rows stay where they are."""
        shape = {"version": FORMAT_VERSION, "capacity": self.capacity}
        return {**shape, **self._ledger.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to the episodes stored when ``state`` was taken.

        Episodes added later are dropped. Those that they displaced are gone, and those whose rows
        are damaged are left out, with a warning; a buffer that is not on disk is empty after a
        restart. Restore an older checkpoint only to go on from it: what newer checkpoints count
        on is given up.

        Raises:
            CheckpointError: if the state is not of a buffer like this one.
            RunFolderError: if nothing is left of what the state counts on.
        """
        for key, mine in {"version": FORMAT_VERSION, "capacity": self.capacity}.items():
            if state.get(key) != mine:
                raise CheckpointError(
                    f"the checkpoint's replay buffer has {key} {state.get(key)}, this one "
                    f"{mine}. Resume with the settings the run was started with."
                )
        self._ledger.load_state_dict(state)
        self._rebuild()

    def _rebuild(self) -> None:
        """Derive what is kept in memory from the table."""
        self._index = StartIndex()
        self._num_steps = 0
        self._cursor = 0
        for entry in self._ledger.table:
            self._index.add(entry.start, entry.length, entry.task)
            self._num_steps += entry.length
            self._cursor = entry.start + entry.length + 1

    def _evict(self, first: int, end: int) -> None:
        """Forget the oldest episodes as long as they begin in rows [first, end)."""
        # The oldest episode is the first one after the cursor, so nothing younger is met and
        # no episode reaches into these rows from before them.
        table = self._ledger.table
        while table and first <= (oldest := table.peek_oldest()).start < end:
            self._ledger.drop_oldest()
            self._index.remove_oldest(oldest.length, oldest.task)
            self._num_steps -= oldest.length

    def _gather_features(self, episode: IntArray, steps: IntArray) -> torch.Tensor | None:
        """Return the features [H + 1, B, F · D] up to some steps [H + 1, B] of episodes [B]."""
        if self._storage.features is None:
            return None
        # Before an episode's first picture there is only that one, as while acting.
        ages = np.arange(self.feature_stack - 1, -1, -1)
        stacked = np.maximum(steps[..., None] - ages, 0) + episode[:, None]
        rows = on_device(torch.from_numpy(stacked), self._storage.device)
        return self._gather(self._storage.features, rows).flatten(-2)

    def _gather(self, column: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return ``column[rows]`` on the batch's device."""
        # Pinned memory lets the copy to a GPU run beside the CPU's next work.
        pin = self.device.type == "cuda" and column.device.type == "cpu"
        shape = (rows.numel(), *column.shape[1:])
        taken = torch.empty(shape, dtype=column.dtype, device=column.device, pin_memory=pin)
        torch.index_select(column, 0, rows.reshape(-1), out=taken)
        return taken.view(*rows.shape, *column.shape[1:]).to(self.device, non_blocking=True)
