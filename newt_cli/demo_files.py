"""How the commands about demonstrations describe files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from newt_cli import console
from newt_cli.counts import counted

if TYPE_CHECKING:
    from newt_core.demos.folder import FileSummary
    from newt_core.demos.validate import FileReport
    from newt_core.specs import SpecLibrary


def summaries_of(
    what: list[str] | None, folder: Path, library: SpecLibrary
) -> tuple[list[FileSummary], dict[str, str]]:
    """Return what can be read, and the reason for each file that cannot."""
    from newt_core.demos.folder import find_files, summarise_file
    from newt_core.errors import DemoError

    summaries, damaged = [], {}
    for path in find_files(what or (), folder, library):
        try:
            summaries.append(summarise_file(path, library))
        except DemoError as error:
            damaged[str(path)] = str(error)
    return summaries, damaged


def at_a_glance(summary: FileSummary) -> dict[str, Any]:
    """Return what a list says of a file."""
    header = summary.header
    return {
        "episodes": header.total_episodes,
        "kept": header.total_episodes,
        "rejected": header.rejected,
        "steps": header.total_steps,
        "mean_return": summary.mean_return,
        "success": summary.success,
        "score": summary.score,
        "expert": header.expert,
        "path": str(summary.path),
    }


def in_full(summary: FileSummary) -> dict[str, Any]:
    """Return all that there is to say of a file."""
    return {
        "task": summary.header.task,
        **at_a_glance(summary),
        "file": summary.header.to_attributes(),
        "each": [
            info.to_attributes() | ({} if summary.has_success else {"success": None})
            for info in summary.episodes
        ],
    }


def write_in_full(summary: FileSummary) -> None:
    """Print where a file comes from, and its episodes."""
    for name, value in summary.header.to_attributes().items():
        console.write(f"{name:<15} {value}")
    console.write(f"{'file':<15} {summary.path}\n")
    columns = ("episode", "seed", "steps", "return", "success", "score")
    console.write_table(
        columns,
        [
            (
                str(info.id),
                str(info.seed),
                str(info.total_steps),
                console.number(info.episode_return, 2),
                console.number(info.success if summary.has_success else None, 0),
                console.number(info.score, 3),
            )
            for info in summary.episodes
        ],
        right=columns,
        gives_way=("success", "seed"),
    )


def report_of(report: FileReport) -> dict[str, Any]:
    """Return what was found wrong with a file."""
    return {
        "path": str(report.path),
        "task": report.task,
        "ok": report.ok,
        "whole": report.whole,
        "faults": [{"episode": f.episode, "problem": f.problem} for f in report.problems],
    }


def write_files(summaries: list[FileSummary]) -> None:
    """Print a line per file."""
    numbers = ("episodes", "steps", "return", "success", "score", "MB")
    console.write_table(
        ("task", *numbers, "expert", "file"),
        [
            (
                s.header.task,
                str(s.header.total_episodes),
                f"{s.header.total_steps:,}",
                console.number(s.mean_return),
                console.number(s.success, 2),
                console.number(s.score, 3),
                console.number(s.path.stat().st_size / 1e6, 2),
                s.header.expert,
                str(s.path),
            )
            for s in summaries
        ],
        right=numbers,
        folds=("expert", "file"),
        gives_way=("MB", "expert", "steps", "success", "return"),
    )


def say_written(summary: FileSummary, as_json: bool) -> None:
    """Print what was written."""
    if as_json:
        console.write_json({"tasks": {summary.header.task: at_a_glance(summary)}})
    else:
        header = summary.header
        console.notice(
            f"wrote {summary.path}: {counted(header.total_episodes, 'episode')}, "
            f"{counted(header.total_steps, 'step')}"
        )
