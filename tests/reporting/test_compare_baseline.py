"""Methods held against one of them: differences from it, and who beats it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from newt_core.errors import ConfigError
from newt_core.evaluation.statistics import Bootstrap
from newt_core.reporting.compare.comparison import Comparison, compare
from newt_core.reporting.compare.document import document
from newt_core.reporting.compare.published import TOTAL
from newt_core.reporting.compare.read import read_methods
from newt_core.reporting.compare.tables import columns, group_rows
from newt_core.reporting.compare.write import write_comparison
from newt_core.reporting.numbers import NO_VALUE
from newt_core.specs import load_specs
from tests.fixtures.run_folders import write_run

LIBRARY = load_specs()


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    monkeypatch.chdir(tmp_path)
    runs = {"new-1": 0.7, "new-2": 0.9, "old-1": 0.5, "old-2": 0.3, "third": 0.6}
    for name, last in runs.items():
        write_run(Path("runs"), name, (0.1, last))
    words = ["new=new-1,new-2", "old=old-1,old-2", "third"]
    return compare(read_methods(words), LIBRARY, baseline="old")


def test_differences_are_of_means_with_intervals_and_of_all_but_the_baseline(found):
    new, old, third = found.methods
    assert new.differences[TOTAL].value == pytest.approx(0.4)
    difference = new.differences["dmcontrol"]
    assert difference.value == pytest.approx(0.4)
    # The extremes of drawing two runs of each: 0.7 - 0.5 and 0.9 - 0.3.
    assert difference.low == pytest.approx(0.2)
    assert difference.high == pytest.approx(0.6)
    assert old.differences == {}
    assert third.differences["dmcontrol"].value == pytest.approx(0.2)
    assert {(pair.ours, pair.theirs) for pair in found.improvements} == {
        ("new", "old"),
        ("third", "old"),
    }


def test_a_difference_of_equals_covers_nothing_else(tmp_path):
    scores = np.array([[0.3, 0.5]])
    none = Bootstrap("runs").difference(scores, scores)
    assert (none.value, none.low) == (0.0, None)
    # Tasks are drawn for both alike: what they have in common cancels.
    drawn = Bootstrap("tasks").difference(scores + 0.1, scores)
    assert [drawn.low, drawn.high] == pytest.approx([0.1, 0.1])


def test_table_files_and_document_hold_them(found):
    assert columns(found)[-1] == "difference"
    cells = {(row[0], row[1]): row[-1] for row in group_rows(found)}
    assert cells["dmcontrol (1 task)", "new"] == "0.400 [0.200, 0.600]"
    assert cells["total (2 tasks)", "old"] == NO_VALUE
    assert {len(row) for row in group_rows(found)} == {len(columns(found))}
    page, numbers, _ = write_comparison(found, Path("out"))
    assert "| 0.400 [0.200, 0.600] |" in page.read_text()
    rows = [row for row in csv.DictReader(numbers.open()) if row["what"] == "difference from old"]
    assert [(row["group"], row["method"]) for row in rows][-2:] == [
        (TOTAL, "new"),
        (TOTAL, "third"),
    ]
    said = document(found)
    assert said["baseline"] == "old"
    assert said["methods"]["new"]["difference"][TOTAL]["value"] == pytest.approx(0.4)
    assert said["methods"]["old"]["difference"] == {}


def test_without_a_baseline_nothing_of_it_is_there(found):
    plain = compare([one.method for one in found.methods], LIBRARY)
    assert "difference" not in columns(plain)
    assert {len(row) for row in group_rows(plain)} == {len(columns(plain))}
    assert len(plain.improvements) == 3


def test_a_baseline_that_is_not_compared_is_refused(found):
    with pytest.raises(ConfigError, match=r"is called 'odl'. Did you mean 'old'\? They are new,"):
        compare([one.method for one in found.methods], LIBRARY, baseline="odl")
