"""What one `newt train --demos` does once: reading, checksums, encoders, texts, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import h5py
import numpy as np
import pytest
import torch

from newt_core.demos import checksum
from newt_core.demos.load import padded
from newt_core.demos.read import DemoFile, read_demos
from newt_core.demos.write import writing
from newt_core.encoders.image import choose, tiny
from newt_core.encoders.image.base import FrozenNetwork
from newt_core.encoders.text.hashed import HashedEncoder
from newt_core.replay import Batch, Mixture, ReplayBuffer
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.online import Scores
from newt_core.types import ByteArray
from newt_core.workflows import forecast, pretrain, train
from newt_core.workflows.forecast import Forecast
from tests.fixtures.demonstrations import episode
from tests.fixtures.short_tasks import SPECS

pytestmark = pytest.mark.timeout(300)  # Worker processes are started.

TASKS = ("short-balance", "short-reach")
EPISODES = 2
LINE = (
    "newt train --tasks short-balance,short-reach --specs specs --demos shown --preset smoke "
    "--device cpu --steps 20 --set pretrain.updates=2 --set evaluation.every=0 "
    "--set update.updates_per_step=0.1"
)


def pictures(task: int, number: int) -> ByteArray:
    """[11, 224, 224, 3], no two alike."""
    frames = np.zeros((11, 224, 224, 3), np.uint8)
    frames[:, 0, 0] = np.array([[task, number, row] for row in range(11)])
    return frames


@pytest.fixture
def library(newt: Any, monkeypatch: pytest.MonkeyPatch) -> SpecLibrary:
    """Demonstrations of two tasks, with pictures, in the folder that `newt` works in."""
    torch.set_num_threads(1)
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SPECS)
    library = load_specs([Path("specs")])
    for task, name in enumerate(TASKS):
        with writing(Path(f"shown/{name}.h5"), library[name], "scripted") as writer:
            for number in range(EPISODES):
                seen = partial(pictures, task, number)
                writer.add([replace(episode(number, library[name]), rgb=seen)])
    monkeypatch.setattr(train, "_evaluator", lambda *parts: lambda step, tell: Scores(0.0, {}))
    monkeypatch.setattr(pretrain, "_evaluator", lambda *parts: lambda updates, last, tell: {})
    # A forecast makes a whole trial run, with an encoder of its own.
    nothing = Forecast(0, 0, None, None)
    monkeypatch.setattr(forecast, "forecast", lambda *args, **kwargs: nothing)
    return library


class Counts:
    """Counts what a command does; everything is still done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checksums: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.episodes: Counter[tuple[str, int]] = Counter()
        self.pictures: Counter[bytes] = Counter()
        self.texts: Counter[str] = Counter()
        self.encoders = 0
        self.buffers: list[ReplayBuffer] = []
        shown = (pictures(t, n) for t in range(len(TASKS)) for n in range(EPISODES))
        self.shown = {frame.tobytes() for frames in shown for frame in frames}

        def watch(place: Any, name: str, note: Callable[..., None]) -> None:
            original = getattr(place, name)

            def watched(*args: Any, **kwargs: Any) -> Any:
                note(*args, **kwargs)
                return original(*args, **kwargs)

            spy = create_autospec(original, side_effect=watched)
            monkeypatch.setattr(place, name, spy)

        watch(checksum, "_check", lambda path, kind, file: self.checksums.update([path.name]))
        watch(DemoFile, "episode", lambda file, n: self.episodes.update([(file.path.name, n)]))
        watch(choose, "tiny_encoder", self._count_encoder)
        watch(FrozenNetwork, "encode", self._count_pictures)
        watch(HashedEncoder, "encode", lambda encoder, texts: self.texts.update(texts))
        watch(Mixture, "__init__", lambda mixture, online, demos, share: self.buffers.append(demos))

        opened = self.opened

        class Opened(h5py.File):
            def __init__(self, name: Any, *args: Any, **kwargs: Any) -> None:
                opened.update([Path(name).name])
                super().__init__(name, *args, **kwargs)

        monkeypatch.setattr("newt_core.demos.read.h5py.File", Opened)

    def _count_encoder(self, device: torch.device) -> None:
        self.encoders += 1

    def _count_pictures(self, encoder: FrozenNetwork, frames: ByteArray) -> None:
        # Pictures of the simulators go through it, too.
        self.pictures.update(self.shown & {frame.tobytes() for frame in frames})


def batch_of(buffer: ReplayBuffer) -> Batch:
    return buffer.sample(64, 3, torch.Generator().manual_seed(0))


def assert_same_batch(one: Batch, other: Batch) -> None:
    for name in ("obs", "action", "reward", "task", "features"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_checkpoint(checkpoint)["agent"]["model"]
    return found


def test_one_command_prepares_everything_once(newt, library, monkeypatch):
    with monkeypatch.context() as patch:
        counts = Counts(patch)
        answer = newt(f"{LINE} --obs both --run a")
    assert answer.code == 0, answer.err
    files = [f"{task}.h5" for task in TASKS]
    assert counts.checksums == dict.fromkeys(files, 1)
    assert {name: counts.opened[name] for name in files} == dict.fromkeys(files, 1)
    assert counts.episodes == {(file, n): 1 for file in files for n in range(EPISODES)}
    assert counts.pictures == dict.fromkeys(counts.shown, 1)
    assert counts.texts == {library[task].text: 1 for task in TASKS}
    assert counts.encoders == 1
    assert Path("runs/a/pretraining/checkpoints/last.pt").exists()

    # The agent learns from what it always learned from.
    (buffer,) = counts.buffers
    expected = ReplayBuffer(buffer.capacity, storage="ram", feature_stack=1)
    encoder = tiny.tiny_encoder(torch.device("cpu"))
    for task, name in enumerate(TASKS):
        for one in read_demos(Path(f"shown/{name}.h5"), library[name]):
            assert one.rgb is not None
            expected.add(padded(one, task, encoder.encode(one.rgb())))
    assert_same_batch(batch_of(buffer), batch_of(expected))

    # Another command encodes no picture again, and learns the very same.
    again = Counts(monkeypatch)
    answer = newt(f"{LINE} --obs both --run b")
    assert answer.code == 0, answer.err
    assert not again.pictures
    assert again.encoders == 1
    assert_same_batch(batch_of(again.buffers[0]), batch_of(expected))
    first, second = (
        weights(Path(f"runs/{run}/pretraining/checkpoints/last.pt")) for run in ("a", "b")
    )
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_what_goes_on_from_a_pretraining_finds_its_features(newt, library, monkeypatch):
    line = LINE.replace("newt train", "newt pretrain").replace(" --steps 20", "")
    answer = newt(f"{line} --obs both --run a")
    assert answer.code == 0, answer.err
    counts = Counts(monkeypatch)
    pretrained = "--pretrained runs/a/checkpoints/last.pt"
    answer = newt(f"{LINE.replace('--demos shown ', '')} {pretrained} --run b")
    assert answer.code == 0, answer.err
    assert "going on with the demonstrations in /" in answer.err
    assert not counts.pictures
    files = [f"{task}.h5" for task in TASKS]
    assert {name: counts.checksums[name] for name in files} == dict.fromkeys(files, 1)
    # The texts' vectors are those of the checkpoint.
    assert (counts.encoders, counts.texts) == (1, {})


def test_a_run_that_goes_on_embeds_no_text_and_reads_once(newt, library, monkeypatch):
    answer = newt(f"{LINE} --run a --set demos.pretraining=false")
    assert answer.code == 0, answer.err
    counts = Counts(monkeypatch)
    answer = newt("newt train --run a --resume --specs specs --steps 40")
    assert answer.code == 0, answer.err
    assert counts.checksums == {f"{task}.h5": 1 for task in TASKS}
    assert not counts.texts


def test_a_damaged_file_is_found_before_there_is_a_run(newt, library):
    path = Path("shown/short-reach.h5")
    path.write_bytes(path.read_bytes()[:-1])
    answer = newt(f"{LINE} --run a")
    assert answer.code == 2
    assert "short-reach.h5: cut short" in answer.err
    assert not Path("runs/a").exists()
