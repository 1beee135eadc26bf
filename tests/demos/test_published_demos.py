"""The published PyTorch files: read without running anything in them, shifted, cut to size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from newt_core.demos.published import read_published, write_published
from newt_core.errors import DemoError
from tests.fixtures.demonstrations import assert_same, demo_spec, episode

SPEC = demo_spec()


def published(lengths=(3, 2), obs_dim: int = 128, **changes: torch.Tensor) -> TensorDict:
    """Stacked steps as they are published: obs of row r is r, its action led there."""
    rows = sum(length + 1 for length in lengths)
    obs = torch.zeros(rows, obs_dim)
    obs[:, :5] = torch.arange(rows, dtype=torch.float32)[:, None] + torch.arange(5) / 10
    action = torch.zeros(rows, 16)
    action[:, :2] = torch.arange(rows, dtype=torch.float32)[:, None] / 100
    reward = torch.arange(rows, dtype=torch.float32)
    index = torch.repeat_interleave(
        torch.arange(len(lengths)), torch.tensor([length + 1 for length in lengths])
    )
    first = torch.cat([torch.tensor([True]), index[1:] != index[:-1]])
    action[first] = torch.nan
    reward[first] = torch.nan
    columns = {
        "obs": obs,
        "action": action,
        "reward": reward,
        "terminated": torch.zeros(rows),
        "episode": index,
        "task": torch.full((rows,), 7),
        "feat-stacked": torch.zeros(rows, 3, 4),
        "value": torch.zeros(rows),
    }
    return TensorDict({**columns, **changes}, batch_size=[rows])


def save(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "toy-walk.pt"
    torch.save(content, path)
    return path


@pytest.mark.parametrize("obs_dim", [128, 5])
def test_rows_are_shifted_and_padding_is_cut_off(tmp_path: Path, obs_dim):
    first, second = read_published(save(tmp_path, published(obs_dim=obs_dim)), SPEC)
    # Rows 0 to 3 are the first episode. Action and reward of row 1 led from obs 0 to obs 1.
    assert first.observations.shape == (4, 5)
    assert first.observations[:, 0].tolist() == [0, 1, 2, 3]
    assert first.actions[:, 1] == pytest.approx([0.01, 0.02, 0.03])
    assert first.rewards.tolist() == [1, 2, 3]
    assert first.truncations.tolist() == [False, False, True]
    assert not first.terminations.any()
    # {kind: return, high: 10}: the score follows from the sum of rewards, here 1, 3, 6.
    assert first.score == pytest.approx([0.1, 0.3, 0.6])
    assert np.isnan(first.success).all()
    assert second.observations[:, 0].tolist() == [4, 5, 6]
    assert second.rewards.tolist() == [5, 6]


def test_what_is_exported_is_imported_again(tmp_path: Path):
    episodes = [replace(episode(n), seed=-1) for n in range(3)]
    path = tmp_path / "toy-walk.pt"
    write_published(path, episodes)
    content = torch.load(path, weights_only=True)
    assert content["obs"].shape == (39, 128)
    assert content["action"][0].isnan().all()
    assert content["episode"].dtype == torch.int64
    for found, expected in zip(read_published(path, SPEC), episodes, strict=True):
        assert found.score == pytest.approx(expected.score)
        assert_same(replace(found, score=expected.score), expected)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older format"])
def test_any_precision_and_the_older_format_are_read(tmp_path: Path, kind, zipped):
    columns = published()
    for name in ("obs", "action", "reward"):
        columns[name] = columns[name].to(kind)
    path = tmp_path / "toy-walk.pt"
    torch.save(columns, path, _use_new_zipfile_serialization=zipped)
    first, _ = read_published(path, SPEC)
    assert first.observations.dtype == first.actions.dtype == first.rewards.dtype == np.float32
    assert first.observations[:, 0].tolist() == [0, 1, 2, 3]
    assert first.actions[:, 1] == pytest.approx([0.01, 0.02, 0.03], rel=0.01)


def test_image_features_come_along(tmp_path: Path):
    path = save(tmp_path, published(feat=torch.full((7, 768), 0.5)))
    first, _ = read_published(path, SPEC)
    assert first.features is not None
    assert first.features.shape == (4, 768)
    assert first.features.dtype == np.float16
    assert first.encoder == "dinov2-vitb14"


def test_success_is_not_made_up(tmp_path: Path):
    spec = demo_spec(score={"kind": "success"})
    first, _ = read_published(save(tmp_path, published()), spec)
    assert np.isnan(first.score).all()


def test_of_maniskill_the_first_20_episodes_are_taken(tmp_path: Path):
    path = save(tmp_path, published(lengths=(2,) * 23))
    assert len(read_published(path, SPEC)) == 23
    assert len(read_published(path, demo_spec(domain="maniskill"))) == 20


def bad_reward() -> torch.Tensor:
    reward = torch.ones(7)
    reward[2] = torch.nan
    return reward


REFUSED = {
    "a shorter observation": (
        published(obs_dim=5).replace({"obs": torch.zeros(7, 4)}),
        "obs is .7, 4.",
    ),
    "values in the padding": (
        published(obs=torch.ones(7, 128)),
        "observations have values beyond the 5",
    ),
    "actions in the padding": (
        published(action=torch.ones(7, 16)),
        "actions have values beyond the 2",
    ),
    "a NaN in the middle": (
        published(reward=bad_reward()),
        "episode 0: rewards are not finite at step 1",
    ),
    "an index that goes back": (
        published(episode=torch.tensor([0, 0, 1, 1, 0, 0, 0])),
        "goes back from 1 to 0 at row 4",
    ),
    "an episode without a step": (
        published(episode=torch.tensor([0, 0, 0, 0, 1, 2, 2])),
        "episode 1: has no step",
    ),
    "an index that is no number": (
        published(episode=torch.tensor([0, 0, torch.nan, 1, 1, 1, 1])),
        "the episode index is nan at row 2",
    ),
    "a reward beyond 32 bits": (
        published(reward=torch.full((7,), 1e300, dtype=torch.float64)),
        "rewards at step 0 are too large for 32-bit numbers",
    ),
    "complex numbers": (
        published(obs=torch.zeros(7, 128, dtype=torch.complex64)),
        "obs is a tensor of complex64 that cannot be read .its numbers are complex",
    ),
    "an action out of range": (
        published(action=torch.full((7, 2), 1.5)),
        r"outside \[-1, 1\] at step 0",
    ),
    "too long an episode": (
        published(lengths=(13,)),
        "has 13 steps, but an episode of 'toy-walk' has 1 to 12",
    ),
    "no rewards": ({"obs": torch.zeros(7, 5)}, "has no 'reward'"),
    "a list": ([torch.zeros(3)], "it has no columns"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with(tmp_path: Path, name):
    content, message = REFUSED[name]
    with pytest.raises(DemoError, match=message):
        read_published(save(tmp_path, content), SPEC)


class Runs:
    """Touches a file when it is unpickled the unsafe way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_is_not_run(tmp_path: Path):
    path = save(tmp_path, {"obs": Runs(tmp_path / "ran")})
    with pytest.raises(DemoError, match="can run code"):
        read_published(path, SPEC)
    assert not (tmp_path / "ran").exists()
    torch.save({"obs": Runs(tmp_path / "ran")}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(DemoError, match="can run code"):
        read_published(path, SPEC)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_file_of_the_older_format_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "toy-walk.pt"
    torch.save(published(), path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    for cut in range(0, len(content), 301):
        path.write_bytes(content[:cut])
        with pytest.raises(DemoError, match=r"toy-walk\.pt: "):
            read_published(path, SPEC)


def test_a_damaged_file_is_a_clear_error(tmp_path: Path):
    path = save(tmp_path, published())
    content = bytearray(path.read_bytes())
    for cut in range(0, len(content), 301):
        path.write_bytes(content[:cut])
        with pytest.raises(DemoError, match="not a PyTorch file, or cut short"):
            read_published(path, SPEC)
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DemoError, match=r"toy-walk\.pt: "):
        read_published(path, SPEC)
    with pytest.raises(DemoError, match="there is no file"):
        read_published(tmp_path / "none.pt", SPEC)
