"""`newt weights`."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from newt_core.encoders import weights
from newt_core.encoders.weights import WEIGHTS
from newt_core.errors import DownloadError

CONTENT = {name: f"the tensors of {name}".encode() for name in WEIGHTS}


@pytest.fixture(autouse=True)
def small_weights(monkeypatch, tmp_path):
    """Let short texts be the published files; none is on this machine yet."""
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    for name, item in WEIGHTS.items():
        digest = hashlib.sha256(CONTENT[name]).hexdigest()
        small = replace(item, size=len(CONTENT[name]), sha256=digest)
        monkeypatch.setitem(WEIGHTS, name, small)


def bring(name: str, content: bytes | None = None) -> str:
    """Do what the missing file's line asks for."""
    home = WEIGHTS[name].home
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_bytes(CONTENT[name] if content is None else content)
    return str(home)


def test_list_says_per_file_whether_it_is_here(newt):
    home = bring("clip-vit-b-32")
    clip, dino = newt("newt weights list --json").json
    assert (clip["name"], clip["present"], clip["path"]) == ("clip-vit-b-32", True, home)
    assert clip["bytes"] == len(CONTENT["clip-vit-b-32"])
    assert clip["sha256"] == hashlib.sha256(CONTENT["clip-vit-b-32"]).hexdigest()
    assert clip["problem"] is None
    assert (dino["name"], dino["present"]) == ("dinov2-vit-b-14", False)
    assert dino["path"] == str(WEIGHTS["dinov2-vit-b-14"].home)
    assert dino["problem"] == "not downloaded"


def test_a_missing_file_is_one_line_that_says_what_to_bring(newt):
    bring("clip-vit-b-32")
    answer = newt("newt weights list")
    assert answer.code == 0
    rows = {row.split()[0]: row.split()[1:3] for row in answer.out.splitlines()}
    assert [present for _, present in rows.values()] == ["present", "yes", "no"]
    (line,) = [line for line in answer.err.splitlines() if "dinov2" in line]
    item = WEIGHTS["dinov2-vit-b-14"]
    for part in (f"newt weights download {item.name}", item.file, item.source, str(item.home)):
        assert part in line


def test_check_tells_intact_from_damaged_from_missing(newt):
    assert newt("newt weights check").code == 1
    for name in WEIGHTS:
        bring(name)
    whole = newt("newt weights check --json")
    assert whole.code == 0
    assert [row["problem"] for row in whole.json] == [None, None]
    bring("clip-vit-b-32", b"something else altogether")
    damaged = newt("newt weights check --json")
    assert damaged.code == 1
    clip, dino = damaged.json
    assert "damaged" in clip["problem"]
    assert clip["sha256"] == hashlib.sha256(b"something else altogether").hexdigest()
    assert dino["problem"] is None
    assert "newt weights download clip-vit-b-32" in damaged.err
    assert newt("newt weights check dinov2-vit-b-14").code == 0


def test_download_fetches_what_is_missing(newt, monkeypatch):
    here = bring("clip-vit-b-32")

    def fetch(url, path, *, sha256, progress):
        assert url == WEIGHTS["dinov2-vit-b-14"].url
        assert sha256 == WEIGHTS["dinov2-vit-b-14"].sha256
        progress(1, 2)
        bring("dinov2-vit-b-14")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(weights, "download_file", fetch)
    answer = newt("newt weights download --json")
    assert answer.code == 0, answer.err
    assert [row["path"] for row in answer.json] == [here, str(WEIGHTS["dinov2-vit-b-14"].home)]


def test_download_replaces_a_file_that_was_cut_short(newt, monkeypatch):
    bring("clip-vit-b-32", CONTENT["clip-vit-b-32"][:5])
    fetched = []

    def fetch(url, path, *, sha256, progress):
        fetched.append(path)
        bring("clip-vit-b-32")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(weights, "download_file", fetch)
    assert newt("newt weights download clip-vit-b-32").code == 0
    assert fetched == [WEIGHTS["clip-vit-b-32"].home]
    assert newt("newt weights download clip-vit-b-32").code == 0
    assert len(fetched) == 1


def test_a_failed_download_says_what_to_bring(newt, monkeypatch):
    def fail(url, path, *, sha256, progress):
        raise DownloadError(f"cannot fetch {url}: no route to host.")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(weights, "download_file", fail)
    answer = newt("newt weights download clip-vit-b-32")
    assert answer.code == 1
    assert "no route to host" in answer.err
    assert "Bring open_clip_model.safetensors" in answer.err
    assert len(answer.err.splitlines()) == 2


def test_offline_is_respected(newt):
    answer = newt("newt weights download clip-vit-b-32")
    assert answer.code == 1
    assert "HF_HUB_OFFLINE" in answer.err


def test_names_are_checked(newt):
    answer = newt("newt weights check clip-vit-b32")
    assert answer.code == 2
    assert "Did you mean 'clip-vit-b-32'" in answer.err
