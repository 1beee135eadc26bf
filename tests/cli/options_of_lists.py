"""What must arrive of the options of the commands that make lists of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.resume import run_settings
from tests.cli.option_row import Command, Row, Seen, exit_code, json_row

DEFAULT, SMOKE = RunConfig(), resolve_config("smoke")

ABLATE = "newt ablate --tasks walker-walk --only no-planning"
SHORT = "newt ablate --tasks short-balance --specs specs --only no-planning"
LIST = "newt ablate --list"


class Of:
    """Looks up a setting of the runs of the list that a function got, or a field of the list."""

    def __init__(self, path: str, function: str = "ablate") -> None:
        self._path, self._function = path, function

    def __call__(self, seen: Seen) -> object:
        runs = seen.core.arguments(self._function)["runs"]
        if self._path == "name":
            name = str(runs.path.name)
            return "date and tasks" if re.match(r"\d{4}-\d\d-\d\d_", name) else name
        if self._path == "groups":
            return runs.groups
        if self._path == "seeds":
            return sorted({member.seed for member in runs.members})
        if self._path == "folder":
            return runs.path.parent
        if self._path == "specs":
            return runs.run(runs.members[0]).specs.is_dir()
        value: Any = run_settings(runs.run(runs.members[0]))
        for part in self._path.split("."):
            value = getattr(value, part)
        here = isinstance(value, Path) and value.is_relative_to(Path.cwd())
        return value.relative_to(Path.cwd()) if here else value


def listed(seen: Seen) -> list[str]:
    """The ablations that were printed."""
    return [row["name"] for row in seen.answer.json]


ROWS = (
    Row("--tasks", "newt ablate --tasks cheetah-run --only no-planning", Of("tasks"),
        "cheetah-run", "walker-walk"),
    Row("--task", "newt ablate --task cheetah-run --only no-planning", Of("tasks"),
        "cheetah-run", "walker-walk"),
    Row("--demos", "--demos more", Of("demos.folder"), Path("more"), None, line=SHORT),
    Row("--steps", "--steps 700", Of("steps"), 700, DEFAULT.steps),
    Row("--only", "newt ablate --tasks walker-walk --only one-hot,no-planning --only horizon-1",
        Of("groups"), ["reference", "one-hot", "no-planning", "horizon-1"],
        ["reference", "no-planning"]),
    Row("--seeds", "--seeds 2", Of("seeds"), [0, 1], [0, 1, 2]),
    Row("--jobs", "--jobs 2", "ablate jobs", 2, 1),
    Row("--table", "newt ablate --tasks walker-walk --table rows.yaml", Of("groups"),
        ["reference", "own"], ["reference", "no-planning"]),
    Row("--list", f"{LIST} --only one-hot --json", listed, ["reference", "one-hot"],
        ["reference", "no-planning"], line=f"{LIST} --only no-planning --json"),
    Row("--size", "--size 2M", Of("model.size"), "2M", DEFAULT.model.size),
    Row("--preset", "--preset smoke", Of("planner.num_samples"), SMOKE.planner.num_samples,
        DEFAULT.planner.num_samples),
    Row("--config", "--config mine.yaml", Of("planner.num_samples"), 300,
        DEFAULT.planner.num_samples),
    Row("--set", "--set planner.horizon=2", Of("planner.horizon"), 2, DEFAULT.planner.horizon),
    Row("--seed", "--seed 3", Of("seeds"), [3, 4, 5], [0, 1, 2]),
    Row("--device", "--device cpu", Of("device"), "cpu", "auto"),
    Row("--run", "--run mine", Of("name"), "mine", "date and tasks"),
    Row("--resume", "newt ablate --resume", Of("name"), "a-list", "date and tasks"),
    Row("--resume", "newt ablate --run a-list --resume --steps 2000", Of("steps"), 2000, 1000,
        line="newt ablate --resume"),
    Row("--specs", SHORT, Of("specs"), True, False),
    Row("--strict", "--strict", exit_code, 2, 0,
        line="newt ablate --tasks walker-walk,ms-* --only no-planning", code=2),
    Row("--text-encoder", "--text-encoder zero", Of("text.encoder"), "zero", "hashed"),
    Row("--save-replay", "--save-replay", Of("replay.save"), True, False,
        line=f"{ABLATE} --set replay.save=false"),
    Row("--no-save-replay", "--no-save-replay", Of("replay.save"), False, True,
        line=f"{ABLATE} --set replay.save=true"),
    Row("--runs-dir", "--runs-dir elsewhere", Of("folder"), Path("elsewhere"), Path("runs")),
    Row("--runs-dir", "newt ablate --resume --runs-dir elsewhere", Of("folder"),
        Path("elsewhere"), Path("runs"), line="newt ablate --resume"),
    json_row(),
)  # fmt: skip

LISTS = {"newt ablate": Command(ABLATE, ROWS)}
