"""All agents on one set of tasks, and what some parts of Newt are worth there.

    python -m benchmarks.agents_compared --runs-dir runs --out results/agents-compared.json
    python -m benchmarks.agents_compared --tasks all --large --runs-dir runs --out all.json

Every method gets as many agent steps, summed over the tasks, and two seeds; the ablations of Newt
get one. Each is a command of the command line, and its last checkpoint is evaluated by
``newt eval``. What was stopped is gone on with, and what the file holds already is not done again.
When all is there, ``newt compare`` writes a table and a figure of the agents beside the file, and
of Newt and its ablations with ``-parts`` in their names.

By default the tasks are the eight of :data:`TASKS`, and settings are those of a few hours on two
CPU cores. ``--large`` leaves each agent the settings that were published for it: for a GPU.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.recorder import Recorder
from newt_core.specs import load_specs
from newt_core.training.ablations import read_table
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_list import RunList
from newt_core.version import git_version

TASKS = (
    "cartpole-balance,cartpole-swingup,reacher-easy,pygame-cowboy,pygame-landing,"
    "mw-button-press,mw-drawer-close,og-point-maze"
)
"""Eight of four domains, of which the starter set has demonstrations."""
STEPS, EPISODES, SEEDS = 24_000, 10, 2


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Args:
        options: Words of the command that make it what it is.
        settings: What it changes, ``KEY=VALUE``.
        small: The preset and the settings with which it fits on CPU cores.
        interacts: Whether it takes steps; otherwise it is pretrained alone.
        each: Whether every task gets an agent of its own.
        ablation: Whether it is Newt without a part.
    """

    options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    small: tuple[str, ...] = ("demo",)
    interacts: bool = True
    each: bool = False
    ablation: bool = False


DEMOS = ("--demos", "demos")
PARTS = ("no-language", "no-pretraining", "no-cloning", "no-constrained-planning")
"""Of the table of ``newt ablate``; the fifth is that of no demonstrations."""


def ablations() -> Iterator[tuple[str, Method]]:
    """Yield Newt without its parts, and with the other answer to what the paper leaves open."""
    _, *rows = read_table().chosen([*PARTS, "no-demonstrations", "sampling-episodes"])
    for row in rows:
        options = () if "demos.folder" in row.settings else DEMOS
        kept = {key: value for key, value in row.settings.items() if key != "demos.folder"}
        settings = tuple(_setting(key, value) for key, value in kept.items() if value is not None)
        yield row.name, Method(options, settings, ablation=True)
    cloned = ("update.bc_coef=1", "pretrain.bc_coef=1")
    yield "cloning-1", Method(DEMOS, cloned, ablation=True)


def _setting(name: str, value: Any) -> str:
    """Return a word for ``--set``, which takes texts as they stand."""
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


EVERY_STEP = "agent.options.updates_per_step=8"
"""An update for each step of one of eight tasks, as TD-MPC2 has. With one or two after all of them
have stepped, BRC's values would look a dozen steps ahead by the end."""
METHODS: Mapping[str, Method] = {
    "newt": Method(DEMOS),
    "bc": Method((*DEMOS, "--agent", "bc"), interacts=False),
    "tdmpc2": Method(
        ("--agent", "tdmpc2"), small=("cpu", "random_phase.until_reward=0"), each=True
    ),
    "ppo": Method(("--agent", "ppo"), small=("cpu", "agent.options.width=256")),
    "fasttd3": Method(
        ("--agent", "fasttd3"), small=("cpu", "agent.options.batch_size=256", EVERY_STEP)
    ),
    "brc": Method(("--agent", "brc"), small=("cpu", EVERY_STEP)),
    **dict(ablations()),
}
PRETRAINED = "pretraining alone"
"""Newt's policy before its first step of interaction: no run of its own."""


class Compared(Recorder):
    """Makes the runs, and compares them.

    Args:
        runs: The folder of all runs.
        out: The file.
        threads: Of each command.
        tasks: Selection of tasks.
        steps: Of each run, summed over tasks.
        large: Leave each agent its published settings.
    """

    def __init__(
        self, runs: Path, out: Path, threads: int, *, tasks: str, steps: int, large: bool
    ) -> None:
        super().__init__(runs, out, threads)
        self._tasks, self._steps, self._large = tasks, steps, large
        self.episodes = EPISODES

    def run(self, name: str, method: Method, seed: int) -> None:
        """Make one run and its evaluation, unless the file has them."""
        run = f"{name}-seed{seed}"
        if self.has(run):
            return
        began = time.monotonic()
        options = ["--tasks", self._tasks, "--seed", str(seed), *method.options]
        if method.interacts:
            parts = len(load_specs().select(self._tasks)) if method.each else 1
            options += ["--steps", str(self._steps // parts)]
        options += ["--each"] if method.each else []
        preset, *small = (None,) if self._large else method.small
        if method.interacts and not self._large:
            # A curve of five points; of agents of single tasks, none is drawn.
            every = 0 if method.each else self._steps // 4
            small.append(f"evaluation.every={every}")
        chosen = [*small, *method.settings]
        settings = [word for each in chosen for word in ("--set", each)]
        verb = "train" if method.interacts else "pretrain"
        device = None if self._large else "cpu"
        command = self.learn(verb, run, options, settings, preset=preset, device=device)
        folders = self._folders(run, method)
        rows = [read_metrics(folder.metrics_file)[-1] for folder in folders]
        shown = {
            "command": command,
            "commit": git_version(),
            "steps": _sum(rows, "step") if method.interacts else 0,
            # The rows of a pretraining count updates, as what others call steps.
            "updates": _sum(rows, "updates" if method.interacts else "step"),
            "train_wall_s": _sum(rows, "wall_time"),
            "curve": {} if method.each else _curve(folders[0]),
        }
        newest = [folder.checkpoints / "last.pt" for folder in folders]
        self._keep(run, newest, shown, began)
        if name == "newt":
            before = folders[0].pretraining.checkpoints / "last.pt"
            began = time.monotonic()
            alone = {"command": command, "commit": git_version(), "steps": 0}
            self._keep(f"{PRETRAINED}-seed{seed}", [before], alone, began, ["--policy-only"])

    def compare(self, names: Sequence[str], seeds: int, part: str = "") -> None:
        """Write the table and the figure of these methods beside the file.

        Args:
            names: Of the methods, the baseline first.
            seeds: How many runs each may have.
            part: What the names of table and figure have behind the file's.
        """
        with tempfile.TemporaryDirectory() as folder:
            words = []
            for name in names:
                found = {
                    run: self.document["runs"][run]["evaluation"]
                    for run in (f"{name}-seed{seed}" for seed in range(seeds))
                    if self.has(run)
                }
                if found:
                    file = Path(folder) / f"{name}.json"
                    file.write_text(json.dumps({"evaluations": found}), encoding="utf-8")
                    words.append(f"{name}={file}")
            out = f"{self.out.with_suffix('')}{part}"
            how = ["--baseline", names[0], "--resample", "both", "--out", out]
            self.newt(["compare", *words, *how])

    def _folders(self, run: str, method: Method) -> list[RunFolder]:
        if not method.each:
            return [RunFolder(self.runs / run)]
        runs = RunList.open(run, "each", root=self.runs)
        return [runs.run(member) for member in runs.members]

    def _keep(
        self,
        run: str,
        checkpoints: Sequence[Path],
        shown: dict[str, Any],
        began: float,
        options: Sequence[str] = (),
    ) -> None:
        """Evaluate a run's checkpoints, of which each has other tasks, and keep what they score."""
        tasks: dict[str, Any] = {}
        for checkpoint in checkpoints:
            words = ["eval", str(checkpoint), "--episodes", str(self.episodes), "--seed", "1"]
            tasks |= json.loads(self.newt([*words, *options, "--json"]))["tasks"]
        numbers = ("episodes", "return", "success", "score", "ci95")
        evaluation = {task: {key: one.get(key) for key in numbers} for task, one in tasks.items()}
        shown["wall_s"] = round(time.monotonic() - began, 1)
        self.keep(run, {**shown, "evaluation": {"tasks": evaluation}})


def _sum(rows: Sequence[Mapping[str, float | None]], name: str) -> float:
    """Return the sum of a number over the last rows of several runs."""
    return round(sum(row.get(name) or 0.0 for row in rows), 1)


def _curve(folder: RunFolder) -> dict[str, float]:
    """Return the mean score at each step that a run was evaluated at."""
    found = folder.read_evaluations()
    return {str(step): document["score"] for step, document in found.items()}


def main() -> None:
    """Parse the command line, make the runs that are missing, compare them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tasks", default=TASKS, help="by default, eight of four domains")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each run, over all tasks")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of all but the ablations")
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of each last evaluation")
    parser.add_argument("--large", action="store_true", help="published settings, for a GPU")
    parser.add_argument("--only", choices=METHODS, help="one method alone")
    arguments = parser.parse_args()
    compared = Compared(
        arguments.runs_dir,
        arguments.out,
        arguments.threads,
        tasks=arguments.tasks,
        steps=arguments.steps,
        large=arguments.large,
    )
    compared.episodes = arguments.episodes
    for seed in range(arguments.seeds):
        for name, method in METHODS.items():
            if arguments.only in (None, name) and not (seed and method.ablation):
                compared.run(name, method, seed)
    if arguments.only is None:
        parts = [name for name, method in METHODS.items() if method.ablation]
        agents = [name for name in METHODS if name not in parts]
        compared.compare([*agents, PRETRAINED], arguments.seeds)
        compared.compare(["newt", *parts], arguments.seeds, "-parts")


if __name__ == "__main__":
    main()
