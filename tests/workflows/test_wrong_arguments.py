"""Wrong arguments of the Python functions: one line that says what was given, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import newt_core
from newt_core.agents.base import Acting
from newt_core.errors import ConfigError, InvalidActionError, NewtError, UnknownTaskError
from newt_core.workflows.loaded_agent import LoadedAgent
from tests.fixtures.demonstrations import demo_spec
from tests.fixtures.stand_in_agent import StandInAgent

TASK = "pygame-landing"
SPEC = newt_core.load_specs()[TASK]
LIBRARY = newt_core.load_specs()
NAN = float("nan")

WRONG_SEEDS = (-1, 1.5, "7", True, None, 2**64, [1, 2], NAN)


class Odd:
    """Says something that a terminal would obey, on several lines."""

    def __repr__(self) -> str:
        return "\x1b[31mred\x1b[0m\nand more"


def request(kind: str, **changes: Any) -> Callable[[], object]:
    first: dict[str, dict[str, Any]] = {
        "EvaluationRequest": {"checkpoint": "last.pt"},
        "FilmRequest": {},
        "CollectionRequest": {"specs": [SPEC], "folder": "demos"},
    }
    return lambda: getattr(newt_core, kind)(**first[kind] | changes)


def call(name: str, *given: Any, **changes: Any) -> Callable[[], object]:
    return lambda: getattr(newt_core, name)(*given, **changes)


REFUSED: list[tuple[Callable[[], object], str]] = [
    # make
    (call("make", "pygame-landign"), "Did you mean 'pygame-landing'"),
    (call("make", 5), "task is 5; it must be a TaskSpec"),
    (call("make", None), "task is None"),
    (call("make", [TASK]), "task is ['pygame-landing']"),
    (call("make", Odd()), "task is red and more"),
    (call("make", TASK, "human"), "render_mode is 'human'; it must be one of rgb_array."),
    (call("make", TASK, "rgb_aray"), "Did you mean 'rgb_array'?"),
    (call("make", TASK, 5), "render_mode is 5"),
    (call("make", TASK, obs="pixels"), "it must be one of state, rgb, both"),
    (call("make", TASK, obs="stat"), "Did you mean 'state'?"),
    (call("make", TASK, obs=["rgb"]), "obs is ['rgb']"),
    (call("make", TASK, obs=None), "obs is None"),
    # make_vec
    (call("make_vec", 5), "tasks is 5"),
    (call("make_vec", None), "tasks is None"),
    (call("make_vec", SPEC), "tasks is TaskSpec"),
    (call("make_vec", []), "at least one task"),
    (call("make_vec", [TASK, 5]), "tasks[1] is 5"),
    (call("make_vec", [TASK, "walker-rnu"]), "Did you mean 'walker-run'?"),
    (call("make_vec", ""), "No task is selected"),
    (call("make_vec", TASK, obs="pixels"), "obs is 'pixels'"),
    *[
        (call("make_vec", [TASK], workers), "workers is")
        for workers in (-1, 1.5, "2", True, NAN, 10**9)
    ],
    *[(call("make_vec", [TASK], seed=seed), "seed is") for seed in WRONG_SEEDS],
    *[
        (call("make_vec", [TASK], obs="rgb", frame_stack=stack), "frame_stack is")
        for stack in (0, -1, 1.5, "2", None, 10**9)
    ],
    # load
    (call("load", 5), "checkpoint is 5; it must be the path of a file"),
    (call("load", None), "checkpoint is None"),
    (call("load", ""), "checkpoint is ''"),
    (call("load", "a\0b"), "checkpoint is 'a"),
    (call("load", "none.pt"), "there is no checkpoint none.pt"),
    (call("load", "none.pt", 5), "5 is no task selector"),
    (call("load", "none.pt", [TASK, 5]), "5 is no task selector"),
    (call("load", "none.pt", "walker-rnu"), "Did you mean 'walker-run'?"),
    (call("load", "none.pt", specs="nowhere"), "The specs folder 'nowhere' does not exist"),
    (call("load", "none.pt", specs=5), "specs is 5; it must be a list of folders"),
    (call("load", "none.pt", specs=[5]), "specs[0] is 5"),
    (call("load", "none.pt", device="gpu"), "device is 'gpu'; it must be auto, cpu, cuda"),
    (call("load", "none.pt", device="cdua"), "Did you mean 'cuda'?"),
    (call("load", "none.pt", device=0), "device is 0"),
    (call("load", "none.pt", policy_only=1), "policy_only is 1; it must be True or False"),
    (call("load", "none.pt", policy_only="yes"), "policy_only is 'yes'"),
    (call("load", "none.pt", instruction=5), "instruction is 5"),
    (call("load", "none.pt", embodiment=""), "embodiment is ''"),
    (call("load", "none.pt", text_weights=5), "text_weights is 5"),
    (call("load", "none.pt", image_weights=5), "image_weights is 5"),
    *[(call("load", "none.pt", seed=seed), "seed is") for seed in WRONG_SEEDS],
    # load_specs
    (call("load_specs", 5), "specs is 5"),
    (call("load_specs", ["nowhere"]), "'nowhere' does not exist"),
    # what the commands ask
    (request("EvaluationRequest", checkpoint=5), "checkpoint is 5"),
    (request("EvaluationRequest", tasks=5), "tasks is 5"),
    (request("EvaluationRequest", episodes=0), "episodes is 0; it must be a whole number from 1"),
    (request("EvaluationRequest", episodes=2.0), "episodes is 2.0"),
    (request("EvaluationRequest", how="freely"), "how is 'freely'"),
    (request("EvaluationRequest", how=Acting(policy_only=1)), "policy_only is 1"),  # type: ignore[arg-type]
    (request("EvaluationRequest", how=Acting(prior_weight=2)), "it must be a number from 0"),
    (request("EvaluationRequest", how=Acting(prior_weight=NAN)), "prior_weight is nan"),
    (request("EvaluationRequest", how=Acting(True, 0.5)), "leave prior_weight out"),
    (request("EvaluationRequest", how=Acting(open_loop=0)), "open_loop is 0"),
    (request("EvaluationRequest", envs=0), "envs is 0"),
    (request("EvaluationRequest", seeds=5), "seeds must be a list of whole numbers, not 5"),
    (request("EvaluationRequest", seeds=()), "seeds must be a list"),
    (request("EvaluationRequest", device="gpu"), "device is 'gpu'"),
    (request("EvaluationRequest", text="clip"), "text is 'clip'"),
    *[(request("EvaluationRequest", seeds=[seed]), "seed is") for seed in WRONG_SEEDS],
    (request("FilmRequest", checkpoint=5), "checkpoint is 5"),
    (request("FilmRequest", path=5), "path is 5"),
    (request("FilmRequest", fps=0), "fps is 0"),
    (request("FilmRequest", fps="fast"), "fps is 'fast'"),
    (request("FilmRequest", specs=5), "specs is 5"),
    (request("FilmRequest", episodes=-1), "episodes is -1"),
    *[(request("FilmRequest", seed=seed), "seed is") for seed in WRONG_SEEDS],
    (request("CollectionRequest", specs=TASK), "specs is 'pygame-landing'; it must be a list"),
    (request("CollectionRequest", specs=[TASK]), "specs[0] is 'pygame-landing'; it must be a Task"),
    (request("CollectionRequest", folder=5), "folder is 5"),
    (request("CollectionRequest", expert=5), "expert is 5"),
    (request("CollectionRequest", noise=-0.1), "noise is -0.1; it must be a number from 0 to 1"),
    (request("CollectionRequest", append="yes"), "append is 'yes'"),
    (request("CollectionRequest", rgb=1), "rgb is 1"),
    *[(request("CollectionRequest", seed=seed), "seed is") for seed in WRONG_SEEDS],
    (call("collect_demos", 5, library=LIBRARY), "request is 5"),
    (
        lambda: newt_core.collect_demos(
            newt_core.CollectionRequest([], Path("x")), library=LIBRARY
        ),
        "specs is empty",
    ),
    (call("evaluate_checkpoint", "last.pt", library=LIBRARY), "request is 'last.pt'"),
    (
        lambda: newt_core.evaluate_checkpoint(newt_core.EvaluationRequest(Path("x")), library={}),  # type: ignore[arg-type]
        "library is {}",
    ),
    (call("evaluate_random", TASK, 0, library=LIBRARY), "episodes is 0"),
    (call("evaluate_random", 5, 1, library=LIBRARY), "5 is no task selector"),
    (call("evaluate_random", TASK, 1, seeds=[-1], library=LIBRARY), "seed is -1"),
    (call("evaluate_random", TASK, 1, library=None), "library is None"),
    (call("film_checkpoint", None), "request is None"),
    (call("Asked", preset=5), "preset is 5"),
    (call("Asked", preset="", flags={}), "preset is ''"),
    (call("Asked", config_file=5), "config_file is 5"),
    (call("Asked", overrides="steps=1"), "overrides is 'steps=1'; it must be a list"),
    (call("Asked", overrides=[5]), "overrides[0] is 5"),
    (call("Asked", flags=["tasks"]), "flags is ['tasks']"),
    (lambda: newt_core.Asked(flags={"taks": "all"}).settings(), "Did you mean 'tasks'?"),
    (lambda: newt_core.Asked(preset="cpuu").settings(), "Did you mean 'cpu'?"),
    (call("new_run", "cpu"), "asked is 'cpu'; it must be an Asked"),
    (lambda: newt_core.new_run(newt_core.Asked(), name=5), "name is 5"),  # type: ignore[arg-type]
    (lambda: newt_core.new_run(newt_core.Asked(), specs=5), "specs is 5"),  # type: ignore[arg-type]
    (lambda: newt_core.new_run(newt_core.Asked(), strict="no"), "strict is 'no'"),  # type: ignore[arg-type]
    (call("existing_run", None), "asked is None"),
    (lambda: newt_core.existing_run(newt_core.Asked(), runs=Path("nowhere")), "there is no run in"),
    (call("train", "runs/demo", resume=False), "run is 'runs/demo'; it must be a RunContext"),
    (call("pretrain", None, resume=True), "run is None"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_a_wrong_argument_is_one_line(wrong, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NewtError) as caught:
        wrong()
    text = str(caught.value)
    assert message in text
    assert len(text.splitlines()) == 1
    assert text.isprintable()
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def env():
    made = newt_core.make(TASK)
    yield made
    made.close()


@pytest.mark.parametrize("seed", [seed for seed in WRONG_SEEDS if seed is not None])
def test_a_wrong_seed_of_a_reset_is_refused(env, seed):
    with pytest.raises(ConfigError, match=r"seed is .* it must be a whole number from 0"):
        env.reset(seed=seed)


def test_options_of_a_reset_are_a_mapping(env):
    with pytest.raises(ConfigError, match="options is 'x'"):
        env.reset(options="x")
    env.reset(seed=np.int64(3), options={})  # NumPy's whole numbers are some, too


SPECS = [demo_spec("walk"), demo_spec("run")]
OBS = np.zeros(5, np.float32)


@pytest.fixture
def agent() -> LoadedAgent:
    return LoadedAgent(StandInAgent(), lambda seen: np.zeros((1, 16), np.float32), SPECS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("obs", "message"),
    [
        ([0, NAN, 0, 0, 0], "entry 1 of the observation for 'walk' is nan; it must be a finite"),
        ([0, 0, float("inf"), 0, 0], "entry 2 of the observation for 'walk' is inf"),
        ([0, 0, 0, 1e300, 0], "entry 3 of the observation for 'walk' is inf"),
        ([0, 0], r"has shape \[2\]; it must be \[5\], or \[128\] with padding"),
        ([[0] * 5], r"has shape \[1, 5\]"),
        ("walk", "is no array of 5 numbers"),
        ([1, [2, 3]], "is no array of 5 numbers"),
        (None, "is nan|shape|no array"),
        ({"state": OBS}, "this agent observes state only"),
        (object(), "is no array of 5 numbers"),
        ([10**400] * 5, "is no array of 5 numbers"),
    ],
)
def test_a_wrong_observation_is_refused_for_what_it_is(agent, obs, message):
    with pytest.raises(InvalidActionError, match=message) as caught:
        agent.act(obs, "walk")
    assert len(str(caught.value).splitlines()) == 1


def test_wrong_arguments_of_an_agent_are_refused(agent):
    with pytest.raises(UnknownTaskError, match="Did you mean 'walk'"):
        agent.act(OBS, "wakl")
    for task in (5, None, ["walk"], SPECS[0]):
        with pytest.raises(ConfigError, match=r"task is .* it must be the id of a task"):
            agent.act(OBS, task)
        with pytest.raises(ConfigError, match="task is"):
            agent.reset(task)
    with pytest.raises(ConfigError, match="first is 'yes'; it must be True or False"):
        agent.act(OBS, "walk", first="yes")
    with pytest.raises(ConfigError, match="policy_only is 1"):
        agent.act(OBS, "walk", policy_only=1)
    # Nothing of this was a step, and tensors are arrays of numbers.
    for _ in range(SPECS[0].episode_length):
        agent.act(torch.zeros(5), "walk")
