"""Corrupt a run's checkpoints, replay and settings in a thousand ways, and go on with it each time.

    python -m benchmarks.corruptions --out benchmarks/results/corruptions.json

A small run of two tasks is stopped and copied; one file of the copy is corrupted; the real command
goes on with it in this process. Where that ends well and says nothing, the checkpoint at its end
has to be the very one of the run that nobody touched. Only what reads no file of the run is
replaced: worker processes, evaluations, the size of the networks, and waiting for the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.damage import from_another_run, kinds_of
from benchmarks.serial_pool import SerialPool
from newt_cli.app import main as newt
from newt_cli.failures import INTERRUPTED
from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.model.sizes import SIZES, Size
from newt_core.replay.ledger import EPISODES
from newt_core.replay.storage import DiskStorage
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.outcome import Scores
from newt_core.version import git_version
from tests.fixtures.short_tasks import PICTURED

SMALL = Size(enc_dim=24, mlp_dim=32, latent_dim=16, enc_layers=2, num_q=3)
"""Networks of a few rows."""
STEPS, FURTHER = 210, 218
"""Agent steps of the run that is corrupted, and of the one that goes on with it."""
SETTINGS = {
    "update.updates_per_step": 0.25,
    "update.batch_size": 16,
    "random_phase.episodes": 1,
    "evaluation.every": 0,
    "checkpoint.every": 80,
    "checkpoint.keep": 2,
    "replay.capacity": 180,  # full before the end
}
PART = 50
"""Corruptions that a process does before it tells."""
GOOD = ("refused", "recovered and said", "no difference")
BAD = ("silently wrong", "traceback")


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """Replace, for the block, what reads no file of a run."""
    train = "newt_core.workflows.train"
    with (
        patch.dict(SIZES, {"2M": SMALL}),
        patch(f"{train}.open_pool", lambda specs, *_, seed, ray: SerialPool(specs, seed)),
        patch("newt_core.files.os.fsync", lambda file: None),
        patch(f"{train}._evaluator", lambda run, agent: lambda step, tell: Scores(step / 1000, {})),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always", UserWarning)
        yield


def run_newt(line: str) -> tuple[int | None, str]:
    """Run a command here; return its exit code, None for a traceback, and what it said."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code: int | None = newt(line.split())
        except BaseException:  # noqa: BLE001 (whatever escapes is what is looked for)
            said.write(traceback.format_exc())
            code = None
    return code, said.getvalue()


def end_of(run: Path) -> dict[str, Any]:
    """Return the state at a run's end, with the checksums of what its replay really holds."""
    content = load_checkpoint(run / "checkpoints" / "last.pt")
    rows = DiskStorage(run / "replay", content["replay"]["capacity"])
    episodes = content["replay"][EPISODES].tolist()
    content["rows"] = [rows.checksum(start, length) for start, length, _, _ in episodes]
    return {name: value for name, value in content.items() if name not in ("config", "git_version")}


def same(one: Any, other: Any) -> bool:
    """Return whether two states are equal, bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[key], other[key]) for key in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


def outcome_of(run: Path, expected: dict[str, Any]) -> tuple[str, str]:
    """Go on with a corrupted run; return what came of it, and what was said."""
    code, said = run_newt(f"train --run {run} --resume --steps {FURTHER}")
    if code == INTERRUPTED:
        raise SystemExit(INTERRUPTED)
    if code is None or "Traceback" in said:
        return "traceback", said
    if code:
        _, _, error = said.partition("error: ")
        clear = code in (1, 2) and error and len(error.splitlines()) <= 2
        return "refused" if clear else "traceback", said
    if "warning: " in said:
        return "recovered and said", said
    return "no difference" if same(end_of(run), expected) else "silently wrong", said


def begin(root: Path, name: str, seed: int) -> Path:
    """Make the run that is corrupted."""
    specs = root / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "short.yaml").write_text(PICTURED)
    settings = " ".join(f"--set {key}={value}" for key, value in SETTINGS.items())
    code, said = run_newt(
        f"train --tasks short-balance,short-reach --specs {specs} --preset smoke --device cpu "
        f"--text-encoder hashed --seed {seed} --steps {STEPS} {settings} --runs-dir {root} "
        f"--run {name}"
    )
    if code:
        raise SystemExit(said)
    return root / name


@dataclass
class Found:
    """What came of some corruptions."""

    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Kind of corruption → outcome → how often."""
    by_file: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bad: list[dict[str, str]] = field(default_factory=list)
    """Those that were not noticed, or not borne."""

    def add(self, other: Found) -> None:
        """Add those of another process."""
        for mine, theirs in ((self.by_kind, other.by_kind), (self.by_file, other.by_file)):
            for name, counts in theirs.items():
                mine[name] += counts
        self.bad += other.bad

    def document(self) -> dict[str, Any]:
        """Return it for a file."""
        results = sum(self.by_kind.values(), Counter())
        return {
            "outcomes": {name: results[name] for name in (*GOOD, *BAD)},
            "by_kind": {kind: dict(counts) for kind, counts in sorted(self.by_kind.items())},
            "by_file": {name: dict(counts) for name, counts in sorted(self.by_file.items())},
            "bad": self.bad,
        }


def corrupted(numbers: Sequence[int], seed: int = 0) -> Found:
    """Corrupt a run once for each number; the same number is the same corruption."""
    torch.set_num_threads(1)
    found = Found()
    with tempfile.TemporaryDirectory() as folder, stand_ins():
        root = Path(folder)
        whole, other = begin(root, "whole", 1), begin(root, "other", 2)
        untouched = Path(shutil.copytree(whole, root / "untouched"))
        result, said = outcome_of(untouched, {})
        if result != "silently wrong":  # than nothing, that is: it has to go on without a word
            raise SystemExit(f"the run does not go on untouched: {result}: {said}")
        expected = end_of(untouched)
        places = ("checkpoints/*", "replay/*", "specs/*", "config.yaml", ".newest-checkpoint")
        names = [str(p.relative_to(whole)) for place in places for p in sorted(whole.glob(place))]
        for number in numbers:
            dice = random.Random(f"{seed} {number}")
            name = names[number % len(names)]
            damage = dice.choice(kinds_of(name))
            run = Path(shutil.copytree(whole, root / "run"))
            if damage is None:
                from_another_run(run, other, name)
            else:
                damage(run / name, dice)
            kind = damage.__name__ if damage is not None else from_another_run.__name__
            result, said = outcome_of(run, expected)
            found.by_kind[kind][result] += 1
            found.by_file[name][result] += 1
            if result in BAD:
                found.bad.append({"file": name, "kind": kind, "result": result, "said": said})
            shutil.rmtree(run)
    return found


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1, help="the results are the same")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    started = time.monotonic()
    found, done = Found(), 0
    parts = [range(options.count)[first : first + PART] for first in range(0, options.count, PART)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, context) as pool:
        results = pool.map(partial(corrupted, seed=options.seed), parts)
        for part, came in zip(parts, results, strict=True):
            found.add(came)
            done += len(part)
            sys.stderr.write(f"{done} of {options.count}: {len(found.bad)} bad\n")
    document = {
        "command": f"python -m benchmarks.corruptions --count {options.count}",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "seed": options.seed,
        "processes": options.processes,
        "wall_s": round(time.monotonic() - started, 1),
        "corruptions": options.count,
        **found.document(),
    }
    write_json(options.out, document)
    sys.stderr.write(f"{json.dumps(document['outcomes'])}\n")
    raise SystemExit(1 if found.bad else 0)


if __name__ == "__main__":
    main()
