"""A run of several ranks is foretold by the one with the most to do, on its part of the cores."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import pytest
import torch

from newt_core.specs import load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.workflows import stage_times
from newt_core.workflows.forecast import forecast
from newt_core.workflows.join import cores_of_a_rank
from newt_core.workflows.rank_shares import largest_share

SPECS = load_specs().select("pygame-pong,pygame-cartpole-balance,cartpole-balance")


def config(*changes: str, envs: int = 1) -> RunConfig:
    small = ("update.updates_per_step=0.5", "update.batch_size=7", "evaluation.every=0")
    return resolve_config(
        "smoke", None, [*small, *changes], tasks="x", envs_per_task=envs, device="cpu", steps=6_000
    )


AT_ONCE = ("random_phase.episodes=0", "update.catch_up=true")
"""Nothing is done at random first, and no update left out."""


def test_the_rank_with_the_most_to_do_has_its_part_of_everything():
    share = largest_share(config(), SPECS, 2)
    # The dear simulation to one rank; of the cheap ones the first to the other, the second to it.
    names = [SPECS[task].id for task in share.tasks]
    assert len(names) == 2
    assert share.steps == pytest.approx(2 / 3)
    assert share.config.update.batch_size == 4
    # Three environments owe one and a half updates a round, which two of them wait for.
    assert share.config.update.updates_per_step * 2 == pytest.approx(1.5)
    lengths = sorted(spec.episode_length for spec in SPECS)
    assert max(lengths) <= share.episode_steps < sum(lengths)
    alone = largest_share(config(envs=2), SPECS, 1)
    assert (alone.tasks, alone.steps, alone.episode_steps) == ([0, 1, 2], 1.0, sum(lengths))
    assert alone.config == config(envs=2)


@pytest.mark.parametrize("ranks", [1, 2])
def test_time_is_that_of_the_rounds_of_one_rank(monkeypatch, ranks):
    """A step of an environment takes a second here, an update ten."""
    timed: list[tuple[int, int]] = []

    def seconds(work: Any) -> float:
        trial = work.__self__
        timed.append((len(trial.specs), trial.config.update.batch_size))
        return {"act": float(len(trial.specs)), "plan": 0.5}.get(work.__name__, 10.0)

    monkeypatch.setattr(stage_times, "seconds", seconds)
    made = forecast(config("evaluation.episodes=1", *AT_ONCE), SPECS, ranks=ranks)
    assert (made.steps, made.updates) == (6_000, 3_000)
    assert set(timed) == {(3, 7) if ranks == 1 else (2, 4)}
    assert made.evaluation_seconds == largest_share(config(), SPECS, ranks).episode_steps * 1.0
    interaction = (6_000 if ranks == 1 else 4_000) + 3_000 * 10
    assert made.seconds == pytest.approx(interaction + made.evaluation_seconds)


def test_the_first_phase_takes_what_simulation_does(monkeypatch):
    """Of a step's second, planning takes 0.75; an update takes ten."""
    took = {"act": 1.0, "plan": 0.75}
    monkeypatch.setattr(
        stage_times,
        "seconds",
        lambda work: len(SPECS) * took[work.__name__] if work.__name__ in took else 10.0,
    )
    first = ("random_phase.episodes=9", "random_phase.max_steps=40", "update.catch_up=false")
    made = forecast(config("evaluation.episodes=1", *first), SPECS)
    assert made.evaluation_seconds is not None
    assert made.seconds is not None
    # Nothing is learned from before the shortest episode is over.
    learned = (6_000 - 3 * min(spec.episode_length for spec in SPECS)) / 2
    assert made.updates == learned
    interaction = 5_880 * 1.0 + 120 * 0.25 + learned * 10.0
    assert made.seconds - made.evaluation_seconds == pytest.approx(interaction)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone deals out cores")
def test_a_rank_has_its_part_of_the_cores_and_leaves_them_as_they_were(monkeypatch):
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    with suppress(ZeroDivisionError), cores_of_a_rank(2):
        assert len(os.sched_getaffinity(0)) == max(1, len(cores) // 2)
        assert torch.get_num_threads() <= len(os.sched_getaffinity(0))
        raise ZeroDivisionError
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == (cores, threads)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with cores_of_a_rank(2):
        assert os.sched_getaffinity(0) == cores, "a launcher has dealt them out already"
