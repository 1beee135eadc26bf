"""A ring of transitions: windows of n steps, ends, full rings, lost steps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from newt_core.agents.off_policy.ring import Ring
from newt_core.types import ACTION_DIM, STATE_DIM

CPU = torch.device("cpu")
DISCOUNT = torch.tensor([0.9, 0.5])


def ring(size: int = 12) -> Ring:
    return Ring(torch.tensor([0, 1]), size, CPU)


def step(number: int, *, end: tuple[bool, bool] = (False, False)) -> dict[str, Tensor]:
    """Step ``number``: leads from state ``number`` to the next, and pays 10 ** number."""
    return {
        "state": torch.full((2, STATE_DIM), float(number)),
        "action": torch.full((2, ACTION_DIM), number / 100),
        "reward": torch.tensor([10.0**number, 1.0]),
        "next_state": torch.full((2, STATE_DIM), number + 1.0),
        "end": torch.tensor(end),
    }


REAL = torch.ones(2, dtype=torch.bool)


def drawn(memory: Ring, n_step: int, env: int = 0) -> dict[float, Any]:
    """All windows of an environment: its first state → reward, last state, discount."""
    found = memory.sample(300, n_step, DISCOUNT, torch.Generator().manual_seed(0))
    here = found.task == env
    rows = (found.state[:, 0], found.reward, found.next_state[:, 0], found.discount)
    first, *rest = (each[here].tolist() for each in rows)
    return dict(zip(first, zip(*rest, strict=True), strict=True))


def test_one_step_is_a_transition_as_it_was_stored():
    memory = ring()
    for number in range(4):
        memory.add(step(number, end=(number == 2, False)), REAL)
    expected = {float(k): (10.0**k, k + 1.0, pytest.approx(0.9)) for k in range(4)}
    assert drawn(memory, 1) == expected


def test_rewards_are_summed_up_to_the_episodes_end():
    memory = ring()
    for number in range(5):
        memory.add(step(number, end=(number == 2, False)), REAL)
    assert drawn(memory, 3) == {
        0.0: (pytest.approx(1 + 0.9 * 10 + 0.81 * 100), 3.0, pytest.approx(0.9**3)),
        1.0: (pytest.approx(10 + 0.9 * 100), 3.0, pytest.approx(0.9**2)),
        2.0: (pytest.approx(100), 3.0, pytest.approx(0.9)),
    }
    other = drawn(memory, 3, env=1)
    assert set(other) == {0.0, 1.0, 2.0}
    assert other[2.0] == (pytest.approx(1.75), 5.0, pytest.approx(0.125))


def test_of_a_full_ring_the_newest_transition_counts_as_an_end():
    memory = ring(4)
    for number in range(6):
        memory.add(step(number), REAL)
    found = drawn(memory, 3)
    assert set(found) == {2.0, 3.0, 4.0, 5.0}
    assert found[2.0] == (pytest.approx(100 + 900 + 8100), 5.0, pytest.approx(0.9**3))
    assert found[4.0] == (pytest.approx(10_000 + 90_000), 6.0, pytest.approx(0.81))
    assert found[5.0] == (pytest.approx(100_000), 6.0, pytest.approx(0.9))


def test_as_many_come_of_each_environment():
    memory = ring()
    for number in range(9):
        memory.add(step(number), torch.tensor([True, number < 3]))
    found = memory.sample(7, 2, DISCOUNT, torch.Generator())
    assert found.task.tolist() == [0] * 7 + [1] * 7
    assert found.state.shape == (14, STATE_DIM)
    assert float(found.state[7:, 0].max()) <= 1.0


def test_a_lost_step_is_not_stored_and_ends_the_episode_before_it():
    memory = ring()
    for number in range(2):
        memory.add(step(number), REAL)
    memory.add(step(7), torch.tensor([False, True]))
    for number in (3, 4):
        memory.add(step(number), REAL)
    found = drawn(memory, 2)
    assert set(found) == {0.0, 1.0, 3.0}
    assert found[1.0] == (pytest.approx(10.0), 2.0, pytest.approx(0.9))


def test_nothing_is_drawn_before_there_is_a_whole_window_everywhere():
    memory = ring()
    for number in range(3):
        memory.add(step(number), torch.tensor([True, number > 0]))
    assert memory.can_sample(2)
    assert not memory.can_sample(3)


def test_what_is_saved_comes_back_and_goes_on_alike():
    one, other = ring(4), ring(4)
    for number in range(5):
        one.add(step(number, end=(number == 3, False)), REAL)
    other.add(step(9), REAL)
    other.load_state_dict({k: v.clone() for k, v in one.state_dict().items()})
    for memory in (one, other):
        memory.add(step(6), REAL)
    assert drawn(one, 3) == drawn(other, 3)
    unsaved = Ring(torch.tensor([0, 1]), 4, CPU, saved=False)
    unsaved.add(step(1), REAL)
    assert unsaved.state_dict() == {}
    other.load_state_dict({})  # of a run whose rings were not saved


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux alone says so there")
def test_memory_is_taken_as_a_ring_fills():
    before = resident()
    made = Ring(torch.zeros(100, dtype=torch.int64), 10_000, CPU)
    assert resident() - before < 100e6, "it would be 1.1 GB"
    assert made.filled.tolist() == [0] * 100


def resident() -> float:
    """Bytes of memory that this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
