"""How fast a run is by now, and the episodes that ended lately."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from newt_core.training import recent
from newt_core.training.recent import RecentEpisodes, Speed
from newt_core.types import Transitions


def test_speed_counts_the_steps_since_it_went_on_and_no_pause(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: now[0])
    speed = Speed()
    speed.go_on(100)  # a run that goes on has steps already
    now[0] = 2.0
    assert speed.rate(120) == 10.0
    speed.pause(120)
    now[0] = 50.0
    assert speed.rate(120) == 10.0  # what goes on meanwhile is no part of it
    speed.go_on(120)
    assert speed.rate(120) == 10.0  # no step yet: as before
    now[0] = 51.0
    assert speed.rate(125) == 5.0


def step(*outcomes: tuple[int, float, str]) -> Transitions:
    """One step of some environments: number, reward, and whether the episode is done or lost."""
    envs = [env for env, _, _ in outcomes]
    return Transitions(
        env_ids=np.array(envs),
        obs=np.zeros((len(envs), 128), np.float32),
        final_obs=np.zeros((len(envs), 128), np.float32),
        reward=np.array([reward for _, reward, _ in outcomes], np.float32),
        done=np.array(["done" in how for _, _, how in outcomes]),
        success=np.full(len(envs), np.nan, np.float32),
        score=np.array([0.1 * env for env in envs], np.float32),
        lost=np.array(["lost" in how for _, _, how in outcomes]),
        action=np.zeros((len(envs), 16), np.float32),
    )


def test_returns_and_scores_are_means_over_whole_episodes_of_a_task():
    episodes = RecentEpisodes(["walk", "run", "run"])
    assert episodes.means() == {}
    episodes.add(step((1, 1.0, ""), (2, 5.0, "")))
    episodes.add(step((2, 6.0, "done"), (0, 3.0, "")))
    episodes.add(step((1, 2.0, "done"), (0, 100.0, "lost")))
    expected = {"train/return/run": (1 + 2 + 5 + 6) / 2, "train/score/run": 0.15}
    assert episodes.means() == pytest.approx(expected)

    saved: dict[str, Any] = episodes.state_dict()
    for again in (episodes, RecentEpisodes(["walk", "run", "run"])):
        again.load_state_dict(saved)
        again.add(step((0, 7.0, "done"), (1, 4.0, "done")))
        # What the lost episode had earned does not count, nor what environment 1 had before.
        expected = {"train/return/run": (3 + 11 + 4) / 3, "train/return/walk": 7.0}
        expected |= {"train/score/run": 0.4 / 3, "train/score/walk": 0.0}
        assert again.means() == pytest.approx(expected)
        again.clear()
        assert again.means() == {}


def test_an_episode_that_ended_and_was_lost_at_once_is_lost():
    episodes = RecentEpisodes(["walk"])
    episodes.add(step((0, 1.0, "done and lost")))
    assert episodes.means() == {}
