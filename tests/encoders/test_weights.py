"""Weight files: found, verified, fetched from a server of the test's own, and read safely."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from newt_core.encoders import weights
from newt_core.encoders.weights import (
    WEIGHTS,
    WeightFile,
    download,
    download_quickly,
    find,
    load_tensors,
    locate,
    reachable,
    verify,
)
from newt_core.errors import DownloadError, WeightsError

CONTENT = b"0123456789" * 300_000
"""A stand-in for published weights: a few of the chunks that a download is read in."""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WeightFile]:
    """A weight file, published by a server on this machine."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "toy.safetensors").write_bytes(CONTENT)
    handler = partial(QuietHandler, directory=str(folder))
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        toy = WeightFile(
            name="toy",
            file="toy.safetensors",
            source=f"http://127.0.0.1:{server.server_port}/toy.safetensors",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            size=len(CONTENT),
            about="a test's own",
        )
        monkeypatch.setitem(WEIGHTS, "toy", toy)
        yield toy
        server.shutdown()


def left_behind(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_known_files_are_stated_whole() -> None:
    assert {name: known.file for name, known in WEIGHTS.items()} == {
        "clip-vit-b-32": "open_clip_model.safetensors",
        "dinov2-vit-b-14": "dinov2_vitb14_pretrain.pth",
    }
    # A downloaded file is refused unless all of this fits it, so that none of it may be left out.
    assert len({known.sha256 for known in WEIGHTS.values()}) == len(WEIGHTS)
    for known in WEIGHTS.values():
        assert len(bytes.fromhex(known.sha256)) == 32
        assert 300e6 < known.size < 1e9  # of some 90 to 150 million float32 weights
        assert known.url.startswith("https://")
        assert known.url.endswith(f"/{known.file}")


def test_download_verifies_and_reports(item: WeightFile) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download("toy", lambda came, total: seen.append((came, total)))
    assert path == item.home == find("toy") == locate("toy")
    assert path.read_bytes() == CONTENT
    verify("toy", path)
    assert [total for _, total in seen] == [len(CONTENT)] * len(seen)
    counts = [came for came, _ in seen]
    assert counts == sorted(counts)
    assert counts[-1] == len(CONTENT)


def test_another_content_is_refused_and_not_kept(item: WeightFile, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(WEIGHTS, "toy", replace(item, sha256="ab" * 32))
    with pytest.raises(DownloadError, match="not the file that was meant"):
        download("toy")
    assert left_behind(tmp_path / "cache") == []


def test_a_download_that_is_stopped_leaves_nothing(item: WeightFile, tmp_path) -> None:
    def stop(came: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("toy", stop)
    assert left_behind(tmp_path / "cache") == []


def test_what_cannot_be_fetched_can_be_brought(item: WeightFile, monkeypatch) -> None:
    gone = replace(item, source=item.source.replace("toy.", "gone."))
    monkeypatch.setitem(WEIGHTS, "toy", gone)
    with pytest.raises(DownloadError) as failure:
        download("toy")
    said = str(failure.value)
    assert len(said.splitlines()) == 2
    assert "404" in said
    assert gone.source in said
    assert str(item.home) in said


def test_offline_means_offline(item: WeightFile, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert download_quickly("toy", 60) is None
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE"):
        download("toy")


def test_quick_download_takes_what_is_near(item: WeightFile) -> None:
    assert download_quickly("toy", 60) == item.home


def test_quick_download_gives_up_on_a_slow_server(item: WeightFile, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(weights, "TRIAL_SECONDS", 0.0)
    assert download_quickly("toy", 0.0) is None
    assert left_behind(tmp_path / "cache") == []


def test_a_server_that_never_answers_is_given_up(monkeypatch) -> None:
    # Resolving a name takes no time limit: the wait must not depend on it.
    forever = threading.Event()

    def resolve(*args: object, **kwargs: object) -> None:
        forever.wait()
        raise OSError("no such host")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    begin = time.monotonic()
    assert not reachable("http://nowhere.invalid/", 0.2)
    assert time.monotonic() - begin < 30  # a guard against hanging, not a measurement
    forever.set()


def test_a_mirror_takes_the_place_of_the_hub(monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert WEIGHTS["clip-vit-b-32"].url.startswith("https://mirror.example/timm/")
    assert "mirror" not in WEIGHTS["dinov2-vit-b-14"].url


def test_missing_weights_say_what_to_bring(item: WeightFile) -> None:
    with pytest.raises(WeightsError) as failure:
        locate("toy")
    said = str(failure.value)
    assert len(said.splitlines()) == 2
    assert "newt weights download toy" in said
    assert str(item.home) in said


def test_names_are_checked() -> None:
    with pytest.raises(WeightsError, match="Did you mean 'clip-vit-b-32'"):
        locate("clip-vit-b32")


def test_damage_is_found(item: WeightFile) -> None:
    path = download("toy")
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="cut short"):
        locate("toy")
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match="damaged"):
        verify("toy", locate("toy"))


@pytest.mark.parametrize(("variable", "value"), [("TORCH_HOME", "torch"), ("XDG_CACHE_HOME", "")])
def test_files_of_other_programs_are_found(item, monkeypatch, tmp_path, variable, value) -> None:
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv(variable, str(tmp_path / value))
    other = tmp_path / "torch" / "hub" / "checkpoints" / item.file
    other.parent.mkdir(parents=True)
    other.write_bytes(CONTENT)
    assert locate("toy") == other
    own = download("toy")
    assert locate("toy") == own


def test_the_users_own_file_wins(item: WeightFile, tmp_path) -> None:
    mine = tmp_path / "mine.safetensors"
    with pytest.raises(WeightsError, match="there is no weight file"):
        locate("toy", mine)
    mine.write_bytes(b"anything")
    assert locate("toy", mine) == mine


TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b.bias": torch.ones(2, dtype=torch.half)}


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
def test_tensors_come_back_from_both_formats(tmp_path: Path, wrap: str | None) -> None:
    save_file(TENSORS, tmp_path / "w.safetensors")
    torch.save({wrap: TENSORS} if wrap else TENSORS, tmp_path / "w.pth")
    for path in (tmp_path / "w.safetensors", tmp_path / "w.pth"):
        loaded = load_tensors(path)
        assert loaded.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert loaded[name].dtype == tensor.dtype
            torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)
        assert load_tensors(path, lambda name: name.startswith("a.")).keys() == {"a.weight"}
        with pytest.raises(WeightsError, match="none of the tensors"):
            load_tensors(path, lambda name: False)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "w.safetensors")
    torch.save(TENSORS, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        whole = (tmp_path / name).read_bytes()
        for part in (b"", b"garbage" * 20, whole[: len(whole) // 2]):
            (tmp_path / name).write_bytes(part)
            with pytest.raises(WeightsError) as failure:
                load_tensors(tmp_path / name)
            assert len(str(failure.value).splitlines()) == 1
            assert name in str(failure.value)


class Trap:
    """An object whose loading would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code ran",)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_no_file_can_run_code(tmp_path: Path, capsys) -> None:
    torch.save({"a": Trap()}, tmp_path / "trap.pth")
    scripted = torch.jit.script(torch.nn.Linear(1, 1))
    torch.jit.save(scripted, tmp_path / "script.pt")
    for name in ("trap.pth", "script.pt"):
        with pytest.raises(WeightsError, match="could run code"):
            load_tensors(tmp_path / name)
    assert "code ran" not in capsys.readouterr().out
