"""Comparing running times."""

from __future__ import annotations

import time

import pytest

from newt_core.bench.timing import compare, describe_hardware, parts_of, speed_ratios


def test_variants_take_turns_after_one_round_that_does_not_count():
    order = []

    def variant(name, steps, seconds):
        def run():
            order.append(name)
            time.sleep(seconds)
            return steps

        return run

    timed = compare({"a": variant("a", 10, 0.001), "b": variant("b", 20, 0.02)}, repeats=3)
    assert order == ["a", "b"] * 4
    for name, steps in (("a", 10), ("b", 20)):
        assert len(timed[name]["runs"]) == 3
        assert timed[name]["median_s"] == sorted(timed[name]["runs"])[1]
        assert timed[name]["steps_per_s"] == pytest.approx(steps / timed[name]["median_s"])


def test_every_run_is_told_and_parts_make_one_count():
    heard = []
    for part in range(2):
        told = parts_of(lambda done, total: heard.append((done, total)), 2, part)
        compare({"a": lambda: 1, "b": lambda: 1}, repeats=2, told=told)
    assert heard == [(done, 12) for done in range(1, 13)]


def test_a_ratio_says_how_many_times_faster():
    variants = {"fast": {"steps_per_s": 30.0}, "slow": {"steps_per_s": 10.0}}
    assert speed_ratios(variants, [("fast", "slow")]) == {"fast_over_slow": 3.0}


def test_the_hardware_is_described():
    hardware = describe_hardware()
    assert hardware["cores"] >= 1
    assert hardware["memory_gb"] > 0
    assert hardware["processor"]
