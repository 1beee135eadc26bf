"""What one agent of several tasks can do: by feedback and without, by other words, in new tasks.

    python benchmarks/multitask_agent.py --runs-dir runs --out results/multitask-agent.json
    python benchmarks/multitask_agent.py --only texts --runs-dir runs --out texts.json

First an agent is trained, by ``newt train`` in the tasks of :data:`TASKS`; everything else asks its
last checkpoint. Every part is made of commands of the command line. What was stopped is gone on
with, and what the file holds already is not done again, so that the whole can be interrupted.

========== ===================================================================================
part       what it shows
========== ===================================================================================
train      demonstrations of the scripted players; the run: its command, scores as it went on, and
           the last ones
open-loop  ``newt openloop`` at 24 and 48 steps in some of the tasks
texts      the tasks of one body with their own text, with it in other words, and with each
           other's: whether the agent does as it is told
finetune-… ``newt finetune --scratch`` in a held-out task, of three domains, two seeds
========== ===================================================================================
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.recorder import Recorder
from newt_core.specs import load_specs
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version

BODY = (
    "og-point-arena",
    "og-point-maze",
    "og-point-bottleneck",
    "og-point-circle",
    "og-point-spiral",
)
"""Tasks of one body that sees itself and the goal: where the walls are, the text alone tells."""
TASKS = (*BODY, "cartpole-balance", "pygame-cowboy", "mw-button-press")
OPEN_LOOP = ("og-point-maze", "cartpole-balance", "pygame-cowboy", "mw-button-press")
SETTINGS = {"pretrain.updates": 4_000}
"""What differs from the preset ``demo``."""
FINETUNE_SETTINGS = {
    "planner.constrain_until": 0.02,
    "planner.constrain_end": 0.12,
    "update.updates_per_step": 1.0,
}
"""The same for finetuning: a task without demonstrations has no policy to stay near."""
HORIZONS = (24, 48)
HELD_OUT = ("og-point-var1", "pygame-reacher-easy", "walker-walk-incline")
"""Of the transfer split, of three domains; the first has the body of five trained tasks."""
IN_OTHER_WORDS: Mapping[str, str] = {
    "og-point-arena": "Go to the goal; there are no walls inside the square.",
    "og-point-maze": "Find the way to the goal along the bends of a labyrinth.",
    "og-point-bottleneck": "Get to the goal, through the narrow opening between both rooms.",
    "og-point-circle": "Go around the block in the middle, along the ring, to the goal.",
    "og-point-spiral": "Follow the spiral passage until you are at the goal.",
}
SEED = 0
STEPS, FINETUNE_STEPS, FINETUNE_SEEDS = 8_000, 2_000, 2
EPISODES = 10
NAME = "multitask"


class Multitask(Recorder):
    """Trains the agent, and asks it.

    Args:
        runs: The folder of all runs.
        out: The file.
        threads: Of each command.
        steps: Of the training.
        finetune_steps: Of each finetuning.
        episodes: Of each evaluation; of the open loop, twice as many.
    """

    def __init__(
        self,
        runs: Path,
        out: Path,
        threads: int,
        *,
        steps: int = STEPS,
        finetune_steps: int = FINETUNE_STEPS,
        episodes: int = EPISODES,
    ) -> None:
        super().__init__(runs, out, threads)
        self._steps = steps
        self._finetune_steps = finetune_steps
        self._episodes = episodes

    @property
    def checkpoint(self) -> Path:
        """The agent."""
        return RunFolder(self.runs / NAME).checkpoints / "last.pt"

    def train(self) -> None:
        """Train the agent, on demonstrations of the tasks that have some, and by itself."""
        if self.has("train"):
            return
        options = ["--tasks", ",".join(TASKS), "--steps", str(self._steps), "--seed", str(SEED)]
        demos = self.runs / f"{NAME}-demos"
        if not all((demos / f"{task}.h5").exists() for task in TASKS):
            self.newt(["collect-demos", "--tasks", ",".join(TASKS), "--out", str(demos)])
        options += ["--demos", str(demos)]
        chosen = {**SETTINGS, "evaluation.every": max(1, self._steps // 4)}
        settings = _set(chosen)
        began = time.monotonic()
        command = self.learn("train", NAME, options, settings, preset="demo")
        folder = RunFolder(self.runs / NAME)
        rows = read_metrics(folder.metrics_file)
        curve = {
            str(step): {task: each["score"] for task, each in found["tasks"].items()}
            for step, found in folder.read_evaluations().items()
        }
        shown = {
            "steps": rows[-1]["step"],
            "updates": rows[-1]["updates"],
            "train_wall_s": rows[-1]["wall_time"],
            "scores": curve,
            "final": self.evaluation(self.checkpoint, self._episodes),
            "policy": self.evaluation(self.checkpoint, self._episodes, ["--policy-only"]),
        }
        self._keep("train", command, shown, began)

    def open_loop(self) -> None:
        """Let it act without feedback in some of its tasks."""
        for horizon in HORIZONS:
            words = ["openloop", str(self.checkpoint), "--tasks", ",".join(OPEN_LOOP)]
            words += ["--horizon", str(horizon), "--episodes", str(2 * self._episodes)]
            words += ["--out", str(self.runs / NAME / "openloop")]
            self._ask(f"open-loop-{horizon}", words)

    def texts(self) -> None:
        """Play each task of the body by each one's text, and by its own in other words."""
        texts = {task: load_specs()[task].instruction for task in BODY}
        for task in BODY:
            asked = {f"as {other}": text for other, text in texts.items()}
            asked["in other words"] = IN_OTHER_WORDS[task]
            for name, text in asked.items():
                words = ["eval", str(self.checkpoint), "--tasks", task, "--instruction", text]
                words += ["--episodes", str(self._episodes), "--seed", "1"]
                self._ask(f"texts-{task}-{name.replace(' ', '-')}", words, ("score", "tasks"))

    def finetune(self, task: str) -> None:
        """Let it learn a held-out task, beside agents that begin with random weights."""
        name = f"{NAME}-{task}"
        where = ["--run", name, "--runs-dir", str(self.runs)]
        words = ["finetune", str(self.checkpoint), "--task", task, "--scratch"]
        words += ["--seeds", str(FINETUNE_SEEDS), "--steps", str(self._finetune_steps)]
        chosen = {**FINETUNE_SETTINGS, "evaluation.episodes": self._episodes}
        words += ["--preset", "demo", *_set(chosen), *where]
        begun = (self.runs / name).exists()
        self._ask(
            f"finetune-{task}", words, going_on=["finetune", "--resume", *where] if begun else None
        )

    def _ask(
        self,
        name: str,
        words: Sequence[str],
        of: Sequence[str] = (),
        *,
        going_on: Sequence[str] | None = None,
    ) -> None:
        """Keep what a command prints, unless the file has it.

        Args:
            name: What it is kept under.
            words: The command.
            of: The parts of the document that are kept; all by default.
            going_on: What is run instead where the command was stopped.
        """
        if self.has(name):
            return
        began = time.monotonic()
        document = json.loads(self.newt([*(going_on or words), "--json"]))
        shown = {key: document[key] for key in of} if of else document
        self._keep(name, f"newt {shlex.join(words)}", shown, began)

    def _keep(self, name: str, command: str, shown: dict[str, Any], began: float) -> None:
        """Keep what was shown, with paths as they would be beside ``runs/``."""
        kept = {
            "command": command,
            "commit": git_version(),
            "wall_s": round(time.monotonic() - began, 1),
            **shown,
        }
        self.keep(name, json.loads(json.dumps(kept).replace(str(self.runs), "runs")))


def _set(settings: Mapping[str, Any]) -> list[str]:
    """Return settings as words of a command line."""
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


PARTS: Mapping[str, Callable[[Multitask], None]] = {
    "train": Multitask.train,
    "open-loop": Multitask.open_loop,
    "texts": Multitask.texts,
    **{f"finetune-{task}": partial(Multitask.finetune, task=task) for task in HELD_OUT},
}


def main() -> None:
    """Parse the command line and do what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, help="after the training, this part alone")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the training")
    parser.add_argument("--finetune-steps", type=int, default=FINETUNE_STEPS)
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of each evaluation")
    arguments = parser.parse_args()
    made = Multitask(
        arguments.runs_dir,
        arguments.out,
        arguments.threads,
        steps=arguments.steps,
        finetune_steps=arguments.finetune_steps,
        episodes=arguments.episodes,
    )
    made.train()
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            part(made)


if __name__ == "__main__":
    main()
