"""The search for stored experts: what its vectors mean, and that it goes on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import expert_search
from benchmarks.expert_search import search
from benchmarks.search_space import (
    LAYOUTS,
    REFLEXES,
    RELATED,
    Space,
    body_of,
    everything,
    reflex,
    reversed_in_time,
    structured,
)
from newt_core.experts.rhythm import CLOCK_FEATURES, Rhythm, load, why_not
from newt_core.specs import load_specs

LIBRARY = load_specs()
RUN, JUMPER = LIBRARY["cheetah-run"], LIBRARY["jumper-jump"]


def some_rhythm(spec, seed=0):
    shape = (spec.action_dim, CLOCK_FEATURES + spec.obs_dim)
    weights = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return Rhythm(weights, rate=0.3)


def some_space(spec):
    generator = np.random.default_rng(1)
    mean, scale = generator.normal(size=spec.obs_dim), generator.uniform(0.1, 9, spec.obs_dim)
    free = structured(spec)
    return Space(np.zeros(free.shape), 1.0, free, mean, scale)


def test_the_space_around_a_controller_starts_with_it_and_varies_what_is_free():
    rhythm = some_rhythm(RUN)
    space = some_space(RUN).around(rhythm, structured(RUN))
    assert space.rhythm(space.start).weights == pytest.approx(rhythm.weights, abs=1e-4)
    moved = space.rhythm(space.start + 1.0)
    assert moved.rate == pytest.approx(0.3 * np.e)
    changed = np.abs(moved.weights - rhythm.weights) > 1e-4
    assert (changed[:, 1:] == structured(RUN)[:, 1:]).all()  # the constant makes up for the means


def test_a_clock_that_runs_backward_plays_the_same_cycle_from_its_end():
    weights = some_rhythm(RUN).weights.copy()
    weights[:, CLOCK_FEATURES:] = 0.0
    forward = Rhythm(weights / 9, rate=2 * np.pi / 10)
    obs = np.zeros(RUN.obs_dim, np.float32)
    one, other = forward.player(), reversed_in_time(forward).player()
    cycle, back = [one(obs) for _ in range(10)], [other(obs) for _ in range(10)]
    assert np.array(back) == pytest.approx(np.array([cycle[-step % 10] for step in range(10)]))


def test_layouts_fit_the_tasks_that_have_them():
    bodies = {body_of(spec): spec for spec in LIBRARY.values() if body_of(spec) in LAYOUTS}
    assert set(bodies) == set(LAYOUTS)
    for body, spec in bodies.items():
        entries = [*LAYOUTS[body].torso, *(e for joint in LAYOUTS[body].joints for e in joint)]
        assert len(LAYOUTS[body].joints) == spec.action_dim
        assert max(entries) < spec.obs_dim
        assert len(set(entries)) == len(entries)
    for task in REFLEXES:
        assert reflex(LIBRARY[task]).weights.shape == everything(LIBRARY[task]).shape
    for task, others in RELATED.items():
        assert {body_of(LIBRARY[one]) for one in others} <= {body_of(LIBRARY[task]), "spinner"}


def test_a_search_goes_on_where_it_stopped_and_stores_what_is_good(tmp_path, monkeypatch):
    monkeypatch.setattr(expert_search, "WORK", tmp_path / "work")
    monkeypatch.setattr(expert_search, "STORED", tmp_path / "stored")
    monkeypatch.setattr(expert_search, "FIRST_TRIES", 3)
    (tmp_path / "stored").mkdir()
    first = search(JUMPER, seed=0, minutes=0.01, enough=2.0)
    kept = load(JUMPER, tmp_path / "work")
    again = search(JUMPER, seed=0, minutes=0.01, enough=2.0)  # its minutes are over
    assert (again.checked, again.seconds >= 0.6) == (first.checked, True)
    assert (load(JUMPER, tmp_path / "work").weights == kept.weights).all()
    more = search(JUMPER, seed=0, minutes=0.02, enough=2.0)
    assert more.episodes > again.episodes
    assert more.checked >= first.checked > 0.0
    assert more.confirmed is not None
    assert (why_not(JUMPER, tmp_path / "stored") is None) == more.good
