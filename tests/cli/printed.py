"""What a command printed, beside a text as a test writes it."""

from __future__ import annotations

from textwrap import dedent

from tests.cli.stand_ins import Answer


def as_printed(text: str) -> str:
    """Return lines that are indented in a test, and framed by empty ones, as they are printed."""
    return dedent(text).strip("\n") + "\n"


def said(answer: Answer) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    return answer.code, answer.out, answer.err
