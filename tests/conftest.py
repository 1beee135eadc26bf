"""What every test starts from: no network, a cache of its own, and the same random numbers."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary
    from tests.fixtures.layers import Layers

# Otherwise programs that tests start say how many threads they choose when the machine is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SEED = "NEWT_TEST_SEED"
"""Environment variable with another seed than 0; no test may need luck: scripts/repeat_tests.py."""

WORKERS = "NEWT_WORKERS"
"""Environment variable with the number of worker processes of every pool."""

VISION_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""What torchvision looks up while it is imported, as schemas."""

LONGEST_FILES = (
    "training/test_online.py",
    "agents/test_learning.py",
    "training/test_resume_real.py",
    "envs/test_maniskill_assets.py",
    "workflows/test_train.py",
    "cli/test_baselines.py",
    "bench/test_bench_pool.py",
)
"""Begun first, so that no worker is left alone with one of them at the end; see the Makefile."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of :data:`LONGEST_FILES` first, and leave the others in their order."""
    place = {f"tests/{name}": at for at, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays to the end: modules, and the tests."""
    gc.collect()
    gc.freeze()


def seed_all(stream: int) -> None:
    """Seed the global generators, which are otherwise seeded anew in every process.

    PyTorch is left alone where nothing has imported it, and so is CUDA where nothing has begun
    it: to keep a seed for it until then takes longer than most tests.
    """
    seed = 2 * int(os.environ.get(SEED, "0")) + stream
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed what the fixtures draw that a test shares with others."""
    seed_all(0)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Seed what a test and its own fixtures draw, whichever tests run before."""
    seed_all(1)


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give models of the smallest size a few rows: a whole run takes a fraction of its time."""
    from newt_core.model.sizes import SIZES
    from tests.fixtures.models import TINY

    monkeypatch.setitem(SIZES, "2M", TINY)


@pytest.fixture(scope="session", autouse=True)
def outside_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests off the network, and off what the user has cached.

    Environments run in the tests' own process, which spares starting interpreters and importing
    simulators again and again; see :func:`worker_processes`. What is written is not waited for
    until it is on the disk: no test pulls the plug, and there are ten thousands of files.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv(WORKERS, "0")
        for variable in ("NEWT_CACHE", "HF_HUB_CACHE", "TORCH_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        patch.delenv("HF_ENDPOINT", raising=False)
        yield


@pytest.fixture
def worker_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let environments run in processes of their own, as many as there are cores."""
    monkeypatch.delenv(WORKERS)


# Imported where they are used: most tests need neither, and the layers need PyTorch.
@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> Layers:
    """The layers beneath those that the commands call, to be replaced."""
    from tests.fixtures.layers import Layers

    return Layers(monkeypatch)


@pytest.fixture
def short(tmp_path: Path) -> SpecLibrary:
    """Two short tasks, in a file in ``specs/``."""
    from newt_core.specs import load_specs
    from tests.fixtures.short_tasks import SPECS

    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(SPECS)
    return load_specs([tmp_path / "specs"])


@pytest.fixture(scope="session")
def vision_library() -> Iterator[None]:
    """Let open_clip and timm be imported beside a torchvision that was built for CUDA.

    Such a build has no operators for a CPU-only PyTorch, and its import fails for want of them.
    Neither the text tower nor a ViT calls one, so declaring them is enough.
    """
    import torch

    package = find_spec("torchvision")
    assert package is not None
    assert package.origin is not None
    for extension in Path(package.origin).parent.glob("_C*.so"):
        with suppress(OSError):  # of a build that does not fit this PyTorch
            torch.ops.load_library(extension)
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in VISION_OPERATORS:
        if not hasattr(torch.ops.torchvision, schema.split("(")[0]):
            library.define(schema)
    yield
    library._destroy()
