"""What is said about the scripted players is what was measured of the players that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.experts import EPISODES, PAGE, page, read_searched
from newt_core.experts.registry import has_player
from newt_core.experts.scores import FILE, Measured, Played, describe_expert, read_scores
from newt_core.specs import load_specs

ROOT = Path(__file__).parent.parent.parent
LIBRARY = load_specs()
SCORES = read_scores()


def test_every_player_was_measured_on_the_present_version_of_its_task():
    with_player = {spec.id: spec.version for spec in LIBRARY.values() if has_player(spec)}
    assert {task: row.version for task, row in SCORES.items()} == with_player
    assert {row.expert.episodes for row in SCORES.values()} == {EPISODES}


def test_the_page_is_the_one_that_the_measurements_make():
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(list(LIBRARY.values()), SCORES, read_searched()), (
        "run: python benchmarks/experts.py --tasks none"
    )


def test_the_benchmarks_results_are_the_package_s_file():
    assert (ROOT / "benchmarks/results/experts.json").resolve() == FILE.resolve()


def test_there_are_as_many_good_players_as_promised():
    assert len(SCORES) >= 140
    assert sum(row.good for row in SCORES.values()) >= 140


def test_pages_say_how_many_there_are():
    for page_of, says in (
        ("README.md", f"the {len(SCORES)} scripted players"),
        ("docs/demonstrations.md", f"\n{len(SCORES)} tasks have a scripted expert"),
    ):
        assert says in (ROOT / page_of).read_text(encoding="utf-8"), page_of


@pytest.mark.parametrize(
    ("score", "at_random", "good"),
    [
        (0.5, 0.4, True),  # half of what can be had, whatever random actions have
        (0.49, 0.2, False),
        (0.3, 0.06, True),  # five times as much
        (0.29, 0.06, False),
        (0.05, 0.0, True),  # random actions count as 0.01 at least
        (0.04, 0.0, False),
        (0.04, -0.5, False),
    ],
)
def test_good_is_half_the_score_or_five_times_random(score, at_random, good):
    def played(value):
        return Played(episodes=20, score=value, ci95=None, mean_return=0.0, success=None)

    assert Measured(1, played(score), played(at_random)).good is good


def test_an_expert_of_another_version_of_a_task_has_no_numbers():
    spec = LIBRARY["pygame-pong"]
    described = describe_expert(spec, SCORES)
    assert described is not None
    assert described["score"] == SCORES[spec.id].expert.score
    newer = spec.model_copy(update={"version": spec.version + 1})
    assert describe_expert(newer, SCORES) == {
        "kind": "scripted",
        "player": "pong",
        "episodes": 0,
        "score": None,
    }
