"""`newt tasks embed`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from newt_core.encoders import HashedEncoder
from newt_core.specs import load_specs

WALKERS = "walker-walk,walker-run,mw-door-open,mw-door-close"


def test_json_is_the_contracts_document(newt):
    answer = newt(f"newt tasks embed {WALKERS} --encoder hashed --neighbours 1 --json")
    assert answer.code == 0, answer.err
    assert answer.json == {
        "encoder": "hashed-v1",
        "dim": 512,
        "nearest": {
            "walker-walk": ["walker-run"],
            "walker-run": ["walker-walk"],
            "mw-door-open": ["mw-door-close"],
            "mw-door-close": ["mw-door-open"],
        },
        "same_domain": 1.0,
        "chance": 1 / 3,
    }


def test_table_has_a_line_per_task_of_both_splits(newt):
    answer = newt("newt tasks embed --encoder hashed")
    header, *rows = answer.out.splitlines()
    assert header.split() == ["task", "nearest"]
    assert [row.split()[0] for row in rows] == list(load_specs())
    assert "by chance" in answer.err


def test_a_written_table_is_an_encoder(newt, tmp_path):
    for name in ("texts.npz", "texts.safetensors"):
        assert newt(f"newt tasks embed {WALKERS} --encoder hashed --out {name}").code == 0
        read = newt(
            f"newt tasks embed walker-run,walker-walk --encoder file --weights {name} --json"
        )
        assert read.code == 0, read.err
        assert read.json["encoder"].startswith("file-")
        again = newt(f"newt tasks embed {WALKERS} --encoder file --weights {name} --out again.npz")
        assert again.code == 0
        with np.load(tmp_path / "again.npz") as table:
            for task in load_specs().select(WALKERS):
                np.testing.assert_array_equal(
                    table[task.id], HashedEncoder().encode([task.text])[0]
                )


def test_plot_writes_a_picture(newt, tmp_path):
    answer = newt(f"newt tasks embed {WALKERS} --encoder hashed --plot texts.png")
    assert answer.code == 0
    assert "wrote texts.png" in answer.err
    with Image.open(tmp_path / "texts.png") as picture:
        assert picture.format == "PNG"


def test_auto_says_what_it_fell_back_to(newt):
    answer = newt(f"newt tasks embed {WALKERS} --json")
    assert answer.json["encoder"] == "hashed-v1"
    assert answer.err.count("hashed n-grams") == 1


def test_mistakes_are_two_lines_at_most(newt, tmp_path):
    (tmp_path / "broken.npz").write_text("nothing")
    (tmp_path / "broken.safetensors").write_text("nothing")
    for options, message in (
        ("--encoder hashd", "Did you mean 'hashed'"),
        ("--encoder file", "--text-weights"),
        ("--encoder file --weights nowhere.npz", "nowhere.npz"),
        ("--encoder file --weights broken.npz", "broken.npz: damaged"),
        ("--encoder clip", "newt weights download clip-vit-b-32"),
        ("--encoder clip --weights nowhere.pt", "there is no weight file nowhere.pt"),
        ("--encoder hashed --weights broken.npz", "has no weights"),
        ("--encoder hashed --plot texts.bmp", "must end in"),
        ("--encoder hashed --out texts.csv", "must end in"),
    ):
        answer = newt(f"newt tasks embed walker-run {options}")
        assert answer.code == 2, options
        assert message in answer.err
        assert len(answer.err.splitlines()) <= 2
        assert answer.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.npz", "broken.safetensors"]
