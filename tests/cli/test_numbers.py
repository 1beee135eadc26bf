"""Numbers on the command line."""

from __future__ import annotations

import pytest
import typer

from newt_cli.numbers import real_number, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5000", 5_000),
        ("5_000", 5_000),
        ("1e6", 1_000_000),
        ("2.5e3", 2_500),
        ("100M", 100_000_000),
        ("1.5k", 1_500),
        ("2G", 2_000_000_000),
        ("-3", -3),
        (7, 7),
        ("9007199254740993", 2**53 + 1),  # not what a float would make of it
        ("1e999999999", 10**30),  # at once, and larger than any limit
    ],
)
def test_a_whole_number_can_be_written_in_several_ways(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["1.5", "many", "", "k", "1e-3", "nan", "inf", "0x10", "1 000 000"]
)
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is no whole number: write one such as 5000, 1e6"):
        whole_number(text)


@pytest.mark.parametrize("text", ["", "half", "nan", "inf", "1e999"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is no number"):
        real_number(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("newt eval random --tasks walker-run --episodes 1e99", "the largest is 1,000,000"),
        (
            "newt eval random --tasks walker-run --seed 1e19",
            "the largest is 9,223,372,036,854,775,807",
        ),
        ("newt bench plan --envs 1G", "the largest is 10,000"),
        ("newt render --video --fps 1e9", "the largest is 1,000"),
        ("newt train --tasks walker-run --envs-per-task 100000000", "the largest is 10,000"),
        ("newt train --tasks walker-run --steps 99999999999999999999999", "the largest is 9,007,1"),
        ("newt train --tasks walker-run --set planner.horizon=1e9", "the largest is 10,000"),
        (
            "newt train --tasks walker-run --set replay.capacity=9e17",
            "the largest is 2,147,483,648",
        ),
    ],
)
def test_a_number_that_is_too_large_is_refused_at_once(newt, line, message):
    answer = newt(line)
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.splitlines()) <= 2


def test_short_forms_arrive(newt, core):
    line = "newt train --tasks pygame-cowboy --text-encoder hashed --device cpu --steps 2.5k"
    assert newt(line).code == 0
    assert core.arguments("train")["config"].steps == 2_500
