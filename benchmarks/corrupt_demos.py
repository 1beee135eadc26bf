"""Corrupt a demonstration file in a thousand ways and see what each reader makes of it.

    python benchmarks/corrupt_demos.py --out benchmarks/results/corrupt-demos.json

Every corruption goes through the reader that learning uses, which has to refuse the file in one
clear line, and through the search for whole episodes, which has to give back nothing but episodes
equal to those written. Some also go through the command line. A file of real play is corrupted:
scripted players of MiniArcade.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.recover import Rest, find_whole, recover
from newt_core.demos.schema import ARRAYS, DemoEpisode
from newt_core.errors import DemoError
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.version import git_version
from newt_core.workflows.collect_demos import CollectionRequest, collect_demos

TASK = "pygame-point-maze-var1"
EPISODES = 10

Corruption = Callable[[bytearray, random.Random], None]


def _place(data: bytearray, dice: random.Random) -> tuple[int, int]:
    """A random piece of up to 1,000 bytes, in the first tenth of the file half of the time."""
    end = len(data) // 10 if dice.random() < 0.5 else len(data)
    first = dice.randrange(end)
    return first, min(first + dice.randint(1, 1000), len(data))


def flip_bit(data: bytearray, dice: random.Random) -> None:
    """One bit."""
    data[_place(data, dice)[0]] ^= 1 << dice.randrange(8)


def flip_bits(data: bytearray, dice: random.Random) -> None:
    """Up to 50 bits anywhere."""
    for _ in range(dice.randint(2, 50)):
        flip_bit(data, dice)


def zero(data: bytearray, dice: random.Random) -> None:
    """A piece that was never written."""
    first, end = _place(data, dice)
    data[first:end] = bytes(end - first)


def overwrite(data: bytearray, dice: random.Random) -> None:
    """A piece of something else."""
    first, end = _place(data, dice)
    data[first:end] = dice.randbytes(end - first)


def cut(data: bytearray, dice: random.Random) -> None:
    """The end is missing."""
    del data[dice.randrange(len(data)) :]


def remove(data: bytearray, dice: random.Random) -> None:
    """A piece in the middle is missing."""
    first, end = _place(data, dice)
    del data[first:end]


def insert(data: bytearray, dice: random.Random) -> None:
    """A piece too many."""
    first, end = _place(data, dice)
    data[first:first] = dice.randbytes(end - first)


def swap(data: bytearray, dice: random.Random) -> None:
    """Two pieces have changed places."""
    size = dice.randint(1, 1000)
    one, other = sorted(dice.randrange(len(data) - size) for _ in range(2))
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )


def append(data: bytearray, dice: random.Random) -> None:
    """Something follows."""
    data += dice.randbytes(dice.randint(1, 1000))


KINDS: tuple[Corruption, ...] = (
    flip_bit, flip_bits, zero, overwrite, cut, remove, insert, swap, append,
)  # fmt: skip


def equal(one: DemoEpisode, other: DemoEpisode) -> bool:
    """Whether all arrays agree to the bit."""
    return one.seed == other.seed and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "success")
        for name in ARRAYS
    )


def refused(path: Path) -> str:
    """What the reader that learning uses says; anything but one clear line is a failure."""
    try:
        list(read_demos(path, load_specs()[TASK]))
    except DemoError as error:
        return str(error) if len(str(error).splitlines()) == 1 else f"LONG {error}"
    except BaseException as error:  # noqa: BLE001 (that is what is counted)
        return f"TRACEBACK {error!r}"
    return "ACCEPTED"


def forked(path: Path, out: Path) -> Rest | None:
    """Search for whole episodes as :func:`recover` does, in a fork: much quicker to start."""
    child = os.fork()
    if child == 0:
        sys.stdout = open(out.with_suffix(".json"), "w", encoding="utf-8")  # noqa: SIM115
        find_whole(path, out)
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    report = out.with_suffix(".json").read_text(encoding="utf-8")
    return Rest.from_json(report) if status == 0 else None


def main() -> None:
    """Corrupt, read, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--through-cli", type=int, default=30, help="of them, also 'newt demos'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    outcomes: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {kind.__name__: Counter() for kind in KINDS}
    messages: Counter[str] = Counter()
    failures: list[str] = []
    library = load_specs()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        collect_demos(
            CollectionRequest([library[TASK]], folder, episodes=EPISODES), library=library
        )
        path, out = folder / f"{TASK}.h5", folder / "whole.h5"
        content = path.read_bytes()
        truth = list(read_demos(path, library[TASK]))
        for number in range(options.count):
            kind = KINDS[number % len(KINDS)]
            data = bytearray(content)
            while bytes(data) == content:
                kind(data, dice)
            path.write_bytes(data)
            verdict = refused(path)
            if verdict.startswith(("LONG", "TRACEBACK", "ACCEPTED")):
                failures.append(f"{number} {kind.__name__}: {verdict}")
            messages[verdict.partition(": ")[2].partition(":")[0].partition(".")[0]] += 1
            out.unlink(missing_ok=True)
            through_cli = number < options.through_cli
            rest = recover(path, out) if through_cli else forked(path, out)
            outcome = check(rest, out, truth)
            if through_cli:
                outcome = outcome if clean_exit(folder, path) else "wrong"
            outcomes[outcome] += 1
            kinds[kind.__name__][outcome] += 1
            if outcome == "wrong":
                failures.append(f"{number} {kind.__name__}: {rest}")
            if (number + 1) % 100 == 0:
                sys.stderr.write(f"{number + 1} corruptions, {len(failures)} failures\n")
    document: dict[str, Any] = {
        "command": f"python benchmarks/corrupt_demos.py --count {options.count}",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "seed": options.seed,
        "file": {"task": TASK, "episodes": EPISODES, "bytes": len(content)},
        "corruptions": options.count,
        "refused_by_the_reader": options.count - sum("ACCEPTED" in f for f in failures),
        "what_was_left": dict(outcomes),
        "by_kind": {kind: dict(counts) for kind, counts in kinds.items()},
        "failures": failures,
        "seconds": round(time.monotonic() - started),
    }
    if options.out:
        write_json(options.out, document)
    sys.stdout.write(f"{document}\n{messages}\n")
    sys.exit(bool(failures))


def check(rest: Rest | None, out: Path, truth: list[DemoEpisode]) -> str:
    """Say what the search for whole episodes gave, and compare it with what was written."""
    if rest is None:
        return "the HDF5 library crashed, contained"
    if not rest.whole:
        return "nothing, with a reason" if rest.reason or rest.damaged else "wrong"
    with open_demos(out) as file:
        for place, name in enumerate(rest.whole):
            if not equal(file.episode(place), truth[int(name.removeprefix("episode_"))]):
                return "wrong"
    return "all episodes" if len(rest.whole) == len(truth) else "some episodes"


def clean_exit(folder: Path, path: Path) -> bool:
    """Whether the command line says what is wrong, without a traceback."""
    command = [sys.executable, "-m", "newt_cli", "demos", "validate", str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    clean = done.returncode == 1 and "WRONG" in done.stdout
    return clean and "Traceback" not in done.stderr + done.stdout


if __name__ == "__main__":
    main()
