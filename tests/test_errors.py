"""What other libraries' errors become in ours."""

from __future__ import annotations

import pytest

from newt_core.errors import in_short, located, one_line, printable, some_of


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("tasks"), "tasks"),
        (AttributeError("'int' has no attribute 'upper'"), "'int' has no attribute 'upper'"),
        (ValueError("it is 'damaged'."), "it is 'damaged'"),
        (ValueError(" one.\ntwo: 'x'"), "one"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError(), "ValueError"),
        (ValueError("'"), "'"),
    ],
)
def test_an_error_in_short_is_its_first_line_without_a_keys_quotes(error, text):
    assert in_short(error) == text
    if "two" in str(error):
        assert in_short(error, last=True) == "two: 'x'"


HOSTILE = "\x1b[31mred\x1b[0m\n\x1b]0;a title\x07two\r\tthree\x00\x9b31m\udce9"


def test_another_programs_text_becomes_one_printable_line():
    assert one_line(HOSTILE) == "red two three\ufffd\ufffd31m\ufffd"
    assert len(one_line("x" * 10_000)) == 500
    assert in_short(ValueError(HOSTILE)) == "red"
    assert printable(f"a{HOSTILE}") == "ared\ntwo\ufffd\tthree\ufffd\ufffd31m\ufffd"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_is_told_with_its_place():
    try:
        raise ArithmeticError(HOSTILE)
    except ArithmeticError as error:
        told = located(error)
    assert told.startswith("red two")
    assert told.endswith(tuple(f"(test_errors.py, line {n})" for n in range(30, 80)))
    assert located(Unspeakable()) == ""
    assert in_short(Unspeakable()) == "Unspeakable"


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_of_many_names_the_first_are_said_and_the_others_counted(names, said):
    assert some_of(names, 2) == said
