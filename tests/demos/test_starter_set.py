"""The demonstrations that come with the repository."""

from __future__ import annotations

from pathlib import Path

from newt_core.demos.folder import demo_files, summarise_file
from newt_core.demos.quality import default_episodes
from newt_core.demos.validate import validate
from newt_core.specs import load_specs

DEMOS = Path(__file__).parent.parent.parent / "demos"
LIBRARY = load_specs()
FILES = [summarise_file(path, LIBRARY) for path in demo_files(DEMOS)]
SUMMARIES = {summary.header.task: summary for summary in FILES}


def test_every_file_is_whole_and_of_the_task_as_it_is_now():
    for task in SUMMARIES:
        report = validate(DEMOS / f"{task}.h5", LIBRARY, task=task)
        assert not report.problems, f"{report.path}: {report.problems[0]}"


def test_ten_tasks_of_five_domains_in_five_megabytes():
    domains = [LIBRARY[task].domain for task in SUMMARIES]
    assert len(domains) >= 10
    assert len(set(domains)) >= 5
    assert domains.count("dmcontrol") >= 4
    assert sum(path.stat().st_size for path in DEMOS.glob("*.h5")) < 5_000_000


def test_each_holds_as_many_episodes_of_a_scripted_expert_as_are_collected_by_default():
    for task, summary in SUMMARIES.items():
        assert summary.header.total_episodes == default_episodes(LIBRARY[task])
        assert summary.header.expert.startswith("scripted ")
        assert summary.score is not None
        assert summary.score >= 0.7


def test_the_readme_names_them_all():
    table = (DEMOS / "README.md").read_text(encoding="utf-8")
    rows = [row for row in table.splitlines() if row.startswith("| ") and " | " in row]
    named = {task: row for row in rows for task in row.split(" | ")[1].split(", ")}
    for task, summary in SUMMARIES.items():
        assert named[task].startswith(f"| {LIBRARY[task].domain} |")
        assert named[task].endswith(f"| {summary.header.total_episodes} |")
    assert f"{len(SUMMARIES)} tasks" in table
