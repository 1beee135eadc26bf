r"""Why planning scores less, or more, than the policy that it starts from.

    python -m benchmarks.planning states runs/demo/checkpoints/last.pt --out gap.json
    python -m benchmarks.planning scores runs/demo/checkpoints/last.pt --out gap.json \
        --ways policy,constrained,free

``states`` looks at single decisions. In every task the policy (or, with ``--along constrained``,
planning near it) plays episodes; at states spread over them, several sequences of H actions are
judged by the model and then paid by the simulator: the episode is replayed up to that state, the
sequence is executed, and the policy goes on for ``--tail`` steps, half an episode at most. What is
compared is the gain over the policy's own sequence, as predicted and as paid. A short-sighted
model does well with a short tail and badly with a long one.

``scores`` plays whole episodes in several ways of acting, see ``scores.WAYS``.

A file that exists is gone on with: what it holds of the same checkpoint is not done again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.planning.scores import WAYS, score
from benchmarks.planning.states import inspect
from newt_core.agents.newt.agent import NewtAgent
from newt_core.bench.timing import describe_hardware
from newt_core.files import sha256, write_json
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import load_specs
from newt_core.version import git_version
from newt_core.workflows.load_agent import load_agent


class Results:
    """One file, gone on with if it is there."""

    def __init__(self, path: Path, command: str) -> None:
        self.path, self.command = path, command
        self.document: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        )

    def of(self, checkpoint: Path, label: str) -> dict[str, Any]:
        """Return what is known of a checkpoint, to be added to.

        Raises:
            SystemExit: The label stands for another file by now.
        """
        digest = sha256(checkpoint)[:16]
        known: dict[str, Any] = self.document.setdefault(label, {"checkpoint": digest})
        if known["checkpoint"] != digest:
            raise SystemExit(f"error: {self.path} has another checkpoint under '{label}'.")
        return known

    def keep(self, part: dict[str, Any], name: str, shown: Mapping[str, Any], began: float) -> None:
        """Add a result and write the file."""
        part[name] = {
            **shown,
            "wall_s": round(time.monotonic() - began, 1),
            "command": self.command,
            "commit": git_version(),
            "hardware": describe_hardware(),
        }
        write_json(self.path, self.document)
        sys.stderr.write(f"{name}: {shown}\n")


def main(words: Sequence[str] | None = None) -> None:
    """Parse the command line and do what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("states", "scores"))
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--label", default="", help="of the checkpoint; by default its path")
    parser.add_argument("--tasks", help="a selector; by default all it was trained on")
    parser.add_argument("--ways", default=",".join(WAYS), help="of acting, for scores")
    parser.add_argument("--episodes", type=int, default=0, help="of each task; 2 or 10")
    parser.add_argument("--states", type=int, default=12, help="of each episode")
    parser.add_argument("--around", type=int, default=6, help="random sequences near and wide")
    parser.add_argument("--along", choices=("policy", "constrained"), default="policy")
    parser.add_argument("--tail", type=int, default=100, help="steps that are paid afterwards")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    library = load_specs()
    chosen = library.select(arguments.tasks) if arguments.tasks else None
    agent, specs = load_agent(arguments.checkpoint, chosen, library=library, device="cpu")
    if not isinstance(agent, NewtAgent):
        parser.error(f"{arguments.checkpoint} holds no agent of Newt's own kind")
    given = sys.argv[1:] if words is None else list(words)
    results = Results(arguments.out, shlex.join(["python", "-m", "benchmarks.planning", *given]))
    known = results.of(arguments.checkpoint, arguments.label or str(arguments.checkpoint))
    part: dict[str, Any] = known.setdefault(arguments.what, {})
    if arguments.what == "scores":
        for name in arguments.ways.split(","):
            if name not in part:
                began, episodes = time.monotonic(), arguments.episodes or 10
                seed = stream_seed(arguments.seed, Stream.REPORTED_EPISODES)
                shown = score(agent, specs, WAYS[name], episodes, seed)
                results.keep(part, name, {"episodes": episodes, **shown}, began)
        return
    for index, spec in enumerate(specs):
        name = f"{spec.id}, along {arguments.along}, tail {arguments.tail}"
        if name not in part:
            began = time.monotonic()
            shown = inspect(
                agent, spec, index, episodes=arguments.episodes or 2, states=arguments.states,
                around=arguments.around, tail=arguments.tail, seed=arguments.seed,
                along=arguments.along,
            )  # fmt: skip
            results.keep(part, name, shown, began)


if __name__ == "__main__":
    main()
