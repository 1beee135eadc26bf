"""What kinds of agents learn in two classic tasks, beside what others published of theirs.

    python benchmarks/agents_learn.py --runs-dir runs --out benchmarks/results/agents-learn.json
    python benchmarks/agents_learn.py --only brc-cartpole-balance --runs-dir runs --out brc.json

Every run is one ``newt train --agent …`` of a task, evaluated as it goes on after the steps that
scores are published for, and at its end by ``newt eval``. A run that was stopped is gone on with,
and what the file holds already is not done again, so that the whole can be interrupted.

Steps are agent steps, of two simulator steps each. PPO's published steps are simulator steps
without a repeat: half as many are put beside them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.recorder import Recorder
from newt_core.reporting.compare.published import TDMPC2, TDMPC2_DECISIONS
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version

TASKS = ("cartpole-balance", "cartpole-swingup")
SEEDS = (0,)
EPISODES = 10
"""Of every evaluation, as published, unless others are asked for."""


@dataclass(frozen=True)
class Plan:
    """How long an agent learns, and by what settings beside those of the preset."""

    steps: int
    settings: tuple[str, ...] = ()
    """``KEY=VALUE``, as ``--set`` takes them."""


PLANS: Mapping[str, Plan] = {
    "tdmpc2": Plan(50_000),
    "ppo": Plan(
        500_000, ("envs_per_task=16", "agent.options.width=256", "agent.options.lr=0.0003")
    ),
    "fasttd3": Plan(
        100_000,
        ("envs_per_task=16", "agent.options.batch_size=512", "agent.options.updates_per_step=4"),
    ),
    "brc": Plan(50_000),
}
"""On a core, half an hour to two hours each: as many steps as a published score is known for."""

PUBLISHED: Mapping[str, Mapping[str, Mapping[int, float]]] = {
    "TD-MPC2, its result files": {
        task: dict(zip(TDMPC2_DECISIONS, map(float, TDMPC2[task]), strict=True)) for task in TASKS
    },
    "SAC, TD-MPC2's result files": {
        "cartpole-balance": {50_000: 998.7, 100_000: 998.0, 250_000: 984.1},
        "cartpole-swingup": {50_000: 835.0, 100_000: 842.0, 250_000: 834.6},
    },
    "PPO, cleanRL": {
        "cartpole-balance": {500_000: 855.0},
        "cartpole-swingup": {500_000: 641.0},
    },
}
"""Whose → task → agent steps → mean return over three seeds. None is known of FastTD3 and BRC in
these tasks."""


class Learning(Recorder):
    """Makes the runs of agents."""

    episodes = EPISODES

    def run(self, agent: str, task: str, seed: int, plan: Plan) -> None:
        """Make one run and its last evaluation, unless the file has them."""
        name = f"{agent}-{task}-seed{seed}"
        if self.has(name):
            return
        started = time.monotonic()
        every = min(TDMPC2_DECISIONS[0], plan.steps)
        evaluated = (f"evaluation.every={every}", f"evaluation.episodes={self.episodes}")
        settings = [p for each in (*evaluated, *plan.settings) for p in ("--set", each)]
        options = ["--agent", agent, "--tasks", task]
        options += ["--steps", str(plan.steps), "--seed", str(seed)]
        command = self.learn("train", name, options, settings)
        folder = RunFolder(self.runs / name)
        rows = read_metrics(folder.metrics_file)
        curve = {
            step: document["tasks"][task]["return"]
            for step, document in folder.read_evaluations().items()
        }
        shown = {
            "agent": agent,
            "task": task,
            "seed": seed,
            "command": command,
            "commit": git_version(),
            "steps": rows[-1]["step"],
            "updates": rows[-1]["updates"],
            "train_wall_s": rows[-1]["wall_time"],
            "final": self.evaluation(folder.checkpoints / "last.pt", self.episodes),
            "returns": {str(step): reached for step, reached in curve.items()},
            "published": published(task),
            "wall_s": round(time.monotonic() - started, 1),
        }
        self.keep(name, shown)


def published(task: str) -> dict[str, dict[str, float]]:
    """Return others' returns in a task: whose → agent steps → return."""
    return {
        whose: {str(step): reached for step, reached in tasks[task].items()}
        for whose, tasks in PUBLISHED.items()
        if task in tasks
    }


def todo(steps: int | None) -> Iterator[tuple[str, str, int, Plan]]:
    """Yield all runs, every agent in a task before the next task.

    Args:
        steps: Of each run, instead of its plan's.
    """
    for seed in SEEDS:
        for task in TASKS:
            for agent, plan in PLANS.items():
                yield agent, task, seed, Plan(steps or plan.steps, plan.settings)


def main() -> None:
    """Parse the command line and make the runs that are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="runs whose name, agent-task, contains this")
    parser.add_argument("--steps", type=int, help="of each run, to see the whole work in minutes")
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of each evaluation")
    arguments = parser.parse_args()
    recorder = Learning(arguments.runs_dir, arguments.out, arguments.threads)
    recorder.episodes = arguments.episodes
    for agent, task, seed, plan in todo(arguments.steps):
        if arguments.only in f"{agent}-{task}":
            recorder.run(agent, task, seed, plan)


if __name__ == "__main__":
    main()
