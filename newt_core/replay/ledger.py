"""Which episodes a buffer holds, and whether those of a checkpoint are still as they were written.

A checkpoint keeps where every episode lay and the checksum of its rows. Going back to it therefore
needs neither the table of episodes on disk nor trust in the files: rows that match are taken, and
nothing else is.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from newt_core.errors import CheckpointError, RunFolderError
from newt_core.replay.storage import HEADER, OR_WITHOUT, Storage
from newt_core.replay.table import EpisodeTable

EPISODES = "episodes"
"""In a buffer's state: [n, 4] start, length, task and checksum of each episode, oldest first; None
for a buffer in memory. States of older versions do not have it."""
_NEXT = "next_sequence"
_DAMAGED = "damaged_episodes"


class Ledger:
    """The table of episodes, with a checksum of each that lies on disk.

    Args:
        storage: the rows.
        folder: where they are, for messages; None in memory.
    """

    def __init__(self, storage: Storage, folder: Path | None) -> None:
        self._storage = storage
        self._folder = folder
        self.table = EpisodeTable(storage.entries)
        """The episodes."""
        self.is_sound = self.table.is_consistent(len(storage.obs))
        """Whether the table can be what was written."""
        self.damaged_episodes = 0
        """Episodes that were left out because they were damaged, since the run began."""
        self._checksums: dict[int, int] = {}
        """Sequence number → checksum of the rows, where that is known."""

    def require_table(self) -> None:
        """Return if the table is sound.

        Raises:
            RunFolderError: it is damaged.
        """
        if not self.is_sound:
            raise RunFolderError(
                f"{self._folder}: the replay's table of episodes is damaged. "
                f"Put back what was there{OR_WITHOUT}."
            )

    def append(self, start: int, length: int, task: int) -> None:
        """Declare an episode, whose rows must be complete by now."""
        if self._storage.lasts:
            self._checksums[self.table.next] = self._storage.checksum(start, length)
        self.table.append(start, length, task)

    def drop_oldest(self) -> None:
        """Forget the oldest episode, before its rows are written over."""
        self._checksums.pop(self.table.oldest, None)
        self.table.drop_oldest()

    def clear(self) -> None:
        """Forget everything."""
        self.table.clear()
        self._checksums.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the episodes."""
        return {
            _NEXT: self.table.next,
            _DAMAGED: self.damaged_episodes,
            EPISODES: self._list() if self._storage.lasts else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to the episodes of a checkpoint, as far as they are still there.

        Raises:
            CheckpointError: an episode lies outside the rows.
            RunFolderError: nothing is left of them.
        """
        self.damaged_episodes = int(state.get(_DAMAGED, 0))
        saved, next_sequence = state.get(EPISODES), int(state[_NEXT])
        if not self._storage.lasts or EPISODES not in state:
            self._rewind(next_sequence)
        elif saved is None:  # They were in memory.
            self.table.replace(next_sequence, ())
            self._checksums.clear()
        else:
            self._restore(saved, next_sequence)
        self.is_sound = True

    def _rewind(self, next_sequence: int) -> None:
        """Forget what came after a checkpoint that does not say what came before."""
        self.require_table()
        if self._storage.lasts and next_sequence > 1:
            if not self.table.was_used():
                raise self._nothing_left(next_sequence - 1)
            warnings.warn(
                f"{self._folder} was written by an older Newt, without checksums: its episodes are "
                "taken as they are",
                stacklevel=4,
            )
        self.table.rewind(next_sequence)

    def _restore(self, saved: torch.Tensor, next_sequence: int) -> None:
        """Take back the episodes of a checkpoint whose rows match."""
        found = self._compared(saved, next_sequence)
        if found.damaged and not found.episodes:
            raise self._nothing_left(found.damaged)
        self.table.replace(found.first, found.episodes)
        self._checksums = dict(enumerate(found.checksums, found.first))
        self.damaged_episodes += found.damaged
        of_all = f"of {len(saved):,} episodes in {self._folder}"
        if found.overwritten:
            warnings.warn(
                f"{found.overwritten:,} {of_all} made room for newer ones after the checkpoint, "
                "and are gone",
                stacklevel=4,
            )
        if found.damaged:
            warnings.warn(f"{found.damaged:,} {of_all} are damaged and were left out", stacklevel=4)

    def _compared(self, saved: torch.Tensor, next_sequence: int) -> _Found:
        """Compare the episodes of a checkpoint with what the rows hold now."""
        capacity, first = len(self._storage.obs), next_sequence - len(saved)
        episodes: list[tuple[int, int, int]] = []
        checksums: list[int] = []
        overwritten = damaged = 0
        for sequence, (start, length, task, checksum) in enumerate(saved.tolist(), first):
            if start < 0 or length < 1 or task < 0 or start + length + 1 > capacity:
                raise CheckpointError("the checkpoint's list of episodes does not fit the replay.")
            if self._storage.checksum(start, length) == checksum:
                episodes.append((start, length, task))
                checksums.append(checksum)
            elif self._made_room(sequence, next_sequence):
                overwritten += 1
            else:
                damaged += 1
        return _Found(episodes, checksums, first + overwritten, damaged, overwritten)

    def _made_room(self, sequence: int, next_sequence: int) -> bool:
        """Return whether an episode is gone because the run went on after the checkpoint."""
        if not self.is_sound:
            return False
        if not self.table:  # A table that is all zero was emptied by somebody else.
            return self.table.was_used()
        return sequence < self.table.oldest and self.table.next >= next_sequence

    def _nothing_left(self, episodes: int) -> RunFolderError:
        return RunFolderError(
            f"{self._folder} was emptied or is another run's: nothing is left of the {episodes:,} "
            f"episodes that the checkpoint counts on.\nPut them back{OR_WITHOUT}."
        )

    def _list(self) -> torch.Tensor:
        """Return where every episode lies, and its checksum: see :data:`EPISODES`."""
        rows = []
        for sequence, start, length, task in self.table:
            if sequence not in self._checksums:  # It came with the folder.
                self._checksums[sequence] = self._storage.checksum(start, length)
            rows.append((start, length, task, self._checksums[sequence]))
        return torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)


class _Found(NamedTuple):
    """What is left of the episodes of a checkpoint."""

    episodes: list[tuple[int, int, int]]
    """Start, length and task of those that match, oldest first."""
    checksums: list[int]
    first: int
    """Sequence number of the oldest of them."""
    damaged: int
    """Episodes whose rows are not what was written."""
    overwritten: int
    """Episodes that made room for others since the checkpoint."""


def require_replay(folder: Path, state: Mapping[str, Any], checkpoint: Path) -> None:
    """Return if the replay on disk that a checkpoint counts on is there.

    Args:
        folder: of the replay.
        state: of the replay in the checkpoint.
        checkpoint: for the message.

    Raises:
        RunFolderError: it is not.
    """
    counted = state.get(EPISODES, range(int(state.get(_NEXT, 1)) - 1))
    if counted is None or not len(counted) or (folder / HEADER).is_file():
        return
    missing = folder / HEADER if folder.is_dir() else folder
    raise RunFolderError(
        f"{missing} is missing, and {checkpoint} counts on {len(counted):,} episodes there.\n"
        f"Put it back{OR_WITHOUT}, or begin another run with what was learned: --run NAME "
        f"--pretrained {checkpoint}."
    )
