"""Curves: the pretraining left of step 0, the interaction right of it."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.errors import RunFolderError
from newt_core.reporting.history import History, read_baseline, read_history
from newt_core.reporting.score_curves import STRETCH, Scale, draw_scores
from newt_core.training.run_folder import RunFolder
from tests.fixtures.run_folders import add_pretraining, write_pretraining, write_run


def panels(figure):
    return {panel.get_title(): panel for panel in figure.axes if panel.get_visible()}


def test_pretraining_ends_where_interaction_begins(tmp_path):
    run = write_run(tmp_path, "a")
    add_pretraining(run)
    history = read_history(run)
    assert history.pretraining_curve("walker-walk", "score") == [(100, 0.1, 0.05), (200, 0.4, 0.05)]
    panel = panels(draw_scores([history], {"walker-walk": {"score": 0.25}}))["walker-walk"]
    lines = {line.get_label(): line for line in panel.lines}
    before = np.asarray(lines["policy, in pretraining"].get_xdata())
    assert before == pytest.approx([-STRETCH * 500, 0.0])  # half of the updates, all of them
    after = lines["a"]
    assert np.asarray(after.get_xdata()).tolist() == [0, 1000]
    assert np.asarray(after.get_ydata()).tolist() == [0.2, 0.6]
    assert lines["random actions"].get_linestyle() == "--"
    words = [text.get_text() for text in panel.texts]
    assert {"pretraining", "updates", "agent steps"} <= set(words)
    ticks = [label.get_text() for label in panel.get_xticklabels()]
    assert ticks[:3] == ["0", "100", "0"]  # updates, updates, steps


def test_a_run_without_pretraining_begins_at_the_edge(tmp_path):
    figure = draw_scores([read_history(write_run(tmp_path, "a"))], {})
    panel = panels(figure)["walker-walk"]
    assert panel.get_xlim()[0] == 0
    assert panel.get_xlabel() == "agent steps"
    assert not panel.texts


def test_what_newt_pretrain_made_is_pretraining_alone(tmp_path):
    run = RunFolder.create("demos", "", root=tmp_path)
    write_pretraining(run, [0.1, 0.4], 200)
    history = read_history(run)
    assert list(history.pretraining) == [100, 200]
    assert not history.interaction
    panel = panels(draw_scores([history], {}))["walker-walk"]
    assert panel.get_xlim()[1] > 0  # the last point is not on the edge
    assert "agent steps" not in [text.get_text() for text in panel.texts]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "200"]


def test_beside_a_run_without_one_a_pretraining_is_still_the_policys(tmp_path):
    planning, policy = write_run(tmp_path, "planning"), write_run(tmp_path, "policy")
    add_pretraining(planning)
    figure = draw_scores([read_history(planning), read_history(policy)], {})
    labels = [line.get_label() for line in panels(figure)["walker-walk"].lines]
    assert labels[:3] == ["policy, in pretraining", "planning", "policy"]


def test_runs_share_one_axis(tmp_path):
    short, long = write_run(tmp_path, "short"), write_run(tmp_path, "long")
    add_pretraining(short, updates=100)
    add_pretraining(long, updates=400)
    histories = [read_history(short), read_history(long)]
    panel = panels(draw_scores(histories, {}))["pygame-pong"]
    lines = {line.get_label(): np.asarray(line.get_xdata()) for line in panel.lines}
    scale = Scale(1000, 400)
    assert lines["long, pretraining"][-1] == 0
    assert lines["short, pretraining"][-1] == scale.of_updates(100)


def test_damaged_files_are_named(tmp_path):
    run = write_run(tmp_path, "a")
    (run.evaluations / "500.json").write_text('{"tasks": {"walk')
    with pytest.raises(RunFolderError, match=r"eval/500\.json is no evaluation: Unterminated"):
        read_history(run)
    for content in ("", "[]", '{"tasks": {"walk": 3}}'):
        (tmp_path / "random.json").write_text(content)
        with pytest.raises(RunFolderError, match="not what 'newt eval random --json' prints"):
            read_baseline(tmp_path / "random.json")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", r"it is \[\], not a mapping"),
        ("5", "it is 5"),
        ("{}", "it has no 'tasks'"),
        ('{"tasks": [["walk", {"score": 1}]]}', "tasks is .*not a mapping"),
        ('{"tasks": {"walk": 3}}', "walk is 3"),
        ('{"tasks": {"walk": {"score": "high"}}}', "'score' of walk is 'high', not a number"),
        ('{"tasks": {"walk": {"score": 1, "ci95": [1]}}}', "'ci95' of walk is"),
        ('{"tasks": {"walk": {"score": true}}}', "'score' of walk is True"),
        ('{"tasks": {}, "score": "x"}', "'score' of it is 'x'"),
        ('{"tasks": {}, "domains": []}', "domains is"),
        ('{"tasks": {}, "domains": {"a": 1}}', "a is 1"),
        ('{"tasks": {}, "modes": {"policy": 1}}', "it is 1"),
        ("[" * 100_000, "is no evaluation"),
    ],
)
def test_an_evaluation_with_a_wrong_type_is_named_in_one_line(tmp_path, content, problem):
    run = write_run(tmp_path, "a")
    (run.evaluations / "500.json").write_text(content)
    with pytest.raises(RunFolderError, match=problem) as caught:
        read_history(run)
    assert str(caught.value).startswith(f"{run.evaluations / '500.json'} is no evaluation: ")
    assert str(caught.value).isprintable()


def test_wide_intervals_stay_where_scores_can_be():
    evaluation = {"tasks": {"walker-walk": {"score": 0.4, "ci95": 5.0}}}
    history = History("a", {0: evaluation, 1000: evaluation}, {})
    panel = panels(draw_scores([history], {}))["walker-walk"]
    low, high = panel.get_ylim()
    assert -0.1 < low <= 0
    assert 1.0 <= high < 1.1
