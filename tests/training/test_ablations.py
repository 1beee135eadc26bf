"""The table of ablations: what its rows change, and what is wrong with one of a user's own."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from newt_core.errors import ConfigError
from newt_core.training.ablations import REFERENCE, Row, read_table
from newt_core.training.config import resolve_config, setting_fields

CHANGES = {
    "size-2M": {"model.size": "2M"},
    "size-5M": {"model.size": "5M"},
    "size-20M": {},
    "size-80M": {"model.size": "80M"},
    "half-batch": {"update.batch_size": 512},
    "double-batch": {"update.batch_size": 2048},
    "no-language": {"text.encoder": "zero"},
    "one-hot": {"text.encoder": "one-hot"},
    "no-pretraining": {"demos.pretraining": False},
    "no-oversampling": {"demos.batch_share": 0.0},
    "no-cloning": {"demos.cloning": False},
    "no-constrained-planning": {"demos.constrained_planning": False},
    "no-planning": {"planner.enabled": False},
    "no-demonstrations": {"demos.folder": None},
    "sampling-steps": {},
    "sampling-episodes": {"replay.sampling": "episodes"},
    "sampling-tasks": {"replay.sampling": "tasks"},
    "horizon-1": {"planner.horizon": 1},
    "horizon-2": {"planner.horizon": 2},
    "horizon-3": {},
    "horizon-5": {"planner.horizon": 5},
}
"""What each row changes of the paper's settings."""


def test_each_row_changes_what_it_says_and_nothing_else():
    table = read_table()
    reference = resolve_config("paper", demos="demos")
    assert [row.name for row in table.rows] == [REFERENCE, *CHANGES]
    for row in table.rows[1:]:
        made = row.of(reference)
        differing = {
            name: attrgetter(name)(made)
            for name in setting_fields()
            if attrgetter(name)(made) != attrgetter(name)(reference)
        }
        assert differing == CHANGES[row.name], row.name
        assert row.description.endswith(".")
    assert table.rows[0].of(reference) == reference


def test_rows_are_chosen_by_name_and_the_reference_always_is():
    table = read_table()
    chosen = table.chosen(["one-hot", "no-planning", "one-hot"])
    assert [row.name for row in chosen] == [REFERENCE, "one-hot", "no-planning"]
    assert table.chosen([]) == list(table.rows)
    with pytest.raises(ConfigError, match=r"no ablation 'no-langage'. Did you mean 'no-language'"):
        table.chosen(["no-langage"])


def test_what_is_multiplied_stays_a_whole_number_of_one_at_least():
    row = Row(name="x", description="X.", times={"update.batch_size": 0.3, "update.lr": 10})
    made = row.of(resolve_config(overrides=["update.batch_size=2"]))
    assert made.update.batch_size == 1
    assert made.update.lr == pytest.approx(3e-3)
    with pytest.raises(ConfigError, match=r"model\.size is 20M, which cannot be multiplied"):
        Row(name="x", description="X.", times={"model.size": 2}).of(resolve_config())
    with pytest.raises(ConfigError, match=r"text\.encoder is 3: write a text"):
        Row(name="x", description="X.", settings={"text.encoder": 3}).of(resolve_config())


def test_a_table_of_ones_own(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "rows:\n- {name: slow, description: Slow., settings: {update: {lr: 1e-5}}}\n"
        "- {name: fast, description: Fast., times: {update.lr: 2}, needs_demos: true}\n"
    )
    table = read_table(file)
    assert [row.name for row in table.rows] == [REFERENCE, "slow", "fast"]
    assert table.rows[1].of(resolve_config()).update.lr == 1e-5
    assert table.rows[2].needs_demos


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: [", "not valid YAML"),
        ("lines: []", "write 'rows:' and a list of ablations below it"),
        ("rows: []", "write 'rows:' and a list of ablations below it"),
        ("rows: [3]", "row 1: write a name, a description and settings"),
        ("rows: [{name: a}]", "'a' has no description"),
        ("rows: [{description: B.}]", "row 1 has no name"),
        ("rows: [{name: a_b, description: B.}]", "name: use letters, digits, '-'"),
        ("rows: [{name: a, description: B., setings: {}}]", "Did you mean 'settings'"),
        ("rows: [{name: a, description: B., times: {update.lr: big}}]", "times: write a number"),
        ("rows: [{name: a, description: B.}, {name: a, description: C.}]", "called 'a'"),
        (
            "rows: [{name: a, description: B., settings: {planer.horizon: 2}}]",
            "the ablation 'a': there is no setting 'planer.horizon'. Did you mean 'planner.horizo",
        ),
        (
            "rows: [{name: reference, description: B., settings: {seed: 2}}]",
            "'reference' changes nothing; say what all rows share with --set",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_a_line(tmp_path: Path, text: str, said: str):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_table(file)
    assert said in str(raised.value)
    assert "mine.yaml" in str(raised.value) or "the ablation 'a'" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_what_all_rows_share_is_no_rows_own():
    row = Row(name="x", description="X.", settings={"tasks": "walker-run"})
    with pytest.raises(ConfigError, match="'x': tasks is the same in all rows: leave it out"):
        row.of(resolve_config())


def test_a_table_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot read the table .*none\.yaml: No such file"):
        read_table(tmp_path / "none.yaml")
