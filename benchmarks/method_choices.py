"""What choices in the method are worth: runs that differ in one setting, two seeds each.

    python benchmarks/method_choices.py entropy --runs-dir runs --out results/method-entropy.json

Every run and evaluation is one command of the command line. A run that was stopped is gone on
with, and what the file holds already is not done again, so that the whole can be interrupted.

=========== ==================================================================================
experiment  compares
=========== ==================================================================================
entropy     ``update.entropy``: whose entropy the policy is rewarded for, where reward is sparse
cloning     ``update.bc_coef`` without demonstrations: planned actions distilled into the policy
catch-up    ``update.catch_up``: the updates owed for the first, random steps
pretraining ``pretrain.bc_coef``: cloning beside the world model, and what interaction leaves of it
optimiser   ``pretrain.keep_optimiser``: Adam's moments when interaction begins
latents     ``update.bc_latents``: cloning goes on shaping the latents while interacting
=========== ==================================================================================

What ``catch-up``, ``optimiser`` and ``latents`` are compared with, the defaults, are runs of
``cloning`` (with ``update.bc_coef=10``) and ``pretraining``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.recorder import Recorder
from newt_core.training.checkpoint_folder import step_files
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version

SEEDS = (0, 1)
EPISODES = 10
"""Of each task in every evaluation that is compared."""
STARTER = (
    "cartpole-balance,cartpole-balance-sparse,cartpole-swingup,lunarlander-hover,"
    "mujoco-inverted-pendulum,mujoco-reacher,mw-button-press,mw-drawer-close,mw-drawer-open,"
    "mw-reach,mw-window-open,og-point-maze,pendulum-spin,pendulum-swingup,pygame-cowboy,"
    "pygame-landing,pygame-point-maze-var1,rd-push-red,reacher-easy"
)
"""The tasks of ``demos/``."""
DENSE = ("cartpole-swingup", "cartpole-balance")
SPARSE = ("pendulum-swingup", "cartpole-swingup-sparse")
"""By the `cpu` preset as it is: capped at 3,000 steps, random actions met no reward at all."""
SMALL_PLANNER = (
    "planner.num_samples=64",
    "planner.policy_trajectories=8",
    "planner.iterations=2",
    "planner.num_elites=12",
)
INTERACTING = (*SMALL_PLANNER, "update.updates_per_step=0.6")
"""As in the ``demo`` preset: with the ``cpu`` preset's, all of it would take a day."""
INTERACTIONS = (1_500, 6_000)
"""Steps of interaction after which a pretrained agent is looked at."""


@dataclass(frozen=True)
class Variant:
    """One run of an experiment."""

    name: str
    """Names the run, its seed aside."""
    tasks: str
    steps: int
    settings: tuple[str, ...] = ()
    """``KEY=VALUE``, as ``--set`` takes them."""
    pretraining: tuple[str, ...] | None = None
    """The settings of the pretraining that comes before; None for none."""
    look_at: tuple[int, ...] = field(default=())
    """Steps after which its policy is evaluated; if none, policy and planning at its end."""


def _interaction(
    prefix: str, key: str, values: tuple[str, ...], tasks: tuple[str, ...], steps: int
) -> list[Variant]:
    return [
        Variant(f"{prefix}-{value}-{task}", task, steps, (*INTERACTING, f"{key}={value}"))
        for task in tasks
        for value in values
    ]


def _pretrained(name: str, bc_coef: str, *settings: str) -> Variant:
    return Variant(
        name,
        STARTER,
        INTERACTIONS[-1],
        (
            *INTERACTING,
            "demos=demos",
            f"checkpoint.every={INTERACTIONS[0]}",
            "checkpoint.keep=10",
            "evaluation.every=0",
            "evaluation.episodes=1",
            "random_phase.max_steps=20",
            "planner.constrain_until=1",
            "planner.constrain_end=1",
            *settings,
        ),
        (*SMALL_PLANNER, f"pretrain.bc_coef={bc_coef}"),
        INTERACTIONS,
    )


EXPERIMENTS: dict[str, list[Variant]] = {
    "entropy": [
        Variant(f"entropy-{kind}-{task}", task, 12_000, (f"update.entropy={kind}",))
        for task in SPARSE
        for kind in ("gaussian", "squashed")
    ],
    "cloning": _interaction("cloning", "update.bc_coef", ("0", "1", "10"), DENSE, 6_000),
    "catch-up": _interaction("catch-up", "update.catch_up", ("true",), DENSE, 6_000),
    "pretraining": [_pretrained(f"pretrain-bc-{bc}", bc) for bc in ("1", "3", "10")],
    "optimiser": [_pretrained("begin-afresh-10", "10", "pretrain.keep_optimiser=false")],
    "latents": [_pretrained("latents-bc-10", "10", "update.bc_latents=true")],
}


class Choices(Recorder):
    """Makes the runs of experiments."""

    def run(self, variant: Variant, seed: int) -> None:
        """Make one run and its evaluations, unless the file has them."""
        name = f"{variant.name}-seed{seed}"
        if self.has(name):
            return
        started = time.monotonic()
        shown: dict[str, Any] = {"tasks": variant.tasks, "seed": seed, "commit": git_version()}
        settings = [part for setting in variant.settings for part in ("--set", setting)]
        if variant.pretraining is not None:
            before = self._pretrained(variant, seed)
            shown["pretrained"] = self._evaluations(before)
            settings += ["--pretrained", str(before)]
        shown["command"] = self.learn(
            "train",
            name,
            ["--tasks", variant.tasks, "--steps", str(variant.steps), "--seed", str(seed)],
            settings,
        )
        folder = RunFolder(self.runs / name)
        for steps in variant.look_at:
            shown[f"after_{steps}"] = self._evaluations(_checkpoint(folder, steps))
        if not variant.look_at:
            shown["final"] = self._evaluations(folder.checkpoints / "last.pt", planning=True)
        rows = read_metrics(folder.metrics_file)
        shown["updates"] = rows[-1]["updates"]
        shown["train_wall_s"] = rows[-1]["wall_time"]
        shown["curve"] = {
            str(step): {"mode": d["mode"], **{t: r["score"] for t, r in d["tasks"].items()}}
            for step, d in folder.read_evaluations().items()
        }
        shown["wall_s"] = round(time.monotonic() - started, 1)
        self.keep(name, shown)

    def _pretrained(self, variant: Variant, seed: int) -> Path:
        """Pretrain, unless a run with the same settings has, and return the checkpoint."""
        settings = variant.pretraining or ()
        coefficient = settings[-1].rpartition("=")[2]
        name = f"pretrained-{coefficient}-seed{seed}"
        last = self.runs / name / "checkpoints/last.pt"
        if not (self.runs / name / "losses.png").exists():
            options = ["--tasks", variant.tasks, "--demos", "demos", "--seed", str(seed)]
            self.learn("pretrain", name, options, [p for s in settings for p in ("--set", s)])
        return last

    def _evaluations(self, checkpoint: Path, *, planning: bool = False) -> dict[str, Any]:
        """Return each task's score by the policy and, if asked for, by planning."""
        modes = {"policy": ["--policy-only"]} | ({"planning": []} if planning else {})
        return {
            mode: self.evaluation(checkpoint, EPISODES, options) for mode, options in modes.items()
        }


def _checkpoint(folder: RunFolder, steps: int) -> Path:
    """Return the first checkpoint that was saved at or after ``steps``."""
    return min((step, path) for step, path in step_files(folder.checkpoints) if step >= steps)[1]


def todo(experiment: str) -> Iterator[tuple[Variant, int]]:
    """Yield an experiment's runs, all variants of a seed before the next seed."""
    for seed in SEEDS:
        for variant in EXPERIMENTS[experiment]:
            yield variant, seed


def main() -> None:
    """Parse the command line and make the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", choices=sorted(EXPERIMENTS))
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="variants whose name contains this")
    arguments = parser.parse_args()
    recorder = Choices(arguments.runs_dir, arguments.out, arguments.threads)
    for variant, seed in todo(arguments.experiment):
        if arguments.only in variant.name:
            recorder.run(variant, seed)


if __name__ == "__main__":
    main()
