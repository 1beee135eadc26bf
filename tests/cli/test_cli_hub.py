"""`newt checkpoint list|download` and `newt demos download`, against a hub on this machine."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newt_core.demos.published import write_published
from newt_core.demos.read import read_demos
from newt_core.specs import load_specs
from newt_core.training.content import read_content
from newt_core.workflows import hub as core
from tests.fixtures import published_models as published
from tests.fixtures.demonstrations import episode
from tests.fixtures.hub import Hub, serving

LIBRARY = load_specs()
MODEL = published.weights("S", text=0, state=24, action=6)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and the demonstrations of two tasks."""
    root = tmp_path_factory.mktemp("hub")
    models, demos = root / "nicklashansen/newt", root / "datasets/nicklashansen/mmbench"
    for name in ("walker-run", "walker-walk"):
        published.write(models / f"{name}.pt", MODEL)
        demos.mkdir(parents=True, exist_ok=True)
        write_published(demos / f"{name}.pt", [episode(n, LIBRARY[name]) for n in range(2)])
    (models / "README.md").write_text("Models.")
    (demos / "walker-walk.pt").write_bytes(b"damaged on its way to the hub")
    return root


@pytest.fixture
def hub(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    # The library looks at the variable once, when it is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    with serving(files) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made


def test_the_list_says_what_there_is_and_what_is_here(newt, hub):
    home = core.MODELS.home
    published.write(home / "walker-walk.pt", MODEL)
    first, second = newt("newt checkpoint list --json").json
    assert (first["name"], first["present"]) == ("walker-run", False)
    assert (second["name"], second["present"]) == ("walker-walk", True)
    assert first["bytes"] == (hub.root / "nicklashansen/newt/walker-run.pt").stat().st_size
    assert first["path"] == str(home / "walker-run.pt")
    table = newt("newt checkpoint list").out
    assert "walker-run" in table
    assert "README" not in table


def test_a_download_becomes_a_checkpoint_of_ours(newt, hub):
    answer = newt("newt checkpoint download walker-run --yes")
    assert answer.code == 0, answer.err
    assert "wrote checkpoints/walker-run.pt: 2M, tasks: walker-run" in answer.err
    assert read_content(Path("checkpoints/walker-run.pt")).task_ids == ["walker-run"]
    again = newt("newt checkpoint download walker-run --yes --out again.pt --json")
    assert again.json["imported_from"] == "walker-run.pt"
    assert len(hub.ranges) == 1, "it is here already"


def test_an_interrupted_download_goes_on_where_it_stopped(hub, monkeypatch):
    (file, _) = core.published_files(core.MODELS)
    told: list[int] = []

    def interrupt(came: int, total: int | None) -> None:
        assert total == file.size
        told.append(came)
        raise KeyboardInterrupt

    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    with pytest.raises(KeyboardInterrupt):
        core.fetch(file, interrupt)
    assert told == [1000]
    assert not file.present
    # The piece that was told of is not written yet; leave another.
    (part,) = file.home.parent.glob(".*.part")
    whole = (hub.root / "nicklashansen/newt/walker-run.pt").read_bytes()
    part.write_bytes(whole[:4321])
    assert core.fetch(file).read_bytes() == whole
    assert hub.ranges[-1] == "bytes=4321-"
    assert [each.name for each in file.home.parent.iterdir()] == ["walker-run.pt"]


def test_a_connection_that_breaks_is_taken_up_again(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    hub.breaks_after = 50_000
    (file, _) = core.published_files(core.MODELS)
    whole = (hub.root / "nicklashansen/newt/walker-run.pt").read_bytes()
    assert core.fetch(file).read_bytes() == whole
    assert hub.ranges == [None, "bytes=50000-"]


def test_what_is_not_the_listed_file_is_not_kept(newt, hub):
    (file, _) = core.published_files(core.MODELS)
    assert file.sha256 is not None
    part = file.home.with_name(f".{file.home.name}.{file.sha256[:12]}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (file.size - 10))
    answer = newt("newt checkpoint download walker-run --yes")
    assert answer.code == 1
    assert "not the file that is listed" in answer.err
    assert not list(file.home.parent.glob("*.pt"))
    assert not part.exists()
    assert newt("newt checkpoint download walker-run --yes").code == 0


def test_the_size_is_asked_first(newt, hub, monkeypatch):
    size = (hub.root / "nicklashansen/newt/walker-run.pt").stat().st_size / 1e6
    answer = newt("newt checkpoint download walker-run")
    assert answer.code == 2
    assert f"{size:,.1f} MB" in answer.err
    assert "--yes" in answer.err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    answer = newt("newt checkpoint download walker-run")
    assert answer.code == 0
    assert "MB" not in answer.out  # a question is no result
    assert f"{size:,.1f} MB to fetch?" in answer.err
    assert not hub.ranges
    assert not Path("checkpoints").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert newt("newt checkpoint download walker-run").code == 0
    assert Path("checkpoints/walker-run.pt").exists()


def test_a_wrong_name_and_a_taken_place_cost_no_download(newt, hub):
    answer = newt("newt checkpoint download walker-rum --yes")
    assert answer.code == 1
    assert "Did you mean 'walker-run'?" in answer.err
    Path("mine.pt").write_bytes(b"mine")
    assert newt("newt checkpoint download walker-run --yes --out mine.pt").code == 2
    assert newt("newt checkpoint download walker-run --task nosuch --yes").code == 2
    assert not hub.ranges


@pytest.mark.parametrize("why", ["forbidden", "silent"])
def test_without_a_network_one_line_says_what_to_bring_where(newt, hub, monkeypatch, why):
    if why == "forbidden":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    else:
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for line, source, name in (
        ("newt checkpoint list", core.MODELS, ""),
        ("newt demos download walker-run,walker-walk", core.DEMONSTRATIONS, ""),
        ("newt checkpoint download walker-run", core.MODELS, "walker-run.pt"),
        ("newt demos download walker-run", core.DEMONSTRATIONS, "walker-run.pt"),
    ):
        answer = newt(line)
        assert answer.code == 1
        (said,) = answer.err.splitlines()
        assert f"/{source.repository}/tree/main" in said
        assert str(source.home / name) in said
        assert ("cannot ask" in said) == (not name)
    # Brought there by hand, it is taken.
    published.write(core.MODELS.home / "walker-run.pt", MODEL)
    assert newt("newt checkpoint download walker-run").code == 0
    assert read_content(Path("checkpoints/walker-run.pt")).task_ids == ["walker-run"]


def test_demonstrations_become_files_of_ours(newt, hub):
    answer = newt("newt demos download walker-run --yes --json")
    assert answer.code == 0, answer.err
    assert answer.json["tasks"]["walker-run"]["episodes"] == 2
    assert answer.json["problems"] == {}
    found = list(read_demos(Path("demos/walker-run.h5"), LIBRARY["walker-run"]))
    assert len(found) == 2
    assert not core.DEMONSTRATIONS.home.joinpath("walker-run.pt").exists()
    again = newt("newt demos download walker-run --yes")
    assert again.code == 0
    assert "in demos already" in again.err
    assert len(hub.ranges) == 1


def test_what_cannot_be_had_does_not_stop_the_rest(newt, hub):
    answer = newt("newt demos download walker-walk,walker-stand,walker-run --yes --json")
    assert answer.code == 1
    assert list(answer.json["tasks"]) == ["walker-run"]
    assert list(answer.json["problems"]) == ["walker-walk", "walker-stand"]
    assert "not a PyTorch file" in answer.json["problems"]["walker-walk"]
    assert "has no demonstrations" in answer.json["problems"]["walker-stand"]
