"""Pool × expert → file, with a toy domain."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from newt_core.demos import write
from newt_core.demos.collect import MAX_ATTEMPTS, collect
from newt_core.demos.perturb import PerturbedAct
from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.validate import validate
from newt_core.demos.write import writing
from newt_core.envs.pool import Pool, make_pool
from newt_core.errors import DemoError, EnvironmentFailure, disk_is_full
from newt_core.types import ACTION_DIM, Observation
from tests.fixtures.demonstrations import library
from tests.pool.toy_domain import BUILDERS, build, toy_spec

SPEC = toy_spec(length=5)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with make_pool([SPEC] * 3, workers=1, builders=BUILDERS) as made:
        yield made


def act(observation):
    """Earn 2 per step where luck is above 0.3, and 0.2 elsewhere; see the toy domain."""
    actions = np.zeros((len(observation.state), ACTION_DIM), np.float32)
    actions[:, :2] = np.where(observation.state[:, :1] > 0.3, 1.0, 0.1)
    return actions


def run(folder: Path, pool: Pool, wanted: int, act=act, **kwargs):
    path = folder / "toy.h5"
    with writing(path, SPEC, "scripted", append=True) as writer:
        return collect(act, writer, wanted, pool=pool, **kwargs)


def steady(observation):
    return np.full((len(observation.state), ACTION_DIM), 0.5, np.float32)


def test_as_many_as_wanted_are_kept_whatever_the_number_of_environments(tmp_path: Path, pool):
    told = []
    result = run(tmp_path, pool, 4, steady, on_progress=lambda *numbers: told.append(numbers))
    assert (result.episodes, result.kept, result.rejected) == (4, 4, 0)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # Two actions of 0.5 are a reward of 1 per step; success comes with the fifth step.
    assert result.mean_return == pytest.approx(5.0)
    assert result.success == 1.0
    assert result.score == pytest.approx(0.5)
    assert validate(result.path, library(SPEC)).ok


def test_the_seed_is_that_of_the_episode_even_after_a_reset_that_failed(tmp_path: Path):
    once = tmp_path / "failed"
    once.touch()  # not while the environment is built
    spec = toy_spec(length=5, trouble="raise", when="reset", once=str(once))
    with make_pool([spec], workers=1, builders=BUILDERS) as made:
        once.unlink()
        with writing(tmp_path / "toy.h5", spec, "scripted") as writer:
            assert collect(steady, writer, 2, pool=made).kept == 2
        assert made.stats.deaths == {"toy": 1}
    for episode in read_demos(tmp_path / "toy.h5", spec):
        luck = build(SPEC).reset(episode.seed)[0]
        assert episode.observations[0, 0] == luck


def test_what_is_stored_is_what_happened(tmp_path: Path, pool):
    result = run(tmp_path, pool, 4)
    for episode in read_demos(result.path, SPEC):
        # The stored seed and actions, played again, give the stored episode.
        simulator = build(SPEC)
        assert episode.observations[0].tolist()[:2] == simulator.reset(episode.seed).tolist()[:2]
        for step, action in enumerate(episode.actions):
            outcome = simulator.step(action)
            # The third entry says whether the process has imported PyTorch: this one has.
            assert episode.observations[step + 1, :2].tolist() == outcome.obs.tolist()[:2]
            assert episode.rewards[step] == np.float32(outcome.reward)
            assert episode.success[step] == outcome.success
        assert episode.truncations.tolist() == [False] * 4 + [True]
        assert episode.score[-1] == pytest.approx(episode.rewards.sum() / 10)


def test_poor_episodes_are_replaced_by_further_ones(tmp_path: Path, pool):
    result = run(tmp_path, pool, 8)
    assert result.rejected > 0
    assert result.kept == 8
    with open_demos(result.path) as file:
        assert file.header.rejected == result.rejected
        returns = [file.info(number).episode_return for number in range(len(file))]
    assert returns == pytest.approx([10.0] * 8)


def test_an_expert_that_never_succeeds_is_given_up(tmp_path: Path, pool):
    def idle(observation):
        return np.zeros((len(observation.state), ACTION_DIM), np.float32)

    result = run(tmp_path, pool, 2, idle)
    assert (result.episodes, result.kept) == (2 * MAX_ATTEMPTS, 0)
    assert result.mean_return is None
    assert not (tmp_path / "toy.h5").exists()


def test_appending_collects_new_episodes(tmp_path: Path, pool):
    run(tmp_path, pool, 3, steady)
    run(tmp_path, pool, 3, steady)
    seeds = [episode.seed for episode in read_demos(tmp_path / "toy.h5", SPEC)]
    assert len(set(seeds)) == 6


def test_the_seed_determines_the_episodes(tmp_path: Path, pool):
    for folder in ("a", "b", "c"):
        run(tmp_path / folder, pool, 3, steady, seed=int(folder == "c"))
    seeds = {
        folder: [e.seed for e in read_demos(tmp_path / folder / "toy.h5", SPEC)]
        for folder in ("a", "b", "c")
    }
    assert seeds["a"] == seeds["b"] != seeds["c"]


def test_asked_to_stop_it_keeps_what_has_ended(tmp_path: Path, pool):
    ended = []
    result = run(
        tmp_path,
        pool,
        9,
        steady,
        on_progress=lambda done, total: ended.append(done),
        should_stop=lambda: len(ended) >= 3,
    )
    assert result.kept == 3
    assert validate(result.path, library(SPEC)).whole == 3


def test_pictures_belong_to_their_states(tmp_path: Path):
    with make_pool([SPEC] * 2, workers=1, builders=BUILDERS, frames=1) as drawing:
        result = run(tmp_path, drawing, 3, steady, rgb=True)
    with open_demos(result.path) as file:
        for number in range(3):
            rgb = file.episode(number).rgb
            assert rgb is not None
            # The toy's red is the number of steps, its first row is white.
            assert rgb()[:, 100, 100, 0].tolist() == [0, 1, 2, 3, 4, 5]
            assert (rgb()[:, 0] == 255).all()
    assert validate(result.path, library(SPEC)).ok


def test_noise_pushes_the_expert_about_its_own_actions(tmp_path: Path, pool):
    shaken = PerturbedAct(steady, 0.2, SPEC, seed=0)
    result = run(tmp_path, pool, 30, shaken)
    actions = np.concatenate([episode.actions for episode in read_demos(result.path, SPEC)])
    # What is recorded is what was done: the rewards follow from it (see the toy domain).
    assert validate(result.path, library(SPEC)).ok
    assert 0.15 < actions.std() < 0.25
    assert abs(actions.mean() - 0.5) < 0.05
    assert (np.abs(actions) <= 1).all()
    assert not (actions == 0.5).any()
    # Entries that the task does not have stay as they are.
    rows, first = np.arange(3), np.ones(3, np.bool_)
    padded = shaken(Observation(np.zeros((3, 128), np.float32), rows, rows, first))
    assert (padded[:, SPEC.action_dim :] == 0.5).all()


def test_a_full_disk_keeps_the_episodes_that_fit(tmp_path: Path, pool, monkeypatch):
    whole = write.write_file

    def refuse_more_than_three(path: Path, content: bytes, *kind: str) -> None:
        whole(tmp_path / "tried.h5", content, *kind)
        if sum(1 for _ in read_demos(tmp_path / "tried.h5", SPEC)) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content, *kind)

    monkeypatch.setattr(write, "write_file", refuse_more_than_three)
    message = r"toy\.h5: No space left on device\..* 3 of the 8 episodes collected are there"
    with pytest.raises(DemoError, match=message) as error:
        run(tmp_path, pool, 8, steady)
    assert disk_is_full(error.value)
    assert validate(tmp_path / "toy.h5", library(SPEC)).whole == 3
    monkeypatch.setattr(write, "write_file", whole)
    run(tmp_path, pool, 5, steady)
    assert validate(tmp_path / "toy.h5", library(SPEC)).whole == 8


def test_environments_that_keep_failing_cost_no_whole_episode(tmp_path: Path, pool, monkeypatch):
    steps = itertools.count()
    send = type(pool).send

    def fail(self: Pool, *arguments: object) -> None:
        if next(steps) == 7:  # in the second round of three episodes of five steps
            raise EnvironmentFailure("task 'toy' failed 3 times within 60 s.")
        send(self, *arguments)

    monkeypatch.setattr(type(pool), "send", fail)
    with pytest.raises(EnvironmentFailure, match=r"failed 3 times.* 3 episodes from before are in"):
        run(tmp_path, pool, 6, steady)
    assert validate(tmp_path / "toy.h5", library(SPEC)).whole == 3
