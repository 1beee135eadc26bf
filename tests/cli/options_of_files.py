"""What must arrive of the options of the commands about demonstrations and reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.option_row import (
    Command,
    Row,
    Seen,
    calls,
    exit_code,
    file_there,
    json_row,
    knows,
)

SPECS = "--specs specs"
HOME, MORE = "demos/short-balance.h5", "more/short-balance.h5"


def episodes(path: str) -> Callable[[Seen], int]:
    """How many episodes a file holds by now; 0 if there is none."""

    def look(seen: Seen) -> int:
        from newt_core.demos.read import open_demos

        if not Path(path).exists():
            return 0
        with open_demos(Path(path)) as file:
            return len(file)

    return look


def paths(seen: Seen) -> list[str]:
    """The files in the document that was printed."""
    document = seen.answer.json
    if "path" in document:
        return [document["path"]]
    found = document["files"] if "files" in document else document["tasks"].values()
    return [one["path"] for one in found]


def tasks(seen: Seen) -> list[str]:
    """The tasks in the document that was printed."""
    return list(seen.answer.json["tasks"])


def files(command: str) -> tuple[Row, ...]:
    """The rows that the commands which look at files share."""
    line = f"newt demos {command}"
    return (
        Row("what", f"{line} {MORE} {SPECS} --json", paths, [MORE], [HOME],
            line=f"{line} {SPECS} --json"),
        Row("--demos", "--demos more", paths, [MORE], [HOME], line=f"{line} {SPECS} --json"),
        Row("--specs", SPECS, exit_code, 0, 2, line=f"{line} short-balance"),
        json_row(f"{line} {SPECS}"),
    )  # fmt: skip


SHOW = f"newt demos show short-balance {SPECS}"
IMPORT = f"newt demos import short-balance.pt --task short-balance {SPECS} --out new"
AGAIN = f"newt demos import short-balance.pt --task short-balance {SPECS}"
BRING_DEMOS = "newt demos download walker-run --yes --out new"
EXPORT = f"newt demos export {SPECS}"
MERGE = f"newt demos merge {HOME} {MORE} --out all.h5 {SPECS}"
PLOT = f"newt demos plot {SPECS}"

OF_DEMOS: dict[str, Command] = {
    "newt demos list": Command("newt demos list", files("list")),
    "newt demos validate": Command("newt demos validate", files("validate")),
    "newt demos show": Command(SHOW, (
        Row("what", f"newt demos show {MORE} --json", paths, [MORE], [HOME],
            line=f"{SHOW} --json"),
        Row("--demos", "--demos more", paths, [MORE], [HOME], line=f"{SHOW} --json"),
        Row("--specs", SPECS, exit_code, 0, 2, line="newt demos show short-balance"),
        json_row(),
    )),
    "newt demos import": Command(IMPORT, (
        Row("file", f"newt demos import other.pt --task short-balance {SPECS} --out new",
            "read_published path", Path("other.pt"), Path("short-balance.pt")),
        Row("file", f"newt demos import other.pt --task short-balance {SPECS} "
            "--out new --json", "json tasks.short-balance.expert", "imported other.pt",
            "imported short-balance.pt", line=f"{IMPORT} --json"),
        Row("--task", f"newt demos import other.pt --task short-reach {SPECS} "
            "--out new --json", tasks, ["short-reach"], ["short-balance"],
            line=f"{IMPORT} --json"),
        Row("--out", "--out others", episodes("others/short-balance.h5"), 1, 0, line=AGAIN),
        Row("--append", "--append", episodes(HOME), 3, 2, line=AGAIN),
        Row("--append", "--append", exit_code, 0, 2, line=AGAIN),
        Row("--specs", SPECS, exit_code, 0, 2,
            line="newt demos import other.pt --task short-balance --out new"),
        json_row(),
    ), replaced=("read_published",)),
    "newt demos download": Command(BRING_DEMOS, (
        Row("selector", "newt demos download walker-walk --yes --out new", "fetch file.path",
            "walker-walk.pt", "walker-run.pt"),
        Row("--out", "--out others", "import_file out.parent", Path("others"), Path("demos"),
            line="newt demos download walker-run --yes"),
        Row("--yes", "--yes", exit_code, 0, 2, line="newt demos download walker-run --out new"),
        Row("-y", "-y", exit_code, 0, 2, line="newt demos download walker-run --out new"),
        Row("--specs", SPECS, exit_code, 1, 2,
            line="newt demos download walker-run,short-balance --yes --out new", code=1),
        json_row(),
    ), replaced=("published_files", "fetch", "import_file")),
    "newt demos export": Command(EXPORT, (
        Row("what", f"newt demos export {MORE} {SPECS}", "export_minari path", Path(MORE),
            Path(HOME)),
        Row("--format", "--format published", calls("write_published"), 1, 0),
        Row("--format", "--format published --json", "json format", "published", "minari",
            line=f"{EXPORT} --json"),
        Row("--demos", "--demos more", "export_minari path", Path(MORE), Path(HOME)),
        Row("--out", "--out others", "export_minari folder", Path("others"), Path("exported")),
        Row("--out", "--out others", "write_published path", Path("others/short-balance.pt"),
            Path("exported/short-balance.pt"), line=f"{EXPORT} --format published"),
        Row("--specs", SPECS, exit_code, 0, 2, line="newt demos export"),
        json_row(),
    ), replaced=("export_minari", "write_published")),
    "newt demos merge": Command(MERGE, (
        Row("files", f"newt demos merge {HOME} --out all.h5 {SPECS}", episodes("all.h5"), 2, 3),
        Row("--out", f"newt demos merge {HOME} {MORE} --out both.h5 {SPECS}",
            episodes("both.h5"), 3, 0),
        Row("--append", "--append", episodes(HOME), 3, 2,
            line=f"newt demos merge {MORE} --out {HOME} {SPECS}"),
        Row("--damaged-too", "--damaged-too", episodes("rest.h5"), 1, 0,
            line=f"newt demos merge cut.h5 --out rest.h5 {SPECS}"),
        Row("--specs", SPECS, exit_code, 0, 2, line=f"newt demos merge {HOME} --out all.h5"),
        json_row(),
    )),
    "newt demos plot": Command(PLOT, (
        Row("what", f"newt demos plot {MORE} {SPECS}", "plot_demos summaries.*.path",
            [Path(MORE)], [Path(HOME)]),
        Row("--out", "--out two.svg", "plot_demos path", Path("two.svg"), Path("demos.png")),
        Row("--demos", "--demos more", "plot_demos summaries.*.path", [Path(MORE)],
            [Path(HOME)]),
        Row("--specs", SPECS, exit_code, 0, 2, line="newt demos plot short-balance"),
        json_row(),
    ), replaced=("plot_demos",)),
}  # fmt: skip

COMPARE = "newt compare a elsewhere/b --json"


def methods(seen: Seen) -> list[str]:
    """The methods in the document that was printed."""
    return list(seen.answer.json["methods"])


def unknown_task(seen: Seen) -> bool:
    """Whether a task is not known."""
    return "is not a known task" in seen.answer.err


def names(seen: Seen) -> list[str]:
    """The names in the document that was printed, without those of a finetuning's runs."""
    return [one["name"] for one in seen.answer.json if "/" not in one["name"]]


def old_draft(seen: Seen) -> bool:
    """Whether what is left of a run that was not begun is still there."""
    return Path("runs/.new-run.1").exists()


OF_RUNS: dict[str, Command] = {
    "newt runs list": Command("newt runs list", (
        Row("--runs-dir", "--runs-dir elsewhere --json", names, ["b"], ["a"],
            line="newt runs list --json"),
        json_row(),
    )),
    "newt runs show": Command("newt runs show", (
        Row("run", "newt runs show elsewhere/b --json", "json name", "b", "a",
            line="newt runs show --json"),
        Row("--runs-dir", "--runs-dir elsewhere --json", "json name", "b", "a",
            line="newt runs show --json"),
        json_row(),
    )),
    "newt runs clean": Command("newt runs clean", (
        Row("names", "newt runs clean a --yes", old_draft, True, False,
            line="newt runs clean --yes"),
        Row("--what", "--what replay", old_draft, True, False, line="newt runs clean --yes"),
        Row("--yes", "--yes", old_draft, False, True),
        Row("--runs-dir", "--runs-dir elsewhere", old_draft, True, False,
            line="newt runs clean --yes"),
        json_row(),
    )),
    "newt compare": Command(COMPARE, (
        Row("methods", "newt compare mine=a --json", methods, ["mine"], ["a", "b"]),
        Row("--tasks", "--tasks walker-walk", "json tasks", ["walker-walk"],
            ["walker-walk", "pygame-pong"]),
        Row("--task", "--task walker-walk", "json tasks", ["walker-walk"],
            ["walker-walk", "pygame-pong"]),
        Row("--at", "--at 999", "json methods.a.steps", [0], [1000]),
        Row("--resample", "--resample both", "json intervals.resampled", "both", "tasks"),
        Row("--baseline", "--baseline a", "json baseline", "a", None),
        Row("--repeats", "--repeats 200", "json intervals.repeats", 200, 2000),
        Row("--seed", "--seed 4", "json intervals.seed", 4, 0),
        Row("--out", "--out c", file_there("c.png"), True, False),
        Row("--specs", "--specs specs", unknown_task, False, True,
            line=f"{COMPARE} --tasks short-balance", code=2),
        Row("--runs-dir", "newt compare b --runs-dir elsewhere --json", methods, ["b"], ["a"],
            line="newt compare a --json"),
        json_row("newt compare a"),
    )),
    "newt report": Command("newt report", (
        Row("runs", "newt report a elsewhere/b", "write_report runs.*.name", ["a", "b"], ["a"]),
        Row("--out", "--out c.html", "write_report path", Path("c.html"),
            Path("runs/a/report.html")),
        Row("--runs-dir", "--runs-dir elsewhere", "write_report runs.*.path",
            [Path("elsewhere/b")], [Path("runs/a")]),
        Row("--watch", "--watch", calls("watch"), 1, 0),
        Row("--port", "--port 8000", "watch port", 8000, 8642, line="newt report --watch"),
        Row("--refresh", "--refresh 3", "watch seconds", 3, 10, line="newt report --watch"),
        json_row(),
    ), replaced=("write_report", "watch")),
}  # fmt: skip

SHOWN = "newt checkpoint show made.pt"
BRING = "newt checkpoint import soup-S.pt"
WRITE = "newt checkpoint export made.pt --out there.pt"
FETCH = "newt checkpoint download soup-S --yes"
FETCHED = "import_checkpoint"


OF_CHECKPOINTS: dict[str, Command] = {
    "newt checkpoint show": Command(SHOWN, (
        Row("file", "newt checkpoint show other.pt", "describe_checkpoint path", Path("other.pt"),
            Path("made.pt")),
        Row("--runs-dir", "--runs-dir kept", exit_code, 0, 2,
            line="newt checkpoint show saved"),
        Row("--specs", SPECS, knows("describe_checkpoint", "library"), True, False),
        json_row(),
    ), replaced=("describe_checkpoint",)),
    "newt checkpoint import": Command(BRING, (
        Row("file", "newt checkpoint import soup-L.pt", f"{FETCHED} file", Path("soup-L.pt"),
            Path("soup-S.pt")),
        Row("--tasks", "--tasks walker-run", f"{FETCHED} tasks", "walker-run", None),
        Row("--task", "--task walker-run", f"{FETCHED} tasks", "walker-run", None),
        Row("--size", "--size XL", f"{FETCHED} size", "XL", None),
        Row("--out", "--out new.pt", f"{FETCHED} out", Path("new.pt"), None),
        Row("--specs", SPECS, knows(FETCHED, "library"), True, False),
        json_row(),
    ), replaced=(FETCHED, "describe_checkpoint")),
    "newt checkpoint export": Command(WRITE, (
        Row("file", "newt checkpoint export other.pt --out there.pt", "export_checkpoint file",
            Path("other.pt"), Path("made.pt")),
        Row("--out", "newt checkpoint export made.pt --out new.pt", "export_checkpoint out",
            Path("new.pt"), Path("there.pt")),
        Row("--runs-dir", "--runs-dir kept", exit_code, 0, 2,
            line="newt checkpoint export saved --out there.pt"),
        Row("--specs", SPECS, knows("describe_checkpoint", "library"), True, False),
        json_row(),
    ), replaced=("export_checkpoint", "describe_checkpoint")),
    "newt checkpoint list": Command("newt checkpoint list", (
        json_row(),
    ), replaced=("published_files",)),
    "newt checkpoint download": Command(FETCH, (
        Row("name", "newt checkpoint download soup-L --yes", "fetch file.path", "soup-L.pt",
            "soup-S.pt"),
        Row("--tasks", "--tasks walker-run", f"{FETCHED} tasks", "walker-run", None),
        Row("--task", "--task walker-run", f"{FETCHED} tasks", "walker-run", None),
        Row("--out", "--out new.pt", f"{FETCHED} out", Path("new.pt"), None),
        Row("--yes", "--yes", exit_code, 0, 2, line="newt checkpoint download soup-S"),
        Row("-y", "-y", exit_code, 0, 2, line="newt checkpoint download soup-S"),
        Row("--specs", SPECS, knows(FETCHED, "library"), True, False),
        json_row(),
    ), replaced=("published_files", "fetch", FETCHED, "describe_checkpoint")),
}  # fmt: skip

FILES = OF_DEMOS | OF_RUNS | OF_CHECKPOINTS
