"""The report: everything about a run on one page that needs no other file."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from newt_core.reporting.facts import gather
from newt_core.reporting.page import write_report
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import RunConfig
from newt_core.training.run_folder import RunFolder
from tests.fixtures.contents import payload_of
from tests.fixtures.run_folders import (
    add_pretraining,
    evaluation,
    write_metrics,
    write_pretraining,
    write_run,
)


class Page(HTMLParser):
    """A page's headings, cells and addresses, and whether its tags are balanced."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.facts: dict[str, str] = {}
        self._open: list[str] = []
        self._fact = ""
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.addresses += [found[name] for name in ("src", "href") if name in found]
        if tag not in self.VOID:
            self._open.append(tag)
        if tag in ("h2", "h3"):
            self.headings.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "h2" in self._open or "h3" in self._open:
            self.headings[-1] += data
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


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run with everything: pretraining, random actions, videos, a checkpoint."""
    folder = write_run(tmp_path / "runs", "both", demos="demos", seed=7)
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


def test_a_page_has_all_that_a_run_has(run):
    found = page(run, out=run.report)
    assert found.headings == [
        "Scores",
        "both",
        "Newest scores",
        "Pretraining by way of acting",
        "Constrained planning",
        "Losses of the pretraining",
        "Losses of the interaction",
        "Videos",
    ]
    assert found.row("walker-walk") == ["2", "600.0", "–", "0.600", "0.050", "0.150"]  # noqa: RUF001
    assert found.row("total") == ["", "", "", "0.550", "0.040", "0.100"]
    ways = next(row for row in found.rows if row[0] == "score after pretraining")
    assert ways[1:] == ["policy", "planning", "constrained planning"]
    assert found.facts["Commit"] == "abc1234"
    assert found.facts["Text encoder"] == "hashed-512"
    assert found.facts["Seed"] == "7"
    assert found.facts["Pretraining"] == "200 of 200,000 updates"
    assert found.facts["Interaction"] == "1,000 of 1,000 agent steps"
    assert found.facts["Repeat with"].startswith("newt train --config ")


def test_a_page_needs_no_other_file(run):
    found = page(run, out=run.report)
    assert found.addresses
    for address in found.addresses:
        match = re.fullmatch(r"data:([a-z/+0-9]+);base64,(.+)", address)
        assert match, address[:80]
        media, content = match.groups()
        decoded = base64.b64decode(content)
        assert decoded == b"film" if media == "video/mp4" else b"<svg" in decoded


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


def test_a_run_without_evaluations_says_so(tmp_path):
    run = write_run(tmp_path, "new", scores=())
    run.metrics_file.unlink()
    found = page(run, out=run.report)
    assert found.headings == ["new"]
    assert "There is no evaluation yet" in run.report.read_text()


def test_a_run_that_was_stopped_in_its_pretraining(tmp_path):
    run = write_run(tmp_path, "stopped", scores=(), demos="demos")
    run.metrics_file.unlink()
    add_pretraining(run)
    found = page(run, out=run.report)
    assert "Losses of the pretraining" in found.headings
    assert "After 200 updates of pretraining" in run.report.read_text()
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
