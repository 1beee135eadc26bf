"""How many updates a second there are alone, and beside processes that keep the cores busy.

    python benchmarks/under_load.py --out benchmarks/results/under-load.json
    python benchmarks/under_load.py --busy torch    # beside other work with PyTorch

======== ==========================================================================
variant  is
======== ==========================================================================
before   PyTorch's own: a thread for each core, waiting threads spin
sleeping a thread for each core, waiting threads sleep: load that comes after the start
after    as ``newt`` does it: as many threads as cores are free, waiting threads sleep
======== ==========================================================================

Every measurement is a process of its own, since OpenMP reads its variables once. The variants take
turns, and the median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.threads import COUNTS, SLEEP, prepare_process
from newt_core.version import git_version

VARIANTS = ("before", "sleeping", "after")
BUSY = {
    "loop": "while True:\n    pass",
    "torch": "import torch\nmatrix = torch.rand(512, 512)\nwhile True:\n    matrix @ matrix",
}
"""What keeps cores busy: a loop one of them, PyTorch as many as there are, a thread on each."""
WARM_UP = 3
"""Updates before the clock starts."""


def measure(variant: str, seconds: float, preset: str) -> dict[str, Any]:
    """Update a model of the preset's size for a while in this process; return how often."""
    if variant == "after":
        prepare_process(lambda line: None)
    import torch

    from newt_core.agents.newt import losses
    from newt_core.agents.newt.update import Learner
    from newt_core.bench.inputs import random_batch, random_model
    from newt_core.training.config import resolve_config

    config, device = resolve_config(preset), torch.device("cpu")
    learner = Learner(random_model(config.model.size, device), config.update)
    batch = random_batch(config.update.batch_size, config.update.horizon, device)
    generator = torch.Generator().manual_seed(0)
    noise = losses.draw_noise(learner.model, batch, generator, torch.Generator().manual_seed(0))
    for _ in range(WARM_UP):
        learner.update(batch, noise=noise)
    start, updates = time.monotonic(), 0
    while time.monotonic() < start + seconds:
        learner.update(batch, noise=noise)
        updates += 1
    rate = updates / (time.monotonic() - start)
    return {"updates_per_s": rate, "threads": torch.get_num_threads()}


@contextmanager
def busy(processes: int, program: str) -> Iterator[None]:
    """Let so many processes run a program of :data:`BUSY`, with nobody's settings of threads."""
    environment = {k: v for k, v in os.environ.items() if k not in (*COUNTS, *SLEEP)}
    line = [sys.executable, "-c", BUSY[program]]
    running = [subprocess.Popen(line, env=environment) for _ in range(processes)]
    try:
        time.sleep(5.0 if processes else 0.0)  # until they have imported what they need
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def in_a_process(variant: str, seconds: float, preset: str, spin_count: int) -> dict[str, Any]:
    """Run :func:`measure` in a process with the variant's variables."""
    environment = {k: v for k, v in os.environ.items() if k not in (*COUNTS, *SLEEP)}
    if variant != "before":
        environment.update({**SLEEP, "GOMP_SPINCOUNT": str(spin_count)})
    line = [sys.executable, __file__, "--measure", variant, "--seconds", str(seconds)]
    done = subprocess.run(
        [*line, "--preset", preset], env=environment, stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    """Measure every variant alone and beside busy processes, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2, help="busy ones beside it")
    parser.add_argument("--busy", choices=BUSY, default="loop", help="what those do")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--preset", default="cpu", help="whose model and batches are updated")
    spins = int(SLEEP["GOMP_SPINCOUNT"])
    parser.add_argument("--spin-count", type=int, default=spins, help="GOMP_SPINCOUNT")
    parser.add_argument("--measure", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.measure:
        found = measure(options.measure, options.seconds, options.preset)
        sys.stdout.write(json.dumps(found))
        return
    started = time.monotonic()
    runs: dict[str, dict[str, list[Any]]] = {}
    for _ in range(options.repeats):
        for place, processes in (("alone", 0), ("beside", options.processes)):
            with busy(processes, options.busy):
                for variant in VARIANTS:
                    found = in_a_process(
                        variant, options.seconds, options.preset, options.spin_count
                    )
                    runs.setdefault(variant, {}).setdefault(place, []).append(found)
                    sys.stderr.write(f"{variant} {place}: {found}\n")
    rates = {
        variant: {
            place: median(each["updates_per_s"] for each in found)
            for place, found in places.items()
        }
        for variant, places in runs.items()
    }
    document = {
        "command": " ".join(
            ["python benchmarks/under_load.py", f"--processes {options.processes}",
             f"--busy {options.busy}", f"--seconds {options.seconds:g}",
             f"--repeats {options.repeats}",
             f"--preset {options.preset}", f"--spin-count {options.spin_count}"]
        ),
        "commit": git_version(),
        "hardware": describe_hardware(),
        "wall_s": round(time.monotonic() - started, 1),
        "updates_per_s": rates,
        "ratios": {
            f"{variant}_over_before_{place}": rates[variant][place] / rates["before"][place]
            for variant in VARIANTS[1:]
            for place in ("alone", "beside")
        },
        "runs": runs,
    }  # fmt: skip
    if options.out:
        write_json(options.out, document)
    else:
        json.dump(document, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
