"""Which subsequences can be drawn, and how to draw them without looking at every row.

A subsequence of horizon H inside an episode of T steps can start at T - H + 1 places. Episodes
of the same task and length therefore have equally many valid starts, so the index keeps them
in *groups*: one queue of first rows per (task, length). There are about as many groups as
tasks, however full the buffer is, and a draw is arithmetic on their sizes: pick a group, then
one of its episodes, then a start. Nothing is rejected and nothing depends on the fill.

Episodes leave a buffer in the order in which they came, hence they also leave each group in
that order: a group is a circular queue, and adding and removing cost O(1).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from newt_core.errors import ConfigError, did_you_mean
from newt_core.types import IntArray

Sampling = Literal["steps", "episodes", "tasks"]
"""What is uniform. ``steps``: every valid start. ``episodes``: an episode first, then a start
inside it, so that tasks with short episodes are drawn more often. ``tasks``: a task first,
then any valid start of that task."""

SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)

_FIRST_ROOM = 8
"""Queue places a new group starts with; a power of two, doubled when a queue is full."""


def check_sampling(name: str) -> Sampling:
    """Return ``name`` if it is a way of sampling.

    Raises:
        ConfigError: if it is not.
    """
    for choice in SAMPLINGS:
        if name == choice:
            return choice
    raise ConfigError(
        f"sampling '{name}' is unknown: use {', '.join(SAMPLINGS)}.{did_you_mean(name, SAMPLINGS)}"
    )


class Draw(NamedTuple):
    """Subsequences that were drawn."""

    episode: IntArray
    """[B] first row of the episode that each lies in."""
    offset: IntArray
    """[B] its first step within that episode."""
    task: IntArray
    """[B] the episode's task."""


class StartIndex:
    """The first rows of all stored episodes, grouped by task and length."""

    def __init__(self) -> None:
        self._group_of: dict[tuple[int, int], int] = {}
        # One entry per group. The queue of group g is a circle of `_room[g]` places of the
        # arena from `_base[g]` on; its oldest of `_count[g]` members is at place `_head[g]`.
        self._task = np.zeros(0, np.int64)
        self._length = np.zeros(0, np.int64)
        self._count = np.zeros(0, np.int64)
        self._head = np.zeros(0, np.int64)
        self._base = np.zeros(0, np.int64)
        self._room = np.zeros(0, np.int64)
        # Groups by task and length: draws depend on what is stored, not on what once was, so
        # that a resumed run draws what the uninterrupted one would have drawn.
        self._order = np.zeros(0, np.int64)
        self._arena = np.zeros(1024, np.int64)
        self._arena_used = 0

    def add(self, start: int, length: int, task: int) -> None:
        """Add the episode of ``length`` steps whose first row is ``start``."""
        group = self._group_of.get((task, length))
        if group is None:
            group = self._new_group(task, length)
        if self._count[group] == self._room[group]:
            self._double_room(group)
        place = (self._head[group] + self._count[group]) % self._room[group]
        self._arena[self._base[group] + place] = start
        self._count[group] += 1

    def remove_oldest(self, length: int, task: int) -> None:
        """Remove the episode of this length and task that was added first."""
        group = self._group_of[task, length]
        self._head[group] = (self._head[group] + 1) % self._room[group]
        self._count[group] -= 1

    def draw(
        self, batch_size: int, horizon: int, sampling: Sampling, generator: torch.Generator
    ) -> Draw:
        """Draw ``batch_size`` starts, independently and with replacement.

        Raises:
            ConfigError: if nothing is stored, or every episode is shorter than ``horizon``.
        """
        task, count = self._task[self._order], self._count[self._order]
        # Valid starts in each episode of a group; 0 where its episodes are too short.
        spans = np.maximum(self._length[self._order] - horizon + 1, 0)
        starts = count * spans
        if not np.any(starts):
            self._refuse(horizon)

        if sampling == "steps":
            tickets = _below(np.full(batch_size, starts.sum()), generator)
            group, ticket = _locate(starts, tickets)
            member, offset = np.divmod(ticket, spans[group])
        elif sampling == "episodes":
            episodes = count * (spans > 0)
            tickets = _below(np.full(batch_size, episodes.sum()), generator)
            group, member = _locate(episodes, tickets)
            offset = _below(spans[group], generator)
        else:
            # A task's groups are neighbours, so it owns one run of the tickets to all starts.
            first_group = np.flatnonzero(np.diff(task, prepend=-1))
            task_starts = np.add.reduceat(starts, first_group)
            first_ticket = np.cumsum(task_starts) - task_starts
            present = np.flatnonzero(task_starts)
            chosen = present[_below(np.full(batch_size, len(present)), generator)]
            tickets = first_ticket[chosen] + _below(task_starts[chosen], generator)
            group, ticket = _locate(starts, tickets)
            member, offset = np.divmod(ticket, spans[group])

        group = self._order[group]
        place = (self._head[group] + member) % self._room[group]
        return Draw(self._arena[self._base[group] + place], offset, self._task[group])

    def _new_group(self, task: int, length: int) -> int:
        group = len(self._group_of)
        self._group_of[task, length] = group
        self._task = np.append(self._task, task)
        self._length = np.append(self._length, length)
        self._count = np.append(self._count, 0)
        self._head = np.append(self._head, 0)
        self._base = np.append(self._base, self._claim(_FIRST_ROOM))
        self._room = np.append(self._room, _FIRST_ROOM)
        self._order = np.lexsort((self._length, self._task))
        return group

    def _double_room(self, group: int) -> None:
        """Move a full queue, oldest first, to a place twice as large."""
        room = int(self._room[group])
        queue = self._arena[self._base[group] : self._base[group] + room]
        in_order = np.roll(queue, -int(self._head[group]))
        # The old place is not used again. As rooms double, all that a group leaves behind is
        # together smaller than its present room.
        base = self._claim(2 * room)
        self._arena[base : base + room] = in_order
        self._base[group], self._room[group], self._head[group] = base, 2 * room, 0

    def _claim(self, room: int) -> int:
        """Return the first of ``room`` unused places of the arena, enlarging it if needed."""
        base = self._arena_used
        self._arena_used += room
        if self._arena_used > len(self._arena):
            larger = np.zeros(2 * self._arena_used, np.int64)
            larger[:base] = self._arena[:base]
            self._arena = larger
        return base

    def _refuse(self, horizon: int) -> None:
        if not np.any(self._count):
            raise ConfigError("the replay buffer is empty: add an episode before sampling.")
        longest = int(self._length[self._count > 0].max())
        raise ConfigError(
            f"horizon {horizon} is longer than every stored episode: "
            f"the longest has {longest} steps, so use a horizon of at most {longest}."
        )


def _below(bounds: NDArray[np.int64], generator: torch.Generator) -> IntArray:
    """Draw one integer from [0, bound) for each bound.

    53 random bits per draw: for up to 10 million starts, no start is favoured by more than
    one part in 10^8 (``torch.randint`` takes 32 bits modulo the bound: one part in 400).
    """
    uniform = torch.rand(len(bounds), generator=generator, dtype=torch.float64).numpy()
    return (uniform * bounds).astype(np.int64)


def _locate(sizes: IntArray, tickets: IntArray) -> tuple[IntArray, IntArray]:
    """Number consecutive items through in blocks of ``sizes``: return block and item inside."""
    ends = np.cumsum(sizes)
    block = np.searchsorted(ends, tickets, side="right")
    return block, tickets - (ends[block] - sizes[block])
