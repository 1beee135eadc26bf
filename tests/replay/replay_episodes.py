"""Episodes whose every value says where it belongs, and a process that keeps writing them.

Run as ``python replay_episodes.py FOLDER CAPACITY FIRST`` it adds episodes FIRST, FIRST + 1, …
to the buffer in FOLDER until it is killed, after a line on standard output that it has begun.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import numpy as np
import torch

from newt_core.replay import Batch, ReplayBuffer
from newt_core.types import ACTION_DIM, STATE_DIM, Episode

TASKS = 5
_LAST_OBS = STATE_DIM - 1
_LAST_ACTION = ACTION_DIM - 1


def make_episode(number: int, length: int, task: int | None = None) -> Episode:
    """Return episode ``number``: all its values are functions of (number, step)."""
    steps = np.arange(length + 1, dtype=np.float32)
    obs = np.empty((length + 1, STATE_DIM), np.float32)
    obs[:] = _checksum(number, steps)[:, None]
    obs[:, 0] = number
    obs[:, 1] = steps
    action = np.empty((length, ACTION_DIM), np.float32)
    action[:] = _checksum(number, steps[:-1])[:, None]
    action[:, 0] = number
    action[:, 1] = steps[:-1]
    reward = _checksum(number, steps[:-1]) + 1
    return Episode(number % TASKS if task is None else task, obs, action, reward)


def assert_intact(batch: Batch) -> None:
    """Check that each subsequence of ``batch`` is a piece of one episode of make_episode."""
    horizon, batch_size = batch.reward.shape
    number, step = batch.obs[0, :, 0], batch.obs[0, :, 1]
    expected_steps = step + torch.arange(horizon + 1)[:, None]
    checksum = torch.from_numpy(_checksum(number.numpy(), expected_steps.numpy()))
    assert batch.obs.shape == (horizon + 1, batch_size, STATE_DIM)
    assert torch.equal(batch.obs[:, :, 0], number.expand(horizon + 1, -1))
    assert torch.equal(batch.obs[:, :, 1], expected_steps)
    assert torch.equal(batch.obs[:, :, 2:], checksum[..., None].expand(-1, -1, _LAST_OBS - 1))
    assert torch.equal(batch.action[:, :, 0], number.expand(horizon, -1))
    assert torch.equal(batch.action[:, :, 1], expected_steps[:-1])
    assert torch.equal(
        batch.action[:, :, 2:], checksum[:-1, :, None].expand(-1, -1, _LAST_ACTION - 1)
    )
    assert torch.equal(batch.reward, checksum[:-1] + 1)
    assert torch.equal(batch.task, number.long() % TASKS)


def stored_numbers(buffer: ReplayBuffer) -> list[int]:
    """Return the numbers of the episodes that can be drawn, by drawing until none is new."""
    generator = torch.Generator().manual_seed(0)
    if buffer.num_episodes == 0:
        return []
    draws = 40 * buffer.num_steps
    return buffer.sample(draws, 1, generator).obs[0, :, 0].long().unique().tolist()


def kill_length(number: int) -> int:
    """Return the length of episode ``number`` of the writing process."""
    return 20 + (number * 37) % 181


def _checksum(number: np.ndarray | int, steps: np.ndarray) -> np.ndarray:
    return np.asarray((np.asarray(number) * 31 + steps * 7) % 9973, np.float32)


def _write_for_ever(folder: Path, capacity: int, first: int) -> None:
    buffer = ReplayBuffer(capacity, storage="disk", folder=folder)
    print("writing", flush=True)
    for number in count(first):
        buffer.add(make_episode(number, kill_length(number)))


if __name__ == "__main__":
    _write_for_ever(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
