"""How much memory a run's parts take, beside what `newt plan` says that they take.

    python benchmarks/memory.py --out benchmarks/results/memory.json
    python benchmarks/memory.py --only replay-both --folder /a/large/disk --out memory.json

============== ==================================================================================
part           is
============== ==================================================================================
model-SIZE     an agent of each size that plans and learns with the paper's settings: the most
               that its process takes beyond what PyTorch does
workers        the worker processes of all tasks that can be built here, after some steps; memory
               that they share is divided among them
replay-state   a full replay of ten million rows on the disk, and what the process that fills it
replay-both    and draws from it takes beside the system's cache; with features of pictures, too
============== ==================================================================================

Each part is measured in a process of its own; what the file holds already is not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.bench.processes import children, taken
from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.model.sizes import SIZES
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM, TEXT_DIM, Episode, Observation
from newt_core.version import git_version

PARTS = (*(f"model-{size}" for size in SIZES), "workers", "replay-state", "replay-both")
ENVS, STEPS, UPDATES = 8, 20, 3
ROWS, LENGTH = 10_000_000, 499
"""Of the paper's replay; steps of each episode in it, which takes a row more."""


def forecast(size: str, specs: list[TaskSpec]) -> dict[str, float]:
    """Return the bytes that `newt plan` gives the parts of a run with the paper's settings."""
    from newt_core.threads import usable_cores
    from newt_core.training.config import resolve_config
    from newt_core.workflows.cost import Prices, cost
    from newt_core.workflows.profile import Profile

    config = resolve_config("paper", size=size)
    rates = {"planning_flops_per_s": 1.0, "learning_flops_per_s": 1.0, "simulation_core_s": 1.0}
    machine = {"machine": {}, "device": "cpu", "cores": usable_cores(), "measured_on": "nothing"}
    return cost(config, specs, Profile(**machine, **rates), Prices()).memory


def model(size: str) -> dict[str, Any]:
    """Plan and learn as the paper does."""
    import torch

    from newt_core.agents.newt.actor import Actor, ActorSettings
    from newt_core.agents.newt.agent import NewtAgent
    from newt_core.bench.inputs import NUM_TASKS, random_batch
    from newt_core.model.world_model import TaskTable
    from newt_core.training.config import resolve_config

    torch.randn(64, 64, requires_grad=True).mm(torch.randn(64, 64)).sum().backward()
    config, before = resolve_config("paper", size=size), taken()
    cpu = torch.device("cpu")
    valid, gamma = torch.ones(NUM_TASKS, ACTION_DIM), torch.full((NUM_TASKS,), 0.99)
    table = TaskTable(torch.zeros(NUM_TASKS, TEXT_DIM), valid, gamma)
    agent = NewtAgent(config.model, config.planner, config.update, table, device=cpu)
    actor = Actor(agent, ENVS, seed=0, settings=ActorSettings())
    state, envs = np.zeros((ENVS, STATE_DIM), np.float32), np.arange(ENVS)
    batch = random_batch(config.update.batch_size, config.update.horizon, cpu)
    for update in range(UPDATES):
        actor(Observation(state, envs % NUM_TASKS, envs, np.full(ENVS, update == 0)))
        agent.learner.update(batch)
    said = forecast(size, [load_specs()["walker-run"]])
    return {
        "bytes": taken() - before,
        "before": before,
        "forecast": sum(said[name] for name in ("model", "planning", "learning")),
        "batch_size": config.update.batch_size,
    }


def workers() -> dict[str, Any]:
    """Let random actions be taken in every task."""
    from newt_core.envs.pool import make_pool

    specs = [spec for spec in load_specs().select("all") if not spec.assets]
    with make_pool(specs) as pool:
        pool.reset(seed=0)
        for _ in range(STEPS):
            pool.step(np.zeros((len(specs), ACTION_DIM), np.float32))
        each = [taken(pid, "Pss", "smaps_rollup") for pid in children()]
    return {
        "bytes": sum(each),
        "workers": each,
        "environments": len(specs),
        "forecast": forecast("2M", specs)["simulators"],
    }


def replay(folder: Path, *, features: bool) -> dict[str, Any]:
    """Fill a replay, and draw from it."""
    import torch

    from newt_core.replay import ReplayBuffer
    from newt_core.training.config import resolve_config
    from newt_core.workflows.sizes import replay_bytes

    both = ["model.obs=both", "images.encoder=dinov2"] if features else []
    config = resolve_config("paper", None, both, steps=10 * ROWS)
    generator = np.random.default_rng(0)
    buffer = ReplayBuffer(ROWS, storage="disk", folder=folder, feature_stack=int(features))
    pictures = generator.random((LENGTH + 1, IMAGE_DIM), np.float32).astype(np.float16)
    episode = Episode(
        task=0,
        obs=generator.random((LENGTH + 1, STATE_DIM), np.float32),
        action=generator.random((LENGTH, ACTION_DIM), np.float32),
        reward=generator.random(LENGTH, np.float32),
        features=pictures if features else None,
    )
    began = time.monotonic()
    for _ in range(ROWS // (LENGTH + 1)):
        buffer.add(episode)
    filled = time.monotonic() - began
    drawn = torch.Generator().manual_seed(0)
    began = time.monotonic()
    for _ in range(100):
        buffer.sample(config.update.batch_size, config.update.horizon, drawn)
    return {
        "bytes": sum(512 * file.stat().st_blocks for file in folder.rglob("*") if file.is_file()),
        "forecast": replay_bytes(config, [load_specs()["walker-run"]]),
        "process_bytes": taken(line="RssAnon"),
        "rows": ROWS,
        "episodes": buffer.num_episodes,
        "fill_s": filled,
        "sample_ms": 10 * (time.monotonic() - began),
    }


def measure(part: str, folder: Path | None) -> dict[str, Any]:
    """Measure one part in this process."""
    kind, _, which = part.partition("-")
    if kind == "model":
        return model(which)
    if kind == "workers":
        return workers()
    with tempfile.TemporaryDirectory(dir=folder, prefix="newt-replay-") as place:
        return replay(Path(place) / "replay", features=which == "both")


def main() -> None:
    """Parse the command line, measure what the file lacks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--folder", type=Path, help="where a full replay finds room")
    parser.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.stdout.write(f"{json.dumps(measure(options.child, options.folder))}\n")
        return
    found = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    parts: dict[str, Any] = found.get("parts", {})
    for part in [part for part in options.only if part not in parts]:
        sys.stderr.write(f"{part}\n")
        words = [sys.executable, __file__, "--child", part, "--out", str(options.out)]
        words += ["--folder", str(options.folder)] if options.folder else []
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        parts[part] = json.loads(done.stdout.splitlines()[-1]) | {"commit": git_version()}
        command = f"python benchmarks/memory.py --out {options.out}"
        write_json(
            options.out,
            {"command": command, "commit": git_version(), "hardware": describe_hardware()}
            | {"parts": parts},
        )


if __name__ == "__main__":
    main()
