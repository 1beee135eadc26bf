"""Which of the collected episodes stay."""

from __future__ import annotations

from newt_core.demos.quality import EPISODES, default_episodes, good_enough
from newt_core.demos.schema import EpisodeInfo
from newt_core.specs import load_specs
from tests.fixtures.demonstrations import demo_spec


def infos(returns, success=None, score=1.0) -> list[EpisodeInfo]:
    success = success or [float("nan")] * len(returns)
    return [
        EpisodeInfo(n, n, 12, value, signal, score)
        for n, (value, signal) in enumerate(zip(returns, success, strict=True))
    ]


def kept(*args, spec=None, **kwargs) -> list[bool]:
    return good_enough(infos(*args, **kwargs), spec or demo_spec()).tolist()


def test_a_return_has_to_beat_three_quarters_of_the_median():
    # The median is 100: 75 is not above 75.
    assert kept([100, 100, 75, 76, 300]) == [True, True, False, True, True]


def test_a_negative_median_counts_one_and_a_quarter():
    assert kept([-100, -100, -124, -125, -10]) == [True, True, True, False, True]


def test_with_a_median_of_zero_an_episode_stays_if_it_scores():
    # Where nothing can be better than 0 (a game that only takes points), 0 is an achievement.
    assert kept([0, 0, 0, -1], score=1.0) == [True, True, True, False]
    assert kept([0, 0, 0, 1], score=0.0) == [False, False, False, True]


def test_where_there_is_a_success_signal_success_is_needed():
    assert kept([100, 100, 100], success=[1.0, 0.0, 1.0]) == [True, False, True]


def test_a_signal_that_is_always_zero_is_none():
    assert kept([100, 100], success=[0.0, 0.0]) == [True, True]
    by_success = demo_spec(score={"kind": "success"})
    assert kept([100, 100], success=[0.0, 0.0], spec=by_success) == [False, False]


def test_nothing_collected_is_nothing_kept():
    assert good_enough([], demo_spec()).shape == (0,)


def test_the_papers_counts():
    specs = load_specs().select("all")
    counts = {spec.id: default_episodes(spec) for spec in specs}
    assert counts["walker-run"] == 20
    assert counts["mw-button-press"] == 10
    assert counts["pygame-cowboy"] == 10
    # 4,020 over the 200 tasks, of which ManiSkill's 36 may not be here yet.
    maniskill = sum(spec.domain == "maniskill" for spec in specs)
    assert sum(counts.values()) + (36 - maniskill) * EPISODES["maniskill"] == 4020
