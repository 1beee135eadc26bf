"""What runs would cost, worked out of a machine's profile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from newt_core.agents.newt.work import plan_flops, update_flops
from newt_core.errors import ConfigError
from newt_core.specs import TaskSpec, load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.workflows import profile as profiles
from newt_core.workflows.cost import Prices, cost
from newt_core.workflows.cost_of_each import cost_of_each
from newt_core.workflows.profile import Profile, read_profile, save_profile
from newt_core.workflows.sizes import replay_bytes
from newt_core.workflows.stage_times import StageTimes

SPECS = load_specs().select("pygame-pong,cartpole-balance")
HAS_EPISODES = ("demos=there", "demos.pretraining=false")
"""The replay begins with demonstrations."""
AT_ONCE = "random_phase.episodes=0"
"""Nothing is done at random first."""
CONFIG = resolve_config(
    "cpu", None, ("evaluation.every=0", "evaluation.episodes=1", AT_ONCE), tasks="x", steps=10_000
)
FEW = Profile(
    machine={},
    device="cuda",
    cores=2,
    planning_flops_per_s=100,
    learning_flops_per_s=50,
    simulation_core_s=0.01,
    measured_on="by hand",
)


@pytest.fixture(scope="module")
def plan() -> int:
    return plan_flops(CONFIG.model, CONFIG.planner)


@pytest.fixture(scope="module")
def profile(plan: int) -> Profile:
    """Plans a hundred times a second, and takes fifty updates."""
    update = update_flops(CONFIG.model, CONFIG.update)
    speed = {"planning_flops_per_s": 100 * plan, "learning_flops_per_s": 50 * update}
    return FEW.model_copy(update=speed)


def test_the_time_of_a_run_is_that_of_its_stages(profile):
    made = cost(CONFIG, SPECS, profile, Prices(per_hour=3.0, watts=200.0))
    evaluated = sum(spec.episode_length for spec in SPECS)  # once, at the end
    parts = {
        "simulation": 10_000 * 0.005,
        "planning": 100.0,
        "learning": 200.0,
        "evaluations": evaluated * (0.005 + 0.01),
        "pretraining": 0.0,
    }
    assert made.seconds == pytest.approx({**parts, "total": sum(parts.values())})
    hours = sum(parts.values()) / 3600
    assert (made.price, made.kwh) == pytest.approx((3.0 * hours, 0.2 * hours))
    assert (made.steps, made.updates) == (10_000, 10_000)
    assert made.steps_per_s == pytest.approx(10_000 / sum(parts.values()))
    assert made.disk["replay"] == replay_bytes(CONFIG, SPECS)


def test_gpus_share_planning_and_learning_and_not_the_simulators(profile):
    one, two = (cost(CONFIG, SPECS, profile, Prices(gpus)) for gpus in (1, 2))
    assert two.seconds["planning"] == pytest.approx(one.seconds["planning"] / 2)
    assert two.seconds["learning"] == pytest.approx(one.seconds["learning"] / 2)
    assert two.seconds["simulation"] == one.seconds["simulation"]
    many = cost(CONFIG, SPECS, profile, Prices(8))
    assert many.seconds == two.seconds, "no more than environments"
    assert two.memory["planning"] == one.memory["planning"] / 2


def test_a_larger_run_is_scaled_by_its_operations(profile, plan):
    large = resolve_config("paper", None, (AT_ONCE,), tasks="x", steps=10_000)
    rate = plan_flops(large.model, large.planner) / plan
    made = cost(large, SPECS, profile, Prices())
    assert made.seconds["planning"] == pytest.approx(100.0 * rate)
    assert made.memory["model"] > 9 * cost(CONFIG, SPECS, profile, Prices()).memory["model"]


@pytest.mark.parametrize(
    ("changes", "planned", "learned"),
    [
        # Two episodes of 500 steps in both environments, whichever task's are longer.
        (("random_phase.episodes=2",), 8_000, 10_000),
        (("random_phase.episodes=2", "update.catch_up=false"), 8_000, 8_000),
        (("random_phase.episodes=2", "random_phase.max_steps=50"), 9_900, 10_000),
        # Learning waits for the first episode, where no demonstrations are there before.
        (("random_phase.max_steps=50", "update.catch_up=false"), 9_900, 9_000),
        (("random_phase.max_steps=50", "update.catch_up=false", *HAS_EPISODES), 9_900, 9_900),
        (("random_phase.episodes=2", "pretrained=a.pt"), 8_000, 10_000),
        (("random_phase.episodes=2", "pretrained=a.pt", "random_phase.plans=true"), 10_000, 10_000),
        (("random_phase.episodes=99",), 0, 0),
    ],
)
def test_at_first_nothing_is_planned_or_learned(profile, plan, changes, planned, learned):
    settings = ("evaluation.every=0", *changes)
    made = cost(
        resolve_config("cpu", None, settings, tasks="x", steps=10_000), SPECS, profile, Prices()
    )
    assert made.seconds["planning"] == pytest.approx(planned / 100)
    assert made.seconds["learning"] == pytest.approx(learned / 50)
    assert made.seconds["simulation"] == pytest.approx(50.0)
    assert made.updates == learned


def test_a_worker_takes_what_its_largest_library_does_and_a_simulator_what_it_does(profile):
    def simulators(tasks: str, envs_per_task: int = 1) -> float:
        config = resolve_config("cpu", tasks="x", steps=10_000, envs_per_task=envs_per_task)
        specs = load_specs().select(tasks)
        return cost(config, specs, profile, Prices()).memory["simulators"]

    suite, both = "walker-stand,walker-walk", "walker-stand,ms-pick-cube"
    assert simulators(both) - simulators(suite) == 2 * (360e6 - 70e6)
    assert simulators("mw-push,mw-reach", 5) - simulators("mw-push,mw-reach") == 8 * 18e6
    assert simulators("walker-run") < simulators(suite), "one environment has one worker"


def test_a_profile_predicts_the_run_that_it_was_measured_on(monkeypatch):
    took = StageTimes(simulate=0.04, plan=0.5, update=0.25)
    monkeypatch.setattr(profiles, "stage_times", lambda trial: took)
    monkeypatch.setattr(profiles, "usable_cores", lambda: 2)
    monkeypatch.setattr(profiles, "usual_workers", lambda: 2)
    known = profiles.measure_profile(CONFIG, SPECS)
    made = cost(CONFIG, SPECS, known, Prices())
    rounds = 10_000 / len(SPECS)
    assert made.seconds["simulation"] == pytest.approx(rounds * 0.04)
    assert made.seconds["planning"] == pytest.approx(rounds * 0.5)
    assert made.seconds["learning"] == pytest.approx(10_000 * 0.25)
    assert (known.device, known.measured_on) == ("cpu", "2 environments, 2M")


def test_a_profile_comes_back(profile, tmp_path):
    save_profile(profile, tmp_path / "p.json")
    assert read_profile(tmp_path / "p.json") == profile


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot read"),
        ("{", "no JSON file"),
        ("[]", "is no profile of a machine: 'it'"),
        (json.dumps({**FEW.model_dump(), "cores": 0}), "'cores' is missing or wrong"),
        (json.dumps({"device": "cpu"}), "'machine' is missing or wrong"),
    ],
)
def test_what_is_no_profile_is_one_line(tmp_path: Path, text, said):
    path = tmp_path / "p.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_profile(path)
    assert "\n" not in str(caught.value)


def test_gpus_that_are_not_here_cannot_be_measured(monkeypatch):
    with pytest.raises(ConfigError, match="there is no GPU here: measure a machine that has 2"):
        profiles.require_gpus(2, CONFIG)
    monkeypatch.setattr(profiles, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    profiles.require_gpus(1, CONFIG)
    with pytest.raises(ConfigError, match="GPUs here: 1: measure"):
        profiles.require_gpus(2, CONFIG)


def test_the_cost_of_other_agents_is_not_known(profile):
    other = resolve_config("cpu", None, ("agent.kind=ppo",), tasks="x", steps=10_000)
    with pytest.raises(ConfigError, match="what an agent 'ppo' takes is not known"):
        cost(other, SPECS, profile, Prices())


def test_an_agent_of_one_task_costs_what_newt_does_there_and_takes_no_two(profile):
    settings = ("evaluation.every=0", "evaluation.episodes=1", AT_ONCE, "agent.kind=tdmpc2")
    single = resolve_config("cpu", None, settings, tasks="x", steps=10_000)
    alone = cost(single, SPECS[:1], profile, Prices())
    assert alone.seconds == cost(CONFIG, SPECS[:1], profile, Prices()).seconds
    with pytest.raises(ConfigError, match=r"learns one task, and these are 2: .* with --each"):
        cost(single, SPECS, profile, Prices())


def test_a_run_for_each_task_costs_what_all_of_them_do(profile):
    specs = load_specs().select("walker-run,pygame-pong,walker-walk")
    asked = []

    def speed(config: RunConfig, of: Sequence[TaskSpec]) -> Profile:
        asked.append((config.tasks, [spec.id for spec in of]))
        return profile

    prices = Prices(per_hour=3.0)
    together = cost_of_each(CONFIG, specs, speed, prices)
    apart = [cost(CONFIG, [spec], profile, prices) for spec in specs]
    assert asked == [("walker-run", ["walker-run"]), ("pygame-pong", ["pygame-pong"])]
    assert together.steps == 3 * CONFIG.steps
    assert together.seconds["total"] == pytest.approx(sum(one.seconds["total"] for one in apart))
    assert together.price == pytest.approx(sum(one.price or 0 for one in apart))
    assert together.kwh is None
    assert together.disk["replay"] == sum(one.disk["replay"] for one in apart)
    assert together.memory == apart[0].memory, "of the largest: one runs at a time"
    assert together.steps_per_s == pytest.approx(together.steps / together.seconds["total"])
