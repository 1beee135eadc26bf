"""CLIP's text tower, the real one with random weights, against open_clip's own forward pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from newt_core.encoders import ClipEncoder, library
from newt_core.encoders.library import import_library
from newt_core.encoders.text import clip as module
from newt_core.encoders.text.clip import CLIP_WEIGHTS, clip_tokenizer
from newt_core.encoders.weights import WEIGHTS
from newt_core.errors import MissingDependencyError, WeightsError
from newt_core.files import sha256
from newt_core.specs import load_specs
from newt_core.types import FloatArray
from tests.fixtures.tiny_clip import TEXTS, WIDTH, tiny_tensors, write_tiny_clip

ROOT = Path(__file__).parents[2]
ARCHITECTURE = "ViT-B-32-quickgelu"
"""open_clip's name: OpenAI trained with QuickGELU, which open_clip's plain ViT-B-32 lacks."""
GOLDEN = [
    [0.005359, 0.077101, 0.048235, 0.019084, 0.042352, 0.073114, 0.033158, -0.011664],
    [0.001408, 0.070121, 0.039745, 0.022385, 0.045732, 0.071540, 0.030926, -0.016078],
    [-0.006524, 0.083635, 0.042319, 0.029328, 0.049417, 0.078835, 0.031951, -0.017319],
]
"""Every 64th entry of what open_clip 3.3 makes of the texts with the tiny weights."""


@dataclass(frozen=True)
class RandomClip:
    """A weight file, and what open_clip makes of the texts with it."""

    path: Path
    vectors: FloatArray


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, vision_library: None) -> RandomClip:
    import open_clip

    with torch.device("meta"):  # without the minutes that initialising the image tower takes
        model = open_clip.CLIP(**open_clip.get_model_config(ARCHITECTURE))
    model.visual = torch.nn.Identity()
    model = model.to_empty(device="cpu").eval()
    model.attn_mask = torch.full((77, 77), -torch.inf).triu(1)
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for parameter in model.parameters():
            # Values that float16 holds exactly keep the file small and the comparison exact.
            parameter.copy_(parameter.normal_(0, 0.05, generator=generator).half())
        tokens = open_clip.get_tokenizer(ARCHITECTURE)(TEXTS)
        vectors = model.encode_text(tokens, normalize=True).numpy()
    tensors = {name: tensor.half().clone() for name, tensor in model.state_dict().items()}
    # A full file has the image tower's tensors, too.
    tensors["visual.proj"] = torch.zeros(768, 512, dtype=torch.half)
    path = tmp_path_factory.mktemp("clip") / "random.safetensors"
    save_file(tensors, path)
    return RandomClip(path, vectors)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def published(clip: RandomClip, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the random weights pass for the published ones, at the place where those belong."""
    size = clip.path.stat().st_size
    item = replace(WEIGHTS[CLIP_WEIGHTS], size=size, sha256=sha256(clip.path))
    monkeypatch.setitem(WEIGHTS, CLIP_WEIGHTS, item)
    item.home.parent.mkdir(parents=True)
    item.home.symlink_to(clip.path)
    yield item.home
    item.home.unlink()


def no_reading(*args: object) -> None:
    raise AssertionError("the weights were read")


def test_vectors_are_those_of_open_clip(clip: RandomClip, cache: Path) -> None:
    encoder = ClipEncoder(clip.path)
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (3, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(vectors, clip.vectors, atol=2e-6)
    assert encoder.encode([]).shape == (0, 512)
    # Random weights, too, tell texts apart.
    assert (vectors @ vectors.T)[np.triu_indices(3, 1)].max() < 0.999


def test_it_works_in_the_environment_as_it_is_installed(tmp_path: Path) -> None:
    """Whether or not torchvision fits PyTorch here: neither it nor all of open_clip is imported."""
    program = [sys.executable, "-m", "tests.fixtures.tiny_clip"]
    path = write_tiny_clip(tmp_path / "tiny.safetensors")
    environment = {**os.environ, "NEWT_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*program, path], env=environment, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert answer["loaded"] == []
    np.testing.assert_allclose(np.array(answer["vectors"])[:, ::64], GOLDEN, atol=2e-6)


def test_the_tokenizer_leaves_nothing_behind() -> None:
    before = set(sys.modules)
    tokens = clip_tokenizer()(["run"])
    assert tokens.shape == (1, 77)
    assert tokens[0, :4].tolist() == [49406, 1934, 49407, 0]
    assert {name for name in set(sys.modules) - before if "open_clip" in name} == set()


def test_a_text_is_encoded_once(clip: RandomClip, cache: Path, monkeypatch) -> None:
    first = ClipEncoder(clip.path).encode(TEXTS[:2])
    with monkeypatch.context() as patch:
        patch.setattr(module, "load_tensors", no_reading)
        again = ClipEncoder(clip.path).encode([TEXTS[1], TEXTS[0], TEXTS[1]])
        np.testing.assert_array_equal(again, first[[1, 0, 1]])
        with pytest.raises(AssertionError, match="were read"):
            ClipEncoder(clip.path).encode([TEXTS[0], "Another text."])
    assert len(list(cache.rglob("*.npy"))) == 2


def test_a_damaged_vector_is_computed_anew(clip: RandomClip, cache: Path) -> None:
    first = ClipEncoder(clip.path).encode(TEXTS[:1])
    (stored,) = cache.rglob("*.npy")
    stored.write_bytes(stored.read_bytes()[:100])
    np.testing.assert_array_equal(ClipEncoder(clip.path).encode(TEXTS[:1]), first)
    assert np.load(stored).shape == (512,)


def test_other_weights_are_another_encoder(clip: RandomClip, cache: Path, tmp_path: Path) -> None:
    tensors = load_file(clip.path)
    tensors["ln_final.bias"] += 1.0
    save_file(tensors, tmp_path / "other.safetensors")
    one, other = ClipEncoder(clip.path), ClipEncoder(tmp_path / "other.safetensors")
    assert one.name == f"{CLIP_WEIGHTS}-{sha256(clip.path)[:12]}"
    assert one.name != other.name
    assert abs(one.encode(TEXTS[:1]) - other.encode(TEXTS[:1])).max() > 0.01
    assert len(list(cache.rglob("*.npy"))) == 2


def test_the_published_weights_need_no_path(published: Path, clip: RandomClip) -> None:
    encoder = ClipEncoder()
    assert encoder.name == CLIP_WEIGHTS == ClipEncoder(clip.path).name
    np.testing.assert_allclose(encoder.encode(TEXTS), clip.vectors, atol=2e-6)


def test_damaged_published_weights_are_one_line(published: Path, clip: RandomClip) -> None:
    whole = clip.path.read_bytes()
    published.unlink()
    published.write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match="cut short"):
        ClipEncoder()
    published.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(WeightsError, match="damaged") as failure:
        ClipEncoder().encode(TEXTS)
    assert len(str(failure.value).splitlines()) == 1


def test_a_users_file_may_be_damaged_or_foreign(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        ClipEncoder(path).encode(TEXTS)
    save_file({"ln_final.weight": torch.ones(7)}, path)
    with pytest.raises(WeightsError, match="not the weights of a CLIP ViT-B/32") as failure:
        ClipEncoder(path).encode(TEXTS)
    assert len(str(failure.value).splitlines()) == 1
    narrow = {name: torch.from_numpy(rows) for name, rows in tiny_tensors().items()}
    narrow["text_projection"] = torch.zeros(WIDTH, 256)
    save_file(narrow, path)
    with pytest.raises(WeightsError, match="reads 77 of 49,408 tokens and makes 256 numbers"):
        ClipEncoder(path).encode(TEXTS)
    with pytest.raises(WeightsError, match="there is no weight file"):
        ClipEncoder(tmp_path / "nowhere.safetensors")


def test_without_weights_one_learns_what_to_bring(cache: Path) -> None:
    with pytest.raises(WeightsError) as failure:
        ClipEncoder()
    assert "open_clip_model.safetensors (605 MB)" in str(failure.value)
    assert str(cache / "weights" / CLIP_WEIGHTS) in str(failure.value)


def test_the_end_of_a_long_text_is_missed_aloud(clip: RandomClip, cache: Path) -> None:
    with pytest.warns(UserWarning, match="the end of this text is lost"):
        vector = ClipEncoder(clip.path).encode(["run " * 80])
    np.testing.assert_allclose(np.linalg.norm(vector), 1.0, rtol=1e-5)


def test_every_task_fits_what_clip_reads() -> None:
    tokenizer = clip_tokenizer()
    lengths = {task: len(tokenizer.encode(spec.text)) + 2 for task, spec in load_specs().items()}
    too_long = {task: length for task, length in lengths.items() if length > 77}
    assert not too_long


def test_a_torchvision_that_does_not_fit_is_named(monkeypatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nand a page more")

    monkeypatch.setattr(library, "import_module", fail)
    with pytest.raises(MissingDependencyError) as failure:
        import_library("open_clip", "CLIP")
    said = str(failure.value)
    assert len(said.splitlines()) == 1
    assert "CLIP needs open_clip" in said
    assert f"belongs to torch {torch.__version__}" in said
    monkeypatch.undo()
    with pytest.raises(MissingDependencyError, match="'no_such_package', which is not installed"):
        import_library("no_such_package", "CLIP")
