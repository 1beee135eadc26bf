"""What a run's replay asks for is compared with what is free, before the run begins."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from newt_core.errors import ConfigError
from newt_core.specs import load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.workflows import sizes
from newt_core.workflows.sizes import GIB, available_memory, check_room, physical_memory, row_bytes

SPECS = load_specs().select("walker-run")  # episodes of 500 steps


def config(*settings: str, steps: int = 10_000_000) -> RunConfig:
    return resolve_config(None, None, settings, tasks="walker-run", steps=steps, device="cpu")


def test_the_disk_of_the_runs_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def usage(place: Path) -> SimpleNamespace:
        asked.append(place)
        return SimpleNamespace(free=1 * GIB)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(ConfigError, match=r"grows to 5\.4 GiB .* 10,000,000\), and 1\.0 GiB are"):
        check_room(config(), SPECS, tmp_path / "not/there")
    assert asked == [tmp_path]
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=2**20 // 2))
    with pytest.raises(ConfigError, match=r"grows to 5\.5 MiB .* and 0\.5 MiB are free"):
        check_room(config(steps=10_000), SPECS, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", usage)
    # A short run does not fill it, and a small one stays small.
    check_room(config(steps=1_000_000), SPECS, tmp_path)
    check_room(config("replay.capacity=1000000"), SPECS, tmp_path)
    with pytest.raises(ConfigError, match="lower it, or name another place with --runs-dir"):
        check_room(config("model.obs=both", steps=1_000_000), SPECS, tmp_path)


@pytest.mark.parametrize("setting", ["replay.storage=ram", "replay.save=false"])
def test_memory_is_looked_at_where_the_replay_lies_there(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "physical_memory", lambda: 8 * GIB)
    monkeypatch.setattr(sizes, "available_memory", lambda: 2 * GIB)
    with pytest.raises(ConfigError, match=r"takes 5\.4 GiB of memory, and 2\.0 GiB are free"):
        check_room(config(setting), SPECS, tmp_path)
    check_room(config(setting, steps=1_000_000), SPECS, tmp_path)
    with pytest.raises(ConfigError, match=r"16\.\d GiB of memory, and this machine has 8\.0"):
        check_room(config(setting, "replay.capacity=30000000", steps=1000), SPECS, tmp_path)


def test_a_gpus_memory_is_taken_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "gpu_memory", lambda device: {"cuda:1": 4 * GIB}[device])
    with pytest.raises(ConfigError, match=r"and 4\.0 GiB are free on the device 'cuda:1'"):
        check_room(config("replay.storage=cuda:1", steps=1000), SPECS, tmp_path)
    check_room(config("replay.storage=cuda:1", "replay.capacity=5000000"), SPECS, tmp_path)


def test_what_is_free_is_less_than_all() -> None:
    assert 0 < available_memory() <= physical_memory()
    assert row_bytes(features=True) - row_bytes(features=False) == 1536
