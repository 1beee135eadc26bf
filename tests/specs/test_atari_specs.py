"""The built-in Atari specs: complete, and true to the benchmark."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("atari")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

POINTS = {
    "alien": (0, 1_000),
    "assault": (0, 1_000),
    "asterix": (0, 5_000),
    "atlantis": (0, 50_000),
    "bank-heist": (0, 1_000),
    "battle-zone": (0, 15_000),
    "beamrider": (0, 2_000),
    "boxing": (-100, 100),
    "chopper-command": (0, 1_000),
    "crazy-climber": (0, 20_000),
    "double-dunk": (0, 25),
    "gopher": (0, 2_000),
    "ice-hockey": (-15, 15),
    "jamesbond": (0, 1_000),
    "kangaroo": (0, 10_000),
    "krull": (0, 10_000),
    "ms-pacman": (0, 5_000),
    "name-this-game": (0, 3_000),
    "phoenix": (0, 1_000),
    "pong": (-21, 21),
    "road-runner": (0, 50_000),
    "robotank": (0, 50),
    "seaquest": (0, 5_000),
    "space-invaders": (0, 2_000),
    "tutankham": (0, 100),
    "upndown": (0, 5_000),
    "yars-revenge": (0, 20_000),
}
"""The benchmark's games, with the points that score 0 and 1."""

OTHER_SPELLINGS = {"beamrider": "beam_rider", "upndown": "up_n_down"}
"""Games that the benchmark spells otherwise than the emulator."""


def test_the_27_games_are_there() -> None:
    assert [task.id for task in TASKS] == [f"atari-{name}" for name in POINTS]


def test_texts_and_bodies_differ_from_game_to_game() -> None:
    for texts in ({task.text for task in TASKS}, {task.embodiment for task in TASKS}):
        assert len(texts) == 27


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert (task.obs_dim, task.action_dim) == (128, 3)
    assert (task.episode_length, task.action_repeat, task.split) == (1000, 4, "train")
    assert (task.gamma, task.reward) == (0.99, "sparse")
    name = task.id.removeprefix("atari-")
    assert task.env == {"game": OTHER_SPELLINGS.get(name, name.replace("-", "_"))}
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_scores_run_between_the_benchmarks_points_and_no_further(task: TaskSpec) -> None:
    low, high = POINTS[task.id.removeprefix("atari-")]
    span = high - low
    assert task.score.score(low, 0.0) == 0.0
    assert task.score.score(low + span / 4, 0.0) == 0.25
    assert task.score.score(high, 0.0) == 1.0
    assert task.score.score(low - span, 0.0) == 0.0
    assert task.score.score(high + span, 0.0) == 1.0
