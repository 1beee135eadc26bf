"""Each thing that can be wrong with a file is found, and the episode is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from newt_core.demos import write
from newt_core.demos.schema import DIGEST, DemoEpisode, group_digest, group_name, new_header
from newt_core.demos.validate import validate
from newt_core.demos.write import file_content, write_file
from tests.fixtures.demonstrations import STEPS, demo_spec, episode, library, write_demos

SPEC = demo_spec()


def unchecked_file(path: Path, episodes: list[DemoEpisode], **changes: object) -> Path:
    """Write episodes as they are, and attributes of the header as given."""
    header = replace(
        new_header(SPEC, "scripted"),
        total_episodes=len(episodes),
        total_steps=sum(len(one.rewards) for one in episodes),
    )
    write_file(path, file_content(replace(header, **changes), episodes))  # type: ignore[arg-type]
    return path


def changed(field: str, place: object, value: float) -> DemoEpisode:
    one = episode(1)
    array = getattr(one, field).copy()
    array[place] = value
    return replace(one, **{field: array})


def shorter(field: str) -> DemoEpisode:
    return replace(episode(1), **{field: getattr(episode(1), field)[:-2]})


FAULTY = {
    "a NaN observation": (
        changed("observations", (3, 1), np.nan),
        "observations are not finite at step 3",
    ),
    "an infinite reward": (changed("rewards", 2, np.inf), "rewards are not finite at step 2"),
    "a NaN action": (changed("actions", (11, 0), np.nan), "actions are not finite at step 11"),
    "an action out of range": (
        changed("actions", (4, 1), -1.01),
        r"actions are outside [-1, 1] at step 4",
    ),
    "missing observations": (shorter("observations"), "observations are [11, 5]"),
    "missing actions": (shorter("actions"), "actions are [10, 2]"),
    "other dimensions": (
        replace(episode(1), observations=np.zeros((13, 6), np.float32)),
        "the dimensions do not fit",
    ),
    "half a success": (changed("success", 0, 0.5), "success is neither 0 nor 1 at step 0"),
    "an infinite score": (changed("score", 0, np.inf), "the score is not finite at step 0"),
    "an end in the middle": (
        changed("truncations", 5, True),
        "ends at step 5, but goes on to step 11",
    ),
    "no end": (changed("truncations", 11, False), "does not say that it ends"),
    "too many steps": (episode(1, demo_spec(episode_length=STEPS + 1)), "has 13 steps"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_an_episode_with(tmp_path: Path, name):
    faulty, problem = FAULTY[name]
    path = unchecked_file(tmp_path / "toy-walk.h5", [episode(0), faulty, episode(2)])
    report = validate(path, library())
    assert {problem.episode for problem in report.problems} == {"episode_1"}
    assert problem in report.problems[0].problem
    assert report.whole == 2


def test_attributes_that_contradict_the_arrays(tmp_path: Path, monkeypatch):
    real = write._write_episode

    def writes_wrong(group, number, one, header):
        real(group, number, one, header)
        group.attrs["return"] = 1e6
        group.attrs["id"] = number + 7
        group.attrs[DIGEST] = group_digest(group, header)

    monkeypatch.setattr(write, "_write_episode", writes_wrong)
    path = unchecked_file(tmp_path / "toy-walk.h5", [episode(0)])
    problems = " ".join(problem.problem for problem in validate(path, library()).problems)
    assert "its attribute 'return' is 1e+06" in problems
    assert "its id is 7, but it is number 0: episodes are out of order" in problems


def test_missing_surplus_and_incomplete_episodes(tmp_path: Path, monkeypatch):
    real = write._write_episode

    def leaves_out(group, number, one, header):
        real(group, number, one, header)
        if number == 1:
            del group["rewards"]
        if number == 2:
            group.parent.move(group_name(2), group_name(9))

    monkeypatch.setattr(write, "_write_episode", leaves_out)
    path = unchecked_file(tmp_path / "toy-walk.h5", [episode(n) for n in range(3)])
    problems = {problem.episode: problem.problem for problem in validate(path, library()).problems}
    assert problems["episode_9"] == "is one more than the 3 that the file's header promises"
    assert problems["episode_1"] == "has no rewards"
    assert "cannot be read" in problems["episode_2"]


def test_a_wrong_number_of_steps_in_the_header(tmp_path: Path):
    path = unchecked_file(tmp_path / "toy-walk.h5", [episode(0)], total_steps=99)
    (problem,) = validate(path, library()).problems
    assert problem.problem == "its header promises 99 steps, but 12 are there"


def test_a_file_under_another_tasks_name(tmp_path: Path):
    path = write_demos(tmp_path, 1).rename(tmp_path / "toy-run.h5")
    report = validate(path, library(SPEC, demo_spec("toy-run")))
    assert report.problems[0].problem == "holds demonstrations of 'toy-walk', not of 'toy-run'"
    assert report.task == "toy-walk"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (demo_spec(instruction="Count on."), "its spec hash differs"),
        (demo_spec(version=2), "was recorded with version 1"),
        (demo_spec("another"), "is of the task 'toy-walk', which is not known here"),
    ],
)
def test_another_spec(tmp_path: Path, spec, problem):
    report = validate(write_demos(tmp_path, 1), library(spec))
    assert problem in report.problems[0].problem
