"""What other libraries' errors become in ours."""

from __future__ import annotations

import pytest

from newt_core.errors import in_short


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
