"""All checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from newt_core.doctor import downloads, libraries, machine
from newt_core.doctor.check import Check
from newt_core.specs import load_specs
from newt_core.threads import usable_cores

RUNS, DEMOS = Path("runs"), Path("demos")
"""Where commands put runs and look for demonstrations, seen from where they are called."""


def examine() -> Iterator[Check]:
    """Look at the machine; yield what each check found as soon as it and those before it are done.

    What could crash or hang is tried out in processes of its own, as many at a time as there are
    cores. The speed of training is measured last and alone.
    """
    yield machine.check_python()
    yield machine.check_packages()
    library = load_specs()
    slow: list[Callable[[], list[Check]]] = [
        libraries.check_pytorch,
        libraries.check_drawing,
        *(partial(_alone, libraries.check_domain, name, library) for name in libraries.domains()),
    ]
    with ThreadPoolExecutor(min(usable_cores(), len(slow))) as several:
        results: list[Future[list[Check]]] = [several.submit(work) for work in slow]
        try:
            for result in results:
                yield from result.result()
        finally:
            several.shutdown(wait=True, cancel_futures=True)
    yield from downloads.check_downloads()
    yield downloads.check_demonstrations(DEMOS)
    yield from machine.check_room(RUNS)
    yield machine.check_memory()
    yield machine.check_descriptors()
    yield machine.check_threads()
    yield libraries.check_training()


def _alone(work: Callable[..., Check], *arguments: object) -> list[Check]:
    return [work(*arguments)]
