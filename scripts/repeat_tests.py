"""Run tests many times, each time with another seed and in another order: none may need luck.

    python scripts/repeat_tests.py --seeds 200 tests/agents tests/model tests/planner tests/replay

With the first seed all of them run, with the others only those that draw from a global generator
before they have seeded it, as a training run does: no seed changes what the rest does. Of these,
``--longest`` leaves out those that take long. Prints the tests that failed, with their seeds;
``NEWT_TEST_SEED=17 pytest TEST`` repeats one.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
import torch


class Watch:
    """Whether a test draws from one global generator before anything in the test has seeded it.

    Args:
        module: whose generator it is.
        read: returns the generator's state.
        seeding: name of the module's function that seeds it.
        restoring: name of the one that puts a state back.
    """

    def __init__(
        self, module: Any, read: Callable[[], object], seeding: str, restoring: str
    ) -> None:
        self._read = read
        self._first: object = None
        self._expected: object = None
        """What the state is while nothing has drawn; None once a seed has decided it."""
        self.drew = False
        for name in (seeding, restoring):
            setattr(module, name, self.watched(getattr(module, name), restores=name == restoring))

    def begin(self) -> None:
        """Begin with a test."""
        self._first = self._expected = self._read()
        self.drew = False

    def look(self) -> bool:
        """Return whether it has drawn."""
        self.drew |= self._expected is not None and self._read() != self._expected
        return self.drew

    def watched(self, change: Callable[..., Any], *, restores: bool) -> Callable[..., Any]:
        """Return what changes the state, and knows it; ``restores`` where it puts one back."""

        @functools.wraps(change)
        def changed(*arguments: Any, **named: Any) -> Any:
            self.look()
            done = change(*arguments, **named)
            again = restores and self._read() == self._first
            self._expected = self._first if again else None
            return done

        return changed


class WatchedGenerator:
    """PyTorch's global generator itself, for whoever seeds it past ``torch.manual_seed``."""

    def __init__(self, generator: torch.Generator, watch: Watch) -> None:
        self._generator = generator
        self.manual_seed = watch.watched(generator.manual_seed, restores=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)


def torchs_state() -> object:
    """Return where PyTorch's global generator is."""
    return torch.get_rng_state().numpy().tobytes()


def numpys_state() -> object:
    """Return where NumPy's global generator is."""
    state = np.random.get_state(legacy=False)
    return state["state"]["key"].tobytes(), state["state"]["pos"]


def watch_all() -> list[Watch]:
    """Watch the three global generators from now on."""
    watched = [
        Watch(torch.random, torchs_state, "manual_seed", "set_rng_state"),
        Watch(np.random, numpys_state, "seed", "set_state"),
        Watch(random, random.getstate, "seed", "setstate"),
    ]
    torch.manual_seed = torch.random.manual_seed
    torch.set_rng_state = torch.random.set_rng_state
    generator: Any = WatchedGenerator(torch.default_generator, watched[0])
    torch.default_generator = generator
    return watched


class Repetition:
    """A plugin of pytest: shuffles the tests, notes those that fail and those that draw.

    Args:
        seed: of the order.
        failed: test → seeds with which it failed.
        only: The tests to run; None for all.
        watched: The global generators.
    """

    def __init__(
        self,
        seed: int,
        failed: dict[str, list[int]],
        only: set[str] | None,
        watched: list[Watch],
    ) -> None:
        self.seed = seed
        self.watched = watched
        self.failed = failed
        self.only = only
        self.drawing: set[str] = set()
        """Tests that draw from a global generator, or whose fixtures do."""
        self.seconds: dict[str, float] = {}
        """How long each test took."""
        self._fixtures: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out, and shuffle."""
        if self.only is not None:
            items[:] = [item for item in items if item.nodeid in self.only]
        random.Random(self.seed).shuffle(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """See whether a fixture draws; the one that seeds aside."""
        name = fixturedef.argname
        if name == "seeded":
            return (yield)
        drew = self._begun()
        result = yield
        if drew():
            self._fixtures.add(name)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """See whether a test draws."""
        drew = self._begun()
        try:
            return (yield)
        finally:
            fixtures = set(getattr(item, "fixturenames", ()))
            if drew() or fixtures & self._fixtures:
                self.drawing.add(item.nodeid)

    def _begun(self) -> Callable[[], bool]:
        for watch in self.watched:
            watch.begin()
        return lambda: any([watch.look() for watch in self.watched])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note."""
        if report.when == "call":
            self.seconds[report.nodeid] = report.duration
        if report.failed:
            self.failed[report.nodeid].append(self.seed)


def main() -> int:
    """Return 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--longest", type=float, help="seconds; tests that take longer are not repeated"
    )
    parser.add_argument("--shown", action="store_true", help="show pytest's own report")
    parser.add_argument("tests", nargs="+", help="what to run; other options go to pytest")
    arguments, others = parser.parse_known_args()
    failed: dict[str, list[int]] = defaultdict(list)
    only: set[str] | None = None
    watched = watch_all()
    tests = arguments.tests
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        os.environ["NEWT_TEST_SEED"] = str(seed)
        output = sys.stdout
        if not arguments.shown:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        repetition = Repetition(seed, failed, only, watched)
        try:
            code = pytest.main(
                ["-q", "-p", "no:cacheprovider", *others, *tests],
                plugins=[repetition],
            )
        finally:
            if sys.stdout is not output:
                sys.stdout.close()
            sys.stdout = output
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            print(f"pytest ended with {code!r}")
            return 1
        failures = sorted(test for test, seeds in failed.items() if seed in seeds)
        print(f"seed {seed}: {len(failures)} failed", *failures, flush=True)
        if only is None:
            drawing, longest = repetition.drawing, arguments.longest or float("inf")
            only = {test for test in drawing if repetition.seconds[test] <= longest}
            said = f"{len(drawing):,} tests draw from a global generator"
            took = sum(repetition.seconds[test] for test in only)
            print(f"{said}; repeated are {len(only):,}, of {took:.0f} s", flush=True)
            for test in sorted(drawing - only):
                print(f"not repeated: {test}, {repetition.seconds[test]:.1f} s", flush=True)
            tests = sorted({test.partition("::")[0] for test in only})
            if not only:
                break
    for test, seeds in sorted(failed.items()):
        print(f"{test} failed with {len(seeds)} seeds: {', '.join(map(str, seeds))}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
