"""Draws are uniform over what each way of sampling says."""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
import pytest
import torch

from newt_core.errors import ConfigError
from newt_core.replay.index import SAMPLINGS, StartIndex, check_sampling
from newt_core.replay.table import ENTRY_FIELDS, EpisodeTable

HORIZON = 3
# (task, length) of the episodes: tasks of one and of several lengths, some too short.
EPISODES = [(0, 25), (0, 25), (0, 10), (1, 5), (2, 2), (3, 3), (1, 40), (4, 3), (4, 7), (0, 10)]


def build(episodes: list[tuple[int, int]], evicted: int = 0) -> tuple[StartIndex, dict]:
    """Return the index, and row → (episode, task, length) of each valid start."""
    index, first_row, valid = StartIndex(), 0, {}
    for number, (task, length) in enumerate(episodes):
        index.add(first_row, length, task)
        if number >= evicted:
            for offset in range(length - HORIZON + 1):
                valid[first_row + offset] = (number, task, length)
        first_row += length + 1
    for task, length in episodes[:evicted]:
        index.remove_oldest(length, task)
    return index, valid


def expected_share(valid: dict, sampling: str) -> dict[int, float]:
    """Return the probability of each valid start, from the definition of the sampling."""
    kind = {"steps": None, "episodes": 0, "tasks": 1}[sampling]
    if kind is None:
        return dict.fromkeys(valid, 1 / len(valid))
    starts_of = Counter(owner[kind] for owner in valid.values())
    return {row: 1 / len(starts_of) / starts_of[owner[kind]] for row, owner in valid.items()}


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("evicted", [0, 4])
def test_draws_are_uniform(sampling: str, evicted: int) -> None:
    index, valid = build(EPISODES, evicted)
    draws = 200_000
    drawn = index.draw(draws, HORIZON, check_sampling(sampling), torch.Generator().manual_seed(5))
    rows, tasks = drawn.episode + drawn.offset, drawn.task
    found = Counter(rows.tolist())
    assert found.keys() == valid.keys()
    assert all(valid[row][1] == task for row, task in zip(rows.tolist(), tasks, strict=True))
    share = expected_share(valid, sampling)
    chi_square = sum(
        (found[row] - draws * probability) ** 2 / (draws * probability)
        for row, probability in share.items()
    )
    freedom = len(share) - 1
    # Mean and standard deviation of a chi-square variable are f and sqrt(2 f).
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def test_the_default_gives_tasks_with_equal_steps_equal_shares() -> None:
    # Task 0: 40 episodes of 25 steps; task 1: one of 1,000. Drawing an episode first all but
    # forgets task 1.
    index, _ = build([(0, 25)] * 40 + [(1, 1000)])
    generator = torch.Generator().manual_seed(0)
    by_steps = index.draw(20_000, 1, "steps", generator).task
    by_episodes = index.draw(20_000, 1, "episodes", generator).task
    by_tasks = index.draw(20_000, 1, "tasks", generator).task
    assert by_steps.mean() == pytest.approx(0.5, abs=0.02)
    assert by_episodes.mean() == pytest.approx(1 / 41, abs=0.01)
    assert by_tasks.mean() == pytest.approx(0.5, abs=0.02)


def test_queues_keep_the_right_episodes_through_growth_and_wrapping() -> None:
    random = np.random.default_rng(2)
    index = StartIndex()
    model: deque[tuple[int, int, int]] = deque()
    generator = torch.Generator().manual_seed(2)
    for first_row in range(0, 40_000, 10):
        episode = (first_row, int(random.integers(1, 4)), int(random.integers(0, 3)))
        index.add(*episode)
        model.append(episode)
        while len(model) > 100 + first_row // 200 or (model and random.random() < 0.3):
            _, length, task = model.popleft()
            index.remove_oldest(length, task)
        if first_row % 5_000 == 0 and model:
            drawn = index.draw(8_000, 1, "steps", generator)
            rows, tasks = drawn.episode + drawn.offset, drawn.task
            starts = {(first + i, task) for first, length, task in model for i in range(length)}
            assert set(zip(rows.tolist(), tasks.tolist(), strict=True)) == starts


def test_unknown_sampling_is_named() -> None:
    with pytest.raises(ConfigError, match=r"use steps, episodes, tasks\. Did you mean 'tasks'"):
        check_sampling("task")


def test_the_last_row_of_an_episode_has_to_lie_in_the_buffer():
    # An episode of 3 steps has 4 rows, so the last place for it in 10 rows is row 6.
    for start, fits in ((6, True), (7, False)):
        table = EpisodeTable(np.zeros((4, ENTRY_FIELDS), np.int64))
        table.append(start, 3, 0)
        assert table.is_consistent(10) is fits
