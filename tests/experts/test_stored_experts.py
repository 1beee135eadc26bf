"""Experts that were searched for: their files, what they refuse, how they play."""

from __future__ import annotations

import re
from math import pi

import numpy as np
import pytest

from newt_cli.app import main
from newt_core.demos.read import open_demos
from newt_core.envs.session import open_session
from newt_core.errors import DemoError, SpecError
from newt_core.experts import rhythm
from newt_core.experts.registry import find_player, has_player, make_player
from newt_core.experts.rhythm import CLOCK_FEATURES, STORED, Rhythm, load, store, why_not
from newt_core.experts.scores import read_scores
from newt_core.specs import load_specs
from newt_core.workflows.collect_demos import CollectionRequest, collect_demos

LIBRARY = load_specs()
FILES = sorted(STORED.iterdir())
TASKS = [path.stem for path in FILES]
JUMP = LIBRARY["cheetah-jump"]
QUICK = ["cheetah-jump", "cheetah-run", "mujoco-walker"]
"""Tasks that are played here; benchmarks/experts.py plays all."""


def test_nothing_but_small_files_of_numbers_is_stored():
    assert {path.suffix for path in FILES} == {".safetensors"}
    assert "cheetah-jump" in TASKS
    sizes = [path.stat().st_size for path in FILES]
    assert max(sizes) <= 300_000
    assert sum(sizes) <= 8_000_000


@pytest.mark.parametrize("task", TASKS)
def test_each_is_for_a_task_as_it_is_and_acts_within_bounds(task):
    spec = LIBRARY[task]
    found = find_player(spec)
    assert found is not None
    assert (found.name, found.file) == ("rhythm", f"stored/{task}.safetensors")
    act, generator = make_player(spec), np.random.default_rng(0)
    for _ in range(20):
        action = act(generator.normal(0, 10, spec.obs_dim).astype(np.float32))
        assert action.shape == (spec.action_dim,)
        assert action.dtype == np.float32
        assert np.abs(action).max() <= 1.0


@pytest.mark.parametrize("task", QUICK)
def test_one_episode_reaches_at_least_half_of_the_stated_score(task):
    spec, session = LIBRARY[task], open_session(LIBRARY[task])
    act, obs = make_player(spec), session.reset(3)
    while not session.done:
        obs = session.step(act(obs)).obs
    assert session.score >= read_scores()[task].expert.score / 2


def test_the_clock_starts_anew_with_each_player_and_feedback_adds_to_it():
    weights = np.zeros((2, CLOCK_FEATURES + JUMP.obs_dim), np.float32)
    weights[0, :5] = 0.1, 0.2, 0.3, 0.04, 0.05  # 1, cos p, sin p, cos 2p, sin 2p
    weights[1, CLOCK_FEATURES + 3] = 0.5
    controller = Rhythm(weights, rate=pi / 2)
    obs = np.zeros(JUMP.obs_dim, np.float32)
    obs[3] = 1.5
    expected = [0.1 + 0.2 + 0.04, 0.1 + 0.3 - 0.04, 0.1 - 0.2 + 0.04, 0.1 - 0.3 - 0.04, 0.34]
    for player in (controller.player(), controller.player()):
        actions = [player(obs) for _ in expected]
        assert np.array(actions)[:, 0] == pytest.approx(expected)
        assert np.array(actions)[:, 1] == pytest.approx(0.75)
    obs[3] = 50.0
    assert controller.player()(obs)[1] == 1.0


def test_what_is_stored_comes_back(tmp_path):
    weights = np.random.default_rng(0).normal(size=(6, CLOCK_FEATURES + 17)).astype(np.float32)
    assert store(Rhythm(weights, 0.1), JUMP, tmp_path) == tmp_path / "cheetah-jump.safetensors"
    back = load(JUMP, tmp_path)
    assert (back.weights == weights).all()
    assert back.rate == 0.1
    assert why_not(LIBRARY["cheetah-run"], tmp_path) == "there is no scripted player"


@pytest.mark.parametrize(
    ("change", "then", "now"),
    [
        ({"obs_dim": 18}, "observations of 17 numbers", "observations of 18 numbers"),
        ({"action_dim": 5}, "actions of 6 numbers", "actions of 5 numbers"),
        ({"version": 2}, "version 1", "version 2"),
    ],
)
def test_a_task_that_changed_is_refused_before_anything_is_made(tmp_path, change, then, now):
    changed = JUMP.model_copy(update=change)
    said = f"its stored expert was made for {then}, and the task now has {now}"
    assert not has_player(changed)
    with pytest.raises(SpecError, match=rf"^task 'cheetah-jump': {said}\. `newt tasks list"):
        make_player(changed)
    request = CollectionRequest([changed], tmp_path / "out", runs=tmp_path)
    with pytest.raises(DemoError, match=rf"in cheetah-jump: {said}, and no run in "):
        collect_demos(request, library=LIBRARY)
    assert not (tmp_path / "out").exists()


def test_a_users_task_of_the_same_name_is_another_task():
    assert not has_player(JUMP.model_copy(update={"domain": "my-robots"}))


@pytest.mark.parametrize("damage", ["cut short", "no file of numbers", "other arrays"])
def test_a_damaged_file_is_named(tmp_path, monkeypatch, damage):
    path = store(Rhythm(np.zeros((6, CLOCK_FEATURES + 17), np.float32), 0.1), JUMP, tmp_path)
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "no file of numbers":
        path.write_text("nothing\n" * 9)
    else:
        store(Rhythm(np.zeros((6, 9), np.float32), 0.1), JUMP, tmp_path)
    monkeypatch.setattr(rhythm, "STORED", tmp_path)
    with pytest.raises(SpecError, match=re.escape(str(path))):
        load(JUMP, tmp_path)


def test_cheetah_jump_is_collected_end_to_end(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["collect-demos", "--task", "cheetah-jump", "--episodes", "2"]) == 0
    assert "left out" not in capfd.readouterr().err
    with open_demos(tmp_path / "demos/cheetah-jump.h5") as demos:
        assert demos.header.expert == "scripted stored/cheetah-jump.safetensors"
        assert demos.header.spec_hash == JUMP.spec_hash
        returns = [demos.info(number).episode_return for number in range(len(demos))]
    assert len(returns) == 2
    assert min(returns) > read_scores()["cheetah-jump"].expert.mean_return / 2
