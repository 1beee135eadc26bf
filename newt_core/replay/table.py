"""The table of stored episodes, written so that a kill leaves it true.

Each episode has one entry of four integers. Its sequence number says that the entry is valid;
it is written last when an episode is stored, cleared first when the episode's rows are about
to be reused, and each of these is a single aligned 8-byte store. When the entries are a
memory-mapped file, a process killed at any moment leaves entries of intact episodes only:
what it had written is in the kernel's page cache. (A machine that loses power is another
matter: the kernel writes pages to the disk in an order of its own.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from newt_core.types import IntArray

ENTRY_FIELDS = 4
"""sequence, start, length, task: the integers of one entry."""
_SEQUENCE = 0


class Entry(NamedTuple):
    """Where one episode lies."""

    sequence: int
    """Position in the order of arrival, from 1; 0 in the file marks a free entry."""
    start: int
    """Row of its first observation."""
    length: int
    """Its steps; it occupies ``length + 1`` rows."""
    task: int


def max_episodes(capacity: int) -> int:
    """Return how many episodes fit in ``capacity`` rows: the shortest takes two."""
    return max(1, capacity // 2)


class EpisodeTable:
    """A queue of entries in arrival order, over an array used as a ring.

    The entry of sequence number s is at ``entries[s % len(entries)]``; the valid ones always
    have consecutive sequence numbers.
    """

    def __init__(self, entries: IntArray) -> None:
        """Take over ``entries`` [max_episodes, 4], with whatever valid entries it holds."""
        self._entries = entries
        sequences = entries[:, _SEQUENCE]
        valid = sequences[sequences != 0]
        self.oldest = int(valid.min()) if len(valid) else 1
        """Sequence number of the oldest entry, if there is one."""
        self.next = int(valid.max()) + 1 if len(valid) else 1
        """Sequence number that the next episode gets."""

    def __len__(self) -> int:
        return self.next - self.oldest

    @property
    def next_slot(self) -> int:
        """Place in the ring that the next episode's entry gets."""
        return self.next % len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries, oldest first."""
        for sequence in range(self.oldest, self.next):
            yield self._entry(sequence)

    def append(self, start: int, length: int, task: int) -> None:
        """Declare an episode, whose rows must be complete by now."""
        entry = self._entries[self.next_slot]
        entry[1:] = (start, length, task)
        entry[_SEQUENCE] = self.next
        self.next += 1

    def peek_oldest(self) -> Entry:
        """Return the oldest entry; there must be one."""
        return self._entry(self.oldest)

    def drop_oldest(self) -> None:
        """Forget the oldest episode, before its rows are written over."""
        self._clear(self.oldest)
        self.oldest += 1

    def rewind(self, next_sequence: int) -> None:
        """Forget every episode from ``next_sequence`` on, and count on from there."""
        # Newest first: what remains is consecutive at every moment.
        while self and self.next > next_sequence:
            self._clear(self.next - 1)
            self.next -= 1
        if not self:
            self.oldest = self.next = next_sequence

    def replace(self, first: int, entries: Iterable[tuple[int, int, int]]) -> None:
        """Hold other episodes from now on: (start, length, task) each, oldest first.

        Args:
            first: the sequence number of the oldest.
            entries: of each episode.
        """
        # Nothing is stored into free entries: the file's holes stay holes.
        self._entries[np.flatnonzero(self._entries[:, _SEQUENCE]), _SEQUENCE] = 0
        self.oldest = self.next = first
        for start, length, task in entries:
            self.append(start, length, task)

    def clear(self) -> None:
        """Be as in the beginning."""
        self._entries[np.flatnonzero(self._entries.any(axis=1))] = 0
        self.oldest = self.next = 1

    def was_used(self) -> bool:
        """Whether there has ever been an entry: what is forgotten leaves its place behind."""
        return bool(self._entries.any())

    def is_consistent(self, capacity: int) -> bool:
        """Whether the entries are consecutive episodes that lie in ``capacity`` rows."""
        # Of damaged entries, the number of episodes may be beyond what len() can return.
        if not 0 < self.oldest <= self.next <= self.oldest + len(self._entries):
            return False
        return all(
            entry.sequence == sequence
            and entry.length >= 1
            and entry.task >= 0
            and 0 <= entry.start <= capacity - entry.length - 1
            for sequence, entry in enumerate(self, start=self.oldest)
        )

    def _entry(self, sequence: int) -> Entry:
        return Entry(*self._entries[sequence % len(self._entries)].tolist())

    def _clear(self, sequence: int) -> None:
        self._entries[sequence % len(self._entries), _SEQUENCE] = 0
