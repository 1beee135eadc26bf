import json
import math

import pytest

from newt_core.evaluation import EpisodeResult, summarise
from newt_core.evaluation.aggregate import mean_of_samples
from tests.evaluation.counting_pool import task

A = task("a", 10, domain="dmcontrol")
B = task("b", 10, domain="dmcontrol")
C = task("c", 10, domain="box2d")


def episodes(task_id: str, *scores: float, success: float = math.nan) -> list[EpisodeResult]:
    return [EpisodeResult(task_id, 1000 * score, success, score, 10) for score in scores]


def test_a_task_by_hand():
    summary = summarise(episodes("a", 0.2, 0.4, 0.6), [A])
    a = summary.tasks["a"]
    assert a.episodes == 3
    assert a.mean_return == pytest.approx(400.0)
    assert a.score == pytest.approx(0.4)
    assert a.success is None
    # Sample std 0.2, standard error 0.2 / sqrt(3) = 0.115470, and t(0.975, 2) = 4.302653.
    assert a.ci95 == pytest.approx(4.302653 * 0.115470, rel=1e-5)
    # The total of one task is that task.
    assert summary.total.score == pytest.approx(a.score)
    assert summary.total.ci95 == pytest.approx(a.ci95)


def test_success_is_stated_only_where_there_is_a_signal():
    spec = {"score": {"kind": "success"}}
    scored = A.model_copy(update={"score": type(A).model_validate(A.model_dump() | spec).score})
    for successes, rule, expected in (
        (0.0, A, None),  # what simulators without a signal give
        (1.0, A, 1.0),
        (0.0, scored, 0.0),
        (math.nan, scored, None),
    ):
        summary = summarise(episodes("a", 1.0, 1.0, success=successes), [rule])
        assert summary.tasks["a"].success == expected, (successes, rule.score)


def test_tasks_count_alike_whatever_their_number_of_episodes():
    results = [*episodes("a", 0.0, 0.0, 0.0, 0.0), *episodes("b", 1.0), *episodes("c", 0.2)]
    summary = summarise(results, [A, B, C])
    assert summary.domains["dmcontrol"].score == pytest.approx(0.5)
    assert summary.domains["box2d"].score == pytest.approx(0.2)
    # Over tasks (0 + 1 + 0.2) / 3, not over domains 0.35 or episodes 0.2.
    assert summary.total.score == pytest.approx(0.4)
    assert (summary.domains["dmcontrol"].tasks, summary.total.tasks) == (2, 3)


def test_the_interval_of_a_mean_of_tasks_by_hand():
    summary = summarise([*episodes("a", 0.1, 0.3), *episodes("b", 0.5, 0.7, 0.9)], [A, B])
    # Squared standard errors: 0.02 / 2 = 0.01 (1 degree of freedom), 0.04 / 3 = 0.013333 (2).
    # Of the mean of both: (0.01 + 0.013333) / 4 = 0.0058333, with
    # 0.023333^2 / (0.01^2 / 1 + 0.013333^2 / 2) = 5.4444e-4 / 1.88889e-4 = 2.88235 degrees,
    # where t(0.975, .) = 3.257208: half width 3.257208 * 0.0763763 = 0.248773.
    assert summary.total.ci95 == pytest.approx(0.248773, rel=1e-5)
    assert summary.domains["dmcontrol"].ci95 == summary.total.ci95


def test_a_single_episode_has_no_interval_and_neither_has_its_group():
    summary = summarise([*episodes("a", 0.5), *episodes("c", 0.1, 0.2)], [A, C])
    assert summary.tasks["a"].ci95 is None
    assert summary.domains["dmcontrol"].ci95 is None
    assert summary.domains["box2d"].ci95 is not None
    assert summary.total.ci95 is None


def test_episodes_that_all_agree_leave_no_doubt():
    summary = summarise(episodes("a", 1.0, 1.0, 1.0), [A])
    assert summary.tasks["a"].ci95 == 0.0
    assert summary.total.ci95 == 0.0


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    """2000 evaluations of two tasks with 5 normal episodes each, spread 0.1 and 0.3."""
    import numpy as np

    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        a, b = generator.normal(0.3, 0.1, 5), generator.normal(0.6, 0.3, 5)
        total = summarise([*episodes("a", *a), *episodes("b", *b)], [A, B]).total
        assert total.ci95 is not None
        hits += abs(total.score - 0.45) <= total.ci95
    # 95 % of 2000 with a standard error of 0.5 %.
    assert 0.93 < hits / 2000 < 0.97


def test_success_is_its_mean_where_there_is_a_signal():
    results = [*episodes("a", 1.0, success=1.0), *episodes("a", 0.0, 0.0, 0.0, success=0.0)]
    assert summarise(results, [A]).tasks["a"].success == 0.25


def test_the_document_has_the_promised_form():
    summary = summarise([*episodes("c", 0.25), *episodes("a", 0.5, 0.5)], [A, C], mode="policy")
    document = summary.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document == {
        "tasks": {
            "a": {"episodes": 2, "return": 500.0, "success": None, "score": 0.5, "ci95": 0.0},
            "c": {"episodes": 1, "return": 250.0, "success": None, "score": 0.25, "ci95": None},
        },
        "domains": {
            "dmcontrol": {"tasks": 1, "score": 0.5, "ci95": 0.0},
            "box2d": {"tasks": 1, "score": 0.25, "ci95": None},
        },
        "score": 0.375,
        "ci95": None,
        "mode": "policy",
    }


def test_a_task_without_episodes_is_not_passed_over():
    with pytest.raises(ValueError, match="no episodes of c"):
        summarise(episodes("a", 0.5), [A, C])
    with pytest.raises(ValueError, match="no episodes of any task"):
        summarise([], [])


def test_a_mean_over_seeds_of_several_tasks_by_hand():
    # As above: 0.01 with 1 degree of freedom, 0.013333 with 2.
    several = mean_of_samples([[0.1, 0.3], [0.5, 0.7, 0.9]])
    results = [*episodes("a", 0.1, 0.3), *episodes("b", 0.5, 0.7, 0.9)]
    assert several.score == pytest.approx(0.45)
    assert several.ci95 == pytest.approx(summarise(results, [A, B]).total.ci95)
    assert mean_of_samples([[0.4]]).ci95 is None
