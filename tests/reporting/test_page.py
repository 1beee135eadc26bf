"""The report: everything about a run on one page that needs no other file."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from newt_core.reporting.facts import gather
from newt_core.reporting.page import write_report
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import RunConfig
from newt_core.training.hardware import note_start, read_starts
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from tests.fixtures.contents import payload_of
from tests.fixtures.run_folders import (
    add_pretraining,
    evaluation,
    write_metrics,
    write_pretraining,
    write_run,
)
from tests.fixtures.videos import small_video


class Page(HTMLParser):
    """A page's headings, cells and addresses, and whether its tags are balanced."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.titles: list[str] = []
        self.headlines: list[str] = []
        self.videos: list[dict[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.facts: dict[str, str] = {}
        self._open: list[str] = []
        self._fact = ""
        self._headline = ""
        self._class: str | None = None
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.addresses += [found[name] for name in ("src", "href") if name in found]
        if tag not in self.VOID:
            self._open.append(tag)
        if tag in ("h2", "h3"):
            self.headings.append("")
        if tag == "h1":
            self.titles.append("")
        if found.get("class") == "headline":
            self.headlines.append("")
            self._headline = ""
        if tag == "video":
            self.videos.append(found)
        self._class = found.get("class") if tag == "p" else self._class
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "h2" in self._open or "h3" in self._open:
            self.headings[-1] += data
        if "h1" in self._open:
            self.titles[-1] += data
        if "p" in self._open and self._class == "headline":
            self._headline += data
            self.headlines[-1] = " ".join(self._headline.split())
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += " ".join(data.split()) + (" " if data.endswith(" ") else "")
        if "dt" in self._open:
            self._fact = data
        elif "dd" in self._open:
            self.facts[self._fact] = data

    def row(self, name: str) -> list[str]:
        return next([cell.strip() for cell in row[1:]] for row in self.rows if row[0] == name)


def page(*runs: RunFolder, out: Path) -> Page:
    write_report(runs, out)
    return Page(out.read_text(encoding="utf-8"))


def whole_run(root: Path) -> RunFolder:
    """Return a run with everything: pretraining, random actions, videos, a checkpoint."""
    folder = write_run(root / "runs", "both", demos="demos", seed=7)
    add_pretraining(folder)
    random = {**evaluation(0.15), "mode": "random"}
    (folder.path / "random.json").write_text(json.dumps(random))
    folder.videos.mkdir()
    (folder.videos / "walker-walk.mp4").write_bytes(b"film")
    save_checkpoint(
        folder.checkpoints / "last.pt",
        payload_of(
            RunConfig(),
            text_encoder="hashed-512",
            counters={"steps": 1000},
            git_version="abc1234",
            newt_version="0.1",
        ),
    )
    return folder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return such a run, to be changed."""
    return whole_run(tmp_path)


@dataclass(frozen=True)
class Written:
    """A page that was written once for several tests."""

    text: str
    page: Page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Return the page of such a run, which has a video that can be played, too."""
    run = whole_run(tmp_path_factory.mktemp("whole"))
    small_video(run.videos / "short.mp4")
    found = page(run, out=run.report)
    return Written(run.report.read_text(encoding="utf-8"), found)


def test_a_page_has_all_that_a_run_has(written):
    found = written.page
    assert found.headings == [
        "Scores",
        "Newest scores",
        "Pretraining by way of acting",
        "Videos",
        "Constrained planning",
        "Losses of the pretraining",
        "Losses of the interaction",
        "Settings",
    ]
    assert found.row("walker-walk") == ["0.600 ± 0.050", "0.150", "600.0", "–", "2"]
    assert found.row("total") == ["0.550 ± 0.040", "0.100", "", "", ""]
    ways = next(row for row in found.rows if "policy" in row)
    assert ways[1:] == ["policy", "planning", "constrained planning"]
    assert found.facts["Commit"] == "abc1234"
    assert found.facts["Text encoder"] == "hashed-512"
    assert found.facts["Seed"] == "7"
    assert found.facts["Pretraining"] == "200 of 200,000 updates"
    assert found.facts["Interaction"] == "1,000 of 1,000 agent steps"
    assert found.facts["Repeat with"].startswith("newt train --config ")


def test_a_page_needs_no_other_file(written):
    videos = [str(video["src"]) for video in written.page.videos]
    assert len(videos) == 2
    assert any(base64.b64decode(each.partition(",")[2]) == b"film" for each in videos)
    for address in written.page.addresses:
        match = re.fullmatch(r"data:([a-z/+0-9]+);base64,(.+)", address)
        assert match, address[:80]
        media, content = match.groups()
        assert media == "video/mp4" or b"<svg" in base64.b64decode(content)


def test_a_run_is_named_once_and_its_score_comes_first(written):
    found, text = written.page, written.text
    assert found.titles == ["both"]
    assert "both" not in found.headings
    assert found.headlines == ["0.55 ± 0.04"]
    assert text.index('class="headline"') < text.index("<dl") < text.index("<figure")


def test_a_page_says_when_and_where_the_run_was_at_work_and_how_fast(run):
    hardware = {"processor": "AMD EPYC", "cores": 2, "memory_gb": 25.3}
    starts = [
        {"at": "2026-03-01T09:30:00+00:00", "hardware": {**hardware, "gpu": "NVIDIA H200"}},
        {"at": "2026-03-02T10:00:00+00:00", "hardware": {**hardware, "cores": 1}},
        {"at": "2026-03-03T10:00:00+00:00", "hardware": {**hardware, "cores": 1}},
        "damaged",
    ]
    run.starts.write_text(json.dumps(starts))
    shares = {"planning": 0.5, "simulation": 0.25, "learning": 0.125}
    waits = {"waiting_for_simulation": 0.25, "waiting_for_learning": 0.0}
    timed = {f"time/{name}": share for name, share in (shares | waits).items()}
    rows = [{"step": 1000, "wall_time": 4000.0, "loss/value": 1.0, **timed}]
    write_metrics(run, [*rows, {"step": 1000, "eval/score": 0.5}])
    write_metrics(run.pretraining, [{"step": 200, "wall_time": 100.0, "loss/value": 1.0}])
    facts = page(run, out=run.report).facts
    assert facts["Begun"] == "2026-03-01 09:30 UTC"
    assert facts["Duration"] == "1 h 08 min"
    assert facts["Speed"] == "0.2 agent steps/s"
    assert facts["Stages"] == (
        "50% planning, 25% simulation, 12% learning; 25% waiting for simulation, "
        "0% waiting for learning"
    )
    assert facts["Machine"] == ("AMD EPYC, 2 cores, 25 GB, NVIDIA H200; AMD EPYC, 1 core, 25 GB")


def test_a_run_keeps_when_and_where_it_was_begun(tmp_path):
    file = tmp_path / "starts.json"
    assert read_starts(file) == []
    note_start(file)
    note_start(file)
    first, second = read_starts(file)
    assert first.at <= second.at <= datetime.now(UTC)
    assert first.hardware["cores"] >= 1
    assert first.machine == second.machine
    file.write_text("{")
    assert read_starts(file) == []


@pytest.mark.parametrize(("writes", "kept"), [(True, 1), (False, 0)])
def test_a_run_notes_its_start_where_its_metrics_begin(tmp_path, writes, kept):
    folder = write_run(tmp_path, "a")
    ranks: Any = SimpleNamespace(writes=writes)
    run = RunContext(RunConfig(), folder, load_specs(), ranks=ranks)
    with run.metrics(None):
        pass
    assert len(read_starts(folder.starts)) == kept


def test_pictures_are_single_panels_of_a_phones_width(written):
    pictures = [a for a in written.page.addresses if a.startswith("data:image/svg+xml")]
    # Two tasks, the planning, four losses of which each part has recorded two.
    assert len(pictures) == 2 + 1 + 2 + 2
    for address in pictures:
        svg = base64.b64decode(address.partition(",")[2]).decode()
        width = re.search(r'width="([\d.]+)pt"', svg)
        assert width is not None
        assert float(width[1]) <= 260, "points; shrunk to 368 pixels its words stay legible"
        assert "<text" in svg, "words are words"
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
        assert sizes
        assert min(sizes) >= 5.5, "the exponents on the axes are the smallest"


def test_the_page_folds_on_a_narrow_screen(written):
    text = written.text
    assert 'name="viewport" content="width=device-width' in text
    assert "minmax(min(100%, 17rem), 1fr)" in text, "one panel a row where two do not fit"
    assert "img, video { display: block; width: 100%; height: auto; }" in text
    assert text.count("<table") == text.count('<div class="wide"><table'), "wide ones scroll"
    for head in re.findall(r"<thead><tr>(.*?)</tr>", text):
        columns = re.findall(r"<th>(.*?)</th>", head)
        assert columns[0] in {"task", "score"}
        assert columns[1] in {"score", "policy"}, "the score is beside the task"


def test_a_video_shows_a_picture_before_it_is_played(written):
    whole, damaged = sorted(written.page.videos, key=lambda each: each.get("poster") is None)
    poster = whole["poster"] or ""
    assert poster.startswith("data:image/jpeg;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(poster.partition(",")[2])))
    assert picture.size == (32, 32)
    assert whole["preload"] == "none"
    assert "poster" not in damaged


def test_a_large_video_is_linked_to_from_where_the_page_lies(run, monkeypatch, tmp_path):
    monkeypatch.setattr("newt_core.reporting.page.LARGEST_VIDEO", 3)
    links = [a for a in page(run, out=tmp_path / "b.html").addresses if a.endswith(".mp4")]
    assert links == ["runs/both/videos/walker-walk.mp4"]


def test_several_runs_are_compared(run, tmp_path):
    other = write_run(tmp_path / "runs", "plain", scores=(0.2, 0.5))
    found = page(run, other, out=tmp_path / "b.html")
    assert found.rows[0] == ["newest score", "both", "plain"]
    assert found.row("walker-walk") == ["0.600 ± 0.050", "0.500 ± 0.050"]
    assert found.row("total") == ["0.550 ± 0.040", "0.450 ± 0.040"]
    assert [name for name in found.headings if name in ("both", "plain")] == ["both", "plain"]
    assert found.titles == ["both · plain"]
    assert found.headlines == ["0.55 ± 0.04", "0.45 ± 0.04"]


def test_a_run_without_evaluations_says_so(tmp_path):
    run = write_run(tmp_path, "new", scores=())
    run.metrics_file.unlink()
    found = page(run, out=run.report)
    assert (found.titles, found.headings) == (["new"], ["Settings"])
    assert not found.headlines
    assert found.facts["Begun"] == found.facts["Machine"] == "unknown"
    assert "There is no evaluation yet" in run.report.read_text()


def test_a_run_that_was_stopped_in_its_pretraining(tmp_path):
    run = write_run(tmp_path, "stopped", scores=(), demos="demos")
    run.metrics_file.unlink()
    add_pretraining(run)
    found = page(run, out=run.report)
    assert "Losses of the pretraining" in found.headings
    assert "after 200 updates of pretraining" in run.report.read_text()
    assert found.facts["Repeat with"].startswith("newt train")
    assert "Interaction" not in found.facts


def test_what_newt_pretrain_made(tmp_path):
    run = write_run(tmp_path, "demos", scores=(), demos="demos")
    write_pretraining(run, [0.1, 0.4], 200)
    found = page(run, out=run.report)
    assert "Losses of the pretraining" in found.headings
    assert "Losses of the interaction" not in found.headings
    assert found.facts["Repeat with"].startswith("newt pretrain")


def test_names_are_no_markup(tmp_path):
    run = write_run(tmp_path, "a")
    text = run.config_file.read_text().replace("tasks: walker-walk,pygame-pong", "tasks: <b>&x")
    run.config_file.write_text(text)
    assert page(run, out=run.report).facts["Tasks"] == "<b>&x"


def test_accidents_are_told_where_there_are_any(run):
    assert not {"Environments", "Replay"} & gather(run).summary().keys()
    counted = {"pool/deaths": 3, "pool/lost_episodes": 1204, "replay/damaged_episodes": 1}
    write_metrics(run, [{"step": 500, "pool/deaths": 1}, {"step": 1000, **counted}, {"step": 1001}])
    told = gather(run).summary()
    assert told["Environments"] == "died 3 times; 1,204 episodes were lost"
    assert told["Replay"] == "damaged episodes left out: 1"
