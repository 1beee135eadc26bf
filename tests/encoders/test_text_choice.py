"""Names of text encoders: short ones, recorded ones, and what `auto` comes to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.encoders import choose_text_encoder, make_text_encoder
from newt_core.encoders.text import choose
from newt_core.encoders.text.clip import CLIP_WEIGHTS
from newt_core.encoders.text.file import write_table
from newt_core.encoders.weights import WEIGHTS
from newt_core.errors import ConfigError, MissingDependencyError, WeightsError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.npz"
    write_table(path, {"walker-run": np.ones(512, np.float32)})
    return path


def put_clip_weights(size: int | None = None) -> None:
    """Put a file of the right size where CLIP's weights belong; it takes no room on the disk."""
    item = WEIGHTS[CLIP_WEIGHTS]
    item.home.parent.mkdir(parents=True)
    with open(item.home, "wb") as file:
        file.truncate(item.size if size is None else size)


def test_short_and_recorded_names_mean_the_same(table: Path) -> None:
    for short, weights in (("hashed", None), ("one-hot", None), ("zero", None), ("file", table)):
        encoder = make_text_encoder(short, weights)
        again = make_text_encoder(encoder.name, weights)
        assert type(again) is type(encoder)
        assert again.name == encoder.name


def test_a_misspelt_name_is_corrected() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'hashed'"):
        make_text_encoder("hased")


def test_auto_without_a_network_falls_back_in_one_line(monkeypatch) -> None:
    def ask_network(*args: object) -> None:
        raise AssertionError("HF_HUB_OFFLINE is set, but a server was asked")

    monkeypatch.setattr("newt_core.encoders.weights.reachable", ask_network)
    lines: list[str] = []
    assert choose_text_encoder(lines.append) == "hashed"
    (line,) = lines
    assert "hashed" in line
    assert "newt weights download clip-vit-b-32" in line
    assert len(line.splitlines()) == 1
    with pytest.warns(UserWarning, match="hashed n-grams"):
        assert make_text_encoder("auto").name == "hashed-v1"


def test_auto_gives_a_server_that_is_out_of_reach_seconds(monkeypatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    asked: list[float] = []

    def out_of_reach(url: str, seconds: float) -> bool:
        asked.append(seconds)
        return False

    monkeypatch.setattr("newt_core.encoders.weights.reachable", out_of_reach)
    assert choose_text_encoder(lambda line: None) == "hashed"
    assert len(asked) == 1
    assert asked[0] <= 5


def test_auto_is_clip_where_its_weights_are(monkeypatch) -> None:
    put_clip_weights()
    lines: list[str] = []
    assert choose_text_encoder(lines.append) == "clip"
    assert lines == []


@pytest.mark.parametrize("damage", ["size", "library"])
def test_auto_says_why_clip_cannot_be_used(monkeypatch, damage: str) -> None:
    def fail() -> None:
        raise MissingDependencyError("CLIP needs the package 'open_clip', which is not installed.")

    monkeypatch.setattr(choose, "clip_tokenizer", fail)
    put_clip_weights(1000 if damage == "size" else None)
    lines: list[str] = []
    assert choose_text_encoder(lines.append) == "hashed"
    (line,) = lines
    assert ("cut short" if damage == "size" else "the package 'open_clip'") in line


def test_files_go_to_encoders_that_take_one(table: Path) -> None:
    for name in ("hashed", "zero", "auto"):
        with pytest.raises(ConfigError, match=r"table\.npz"):
            make_text_encoder(name, table)
    with pytest.raises(WeightsError, match="--text-weights"):
        make_text_encoder("file")


def test_what_was_recorded_must_be_what_is_here(table: Path) -> None:
    with pytest.raises(WeightsError, match=r"'hashed-v0'.* is 'hashed-v1'") as failure:
        make_text_encoder("hashed-v0")
    assert len(str(failure.value).splitlines()) == 2
    with pytest.raises(WeightsError, match="'file-0123456789ab'"):
        make_text_encoder("file-0123456789ab", table)
    with pytest.raises(WeightsError, match="it was 'file-0123456789ab'"):
        make_text_encoder("file-0123456789ab")
    with pytest.raises(WeightsError, match="weights of your own"):
        make_text_encoder("clip-vit-b-32-0123456789ab")
