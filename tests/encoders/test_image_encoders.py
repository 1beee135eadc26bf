"""Image encoders: pictures in, frozen features out; the real DINOv2 with weights of our own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from newt_core.encoders import library
from newt_core.encoders.image import dino
from newt_core.encoders.image.base import FrozenNetwork
from newt_core.encoders.image.choose import make_image_encoder, require_image_encoder
from newt_core.encoders.image.tiny import tiny_encoder
from newt_core.encoders.weights import WEIGHTS
from newt_core.errors import (
    CheckpointError,
    ConfigError,
    MissingDependencyError,
    NewtError,
    WeightsError,
)
from newt_core.files import sha256
from tests.encoders.pictures import pictures

CPU = torch.device("cpu")


class Pooling(torch.nn.Module):
    """The mean of each colour, repeated."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)).repeat(1, 256)


def test_pixels_are_normalised_per_channel():
    mean, std = (0.5, 0.25, 0.75), (0.5, 0.25, 0.1)
    encoder = FrozenNetwork("pooling", Pooling(), mean, std, CPU)
    frames = np.zeros((2, 224, 224, 3), np.uint8)
    frames[1] = (255, 51, 204)
    # (0 - mean) / std, and (1 - 0.5) / 0.5, (0.2 - 0.25) / 0.25, (0.8 - 0.75) / 0.1.
    expected = [[-1.0, -1.0, -7.5], [1.0, -0.2, 0.5]]
    np.testing.assert_allclose(encoder.encode(frames)[:, :3], expected, rtol=1e-3)


def test_wrong_pictures_are_a_programming_error():
    encoder = FrozenNetwork("pooling", Pooling(), (0.5,) * 3, (0.5,) * 3, CPU)
    with pytest.raises(ValueError, match=r"got uint8 \[1, 64, 64, 3\]"):
        encoder.encode(np.zeros((1, 64, 64, 3), np.uint8))
    assert encoder.encode(pictures(0)).shape == (0, 768)


def test_the_tiny_encoder_is_the_same_everywhere_and_disturbs_nobodys_random_numbers():
    state = torch.get_rng_state()
    first, second = tiny_encoder(CPU), tiny_encoder(CPU)
    assert torch.equal(torch.get_rng_state(), state)
    frames = pictures(3)
    features = first.encode(frames)
    assert features.shape == (3, 768)
    assert features.dtype == np.float16
    assert np.array_equal(features, second.encode(frames))
    # Known numbers: a change of the weights needs a new name.
    assert first.name == "tiny-random-vit-v1"


def test_rows_do_not_depend_on_their_company():
    encoder = tiny_encoder(CPU)
    frames = pictures(20)  # more than one batch
    together = encoder.encode(frames)
    alone = np.concatenate([encoder.encode(frames[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together.astype(float), alone.astype(float), atol=5e-3)
    assert np.abs(np.diff(together.astype(float), axis=0)).max() > 0.05


def test_where_something_is_can_be_read_off_the_tiny_encoders_features():
    # A bright square on a dark ground; its centre is fitted linearly on 300 pictures and
    # predicted on 100 others.
    generator = np.random.default_rng(0)
    corner = generator.integers(0, 200, (400, 2))
    frames = np.full((400, 224, 224, 3), 30, np.uint8)
    for frame, (y, x) in zip(frames, corner, strict=True):
        frame[y : y + 24, x : x + 24] = (230, 60, 40)
    features = tiny_encoder(CPU).encode(frames).astype(np.float64)
    features = np.c_[features, np.ones(400)]
    a, b = features[:300], corner[:300]
    weights = np.linalg.solve(a.T @ a + 0.1 * np.eye(a.shape[1]), a.T @ b)
    error = features[300:] @ weights - corner[300:]
    explained = 1 - error.var(0) / corner[300:].var(0)
    assert explained.min() > 0.8, explained


# -- DINOv2 -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(vision_library: None) -> Any:
    """The real architecture with random weights; layer scales as large as trained ones."""
    made: Any = dino.vit().to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(0.5)
            elif "norm" in name:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            else:
                std = 0.5 if "pos_embed" in name or "cls_token" in name else 0.02
                parameter.normal_(std=std, generator=generator)
    return made.eval()


@pytest.fixture(scope="module")
def weights(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "dinov2.safetensors"
    save_file(network.state_dict(), path)
    return path


def test_dinov2_is_the_published_architecture(network: Any):
    # ViT-B/14: 12 blocks, 12 heads, 768 wide, layer scale; 16 x 16 patches of 224 pixels.
    assert len(network.blocks) == 12
    assert network.blocks[0].attn.num_heads == 12
    assert network.embed_dim == 768
    assert network.patch_embed.num_patches == 256
    assert hasattr(network.blocks[0].ls1, "gamma")
    config = network.pretrained_cfg
    assert (tuple(config["mean"]), tuple(config["std"])) == (dino.MEAN, dino.STD)
    # 86,580,480 published, of which a mask token, which only its training needs, and 1,370
    # positions for pictures of 518; here there are 257.
    count = sum(p.numel() for p in network.parameters())
    assert count == 86_580_480 - 768 - (1_370 - 257) * 768


def test_dinov2_gives_the_class_token(network: Any, weights: Path):
    encoder = make_image_encoder("dinov2", weights=weights)
    frames = pictures(2)
    features = encoder.encode(frames)
    assert features.shape == (2, 768)
    assert features.dtype == np.float16
    x = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in (dino.MEAN, dino.STD))
    with torch.inference_mode():
        tokens = network.forward_features((x - mean) / std)
    np.testing.assert_allclose(features.astype(float), tokens[:, 0].double(), atol=5e-3)


def test_the_original_file_is_read_and_positions_are_resampled(
    network: Any, weights: Path, tmp_path: Path
):
    # Meta's file has positions for 37 x 37 patches and a mask token that nobody needs.
    original = {**network.state_dict(), "mask_token": torch.zeros(1, 768)}
    grid = original["pos_embed"][:, 1:].reshape(1, 16, 16, 768).permute(0, 3, 1, 2)
    large = torch.nn.functional.interpolate(grid, size=(37, 37), mode="bicubic")
    first = original["pos_embed"][:, :1]
    original["pos_embed"] = torch.cat([first, large.permute(0, 2, 3, 1).reshape(1, -1, 768)], 1)
    path = tmp_path / "dinov2_vitb14_pretrain.pth"
    torch.save(original, path)
    theirs, ours = (make_image_encoder("dinov2", weights=file) for file in (path, weights))
    frames = pictures(1)
    difference = theirs.encode(frames).astype(float) - ours.encode(frames)
    assert np.abs(difference).max() < 0.3
    # The same weights have the same name, whatever file they come from.
    assert theirs.name == ours.name
    assert ours.name.startswith("dinov2@")


def test_other_weights_have_another_name(network: Any, weights: Path, tmp_path: Path):
    state = dict(network.state_dict())
    state["blocks.3.mlp.fc1.bias"] = state["blocks.3.mlp.fc1.bias"] + 1
    path = tmp_path / "other.safetensors"
    save_file(state, path)
    other, ours = (make_image_encoder("dinov2", weights=file) for file in (path, weights))
    assert other.name != ours.name
    with pytest.raises(CheckpointError, match="--image-weights FILE"):
        require_image_encoder(ours.name, other, "last.pt")


@pytest.mark.parametrize("damage", ["cut", "garbage", "another network"])
def test_a_damaged_weight_file_is_one_clear_error(weights: Path, tmp_path: Path, damage: str):
    path = tmp_path / "dinov2.safetensors"
    if damage == "cut":
        path.write_bytes(weights.read_bytes()[:10_000_000])
    elif damage == "garbage":
        path.write_bytes(b"\x07" * 4096)
    else:
        save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(NewtError) as caught:
        make_image_encoder("dinov2", weights=path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) <= 2


def test_the_published_file_has_to_be_the_published_one(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    meant = replace(WEIGHTS[dino.WEIGHTS_NAME], size=len(content), sha256=sha256(weights))
    monkeypatch.setitem(WEIGHTS, dino.WEIGHTS_NAME, meant)
    meant.home.parent.mkdir(parents=True)
    meant.home.write_bytes(content)
    with pytest.raises(WeightsError, match="its checksum is"):
        make_image_encoder("dinov2")
    meant.home.unlink()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_sees_the_same_in_half_the_precision():
    seen: list[torch.dtype] = []

    class Watched(Pooling):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            seen.append((pictures.flatten(1)[:, :8] @ torch.eye(8, device="cuda")).dtype)
            return super().forward(pictures)

    FrozenNetwork("a", Watched(), (0.5,) * 3, (0.5,) * 3, torch.device("cuda")).encode(pictures(2))
    assert seen == [torch.bfloat16]
    here, there = (tiny_encoder(torch.device(name)).encode(pictures(3)) for name in ("cpu", "cuda"))
    np.testing.assert_allclose(there.astype(float), here.astype(float), atol=0.1)


def test_a_torchvision_that_does_not_fit_is_explained(monkeypatch: pytest.MonkeyPatch):
    def broken(name: str) -> Any:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(library, "import_module", broken)
    with pytest.raises(MissingDependencyError) as caught:
        dino.vit()
    message = str(caught.value)
    assert message.startswith("the image encoder dinov2 needs timm")
    assert "built for another PyTorch" in message
    assert len(message.splitlines()) == 1


# -- names ----------------------------------------------------------------------------------------


def other_encoder() -> FrozenNetwork:
    return FrozenNetwork("dinov2@0123456789ab", Pooling(), (0.5,) * 3, (0.5,) * 3, CPU)


def test_an_unknown_encoder_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'dinov2'"):
        make_image_encoder("dinov3")


def test_another_encoder_than_the_checkpoints_is_refused_with_the_way_out():
    tiny = tiny_encoder(CPU)
    require_image_encoder("tiny-random-vit-v1", tiny, "last.pt")
    require_image_encoder(None, None, "last.pt")
    with pytest.raises(CheckpointError, match="Use --image-encoder tiny"):
        require_image_encoder(tiny.name, other_encoder(), "last.pt")
    with pytest.raises(CheckpointError, match="--image-encoder dinov2"):
        require_image_encoder("dinov2@0123456789ab", tiny, "last.pt")
    with pytest.raises(CheckpointError, match="--obs"):
        require_image_encoder(None, tiny, "last.pt")
