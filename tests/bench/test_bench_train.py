"""The report on training's stages, on little work."""

from __future__ import annotations

import pytest

from newt_core.bench.train import STATE_ONLY, bench_train
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config

TASKS = "pygame-cartpole-balance,pygame-pong"
STAGES = ("step", "render", "transfer", "encode", "act", "learn")


def test_every_stage_is_timed_and_the_whole_beside_an_agent_of_states() -> None:
    config = resolve_config(
        "smoke", None, ["update.updates_per_step=0.5"], tasks=TASKS, obs="both", device="cpu"
    )
    report = bench_train(config, load_specs().select(TASKS), rounds=2, repeats=1)
    assert tuple(report["variants"]) == (*STAGES, "whole", STATE_ONLY)
    for timing in report["variants"].values():
        assert timing["steps_per_s"] == pytest.approx(4 / timing["median_s"])
    seconds = {name: timing["median_s"] for name, timing in report["variants"].items()}
    together = sum(seconds[name] for name in STAGES)
    assert report["shares"] == pytest.approx({name: seconds[name] / together for name in STAGES})
    assert report["settings"]["image_encoder"] == "tiny-random-vit-v1"
    assert report["ratios"] == pytest.approx(
        {
            "whole_over_sum_of_stages": together / seconds["whole"],
            f"whole_over_{STATE_ONLY}": seconds[STATE_ONLY] / seconds["whole"],
        }
    )


def test_an_agent_of_states_draws_nothing() -> None:
    config = resolve_config("smoke", tasks=TASKS, device="cpu")
    heard: list[tuple[int, int]] = []
    report = bench_train(
        config,
        load_specs().select(TASKS),
        rounds=1,
        repeats=1,
        told=lambda *counted: heard.append(counted),
    )
    assert tuple(report["variants"]) == ("step", "act", "learn", "whole")
    assert heard == [(done, 8) for done in range(1, 9)]


def test_the_whole_is_timed_beside_ways_to_do_some_of_it_at_the_same_time() -> None:
    # Plans of 200 sequences instead of 16, so that an update fits beside one.
    changes = ["update.updates_per_step=0.5", "planner.num_samples=200", "overlap=full"]
    config = resolve_config("smoke", None, changes, tasks=TASKS, device="cpu")
    report = bench_train(config, load_specs().select(TASKS), rounds=3, repeats=1, overlap=True)
    wholes = {"whole": "off", "whole_simulation": "simulation", "whole_full": "full"}
    assert tuple(report["variants"]) == ("step", "act", "learn", *wholes)
    done = report["settings"]["overlap"]
    assert {name: each["updates"] for name, each in done.items()} == dict.fromkeys(wholes, 0) | {
        "whole_full": 1
    }
    for name in list(wholes)[1:]:
        faster = (
            report["variants"][name]["steps_per_s"] / report["variants"]["whole"]["steps_per_s"]
        )
        assert report["ratios"][f"{name}_over_whole"] == pytest.approx(faster)
    for shares in report["at_work"].values():
        assert 0 < shares["planning"] < 1
        assert shares["learning"] > 0
    assert report["at_work"]["whole"]["waiting_for_learning"] == 0
    assert report["at_work"]["whole_full"]["waiting_for_learning"] > 0
