"""Reading YAML: the fastest safe loader there is, and what is wrong with a text."""

from __future__ import annotations

from typing import Any

import yaml

# libyaml's parser is ten times as fast, but not every build of PyYAML has it.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_problem(error: Exception) -> str:
    """Return what is wrong with a YAML text, as the end of a sentence."""
    problem = getattr(error, "problem", None)
    if problem is None:  # a character that YAML forbids
        code = getattr(error, "character", None)
        return f"it holds the control character #x{code:02x}" if code else "it cannot be read"
    if "cannot start any token" in problem:
        return (
            "a value begins with a tab, '%', '@' or '`': indent with spaces, and quote such texts"
        )
    if "mapping values are not allowed" in problem:
        return "there is a second ':' in a line, or the line is not indented as those before"
    if "node content" in problem:
        return "a value is missing"
    if "':'" in problem:
        return "a ':' is missing"
    problem = str(problem).replace("'<stream end>'", "the end")
    missing = problem.removeprefix("did not find expected ")
    return problem if missing == problem else f"{missing} is missing"
