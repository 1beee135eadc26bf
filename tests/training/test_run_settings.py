"""A run's own settings are whole, or it does not go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from newt_core.errors import ConfigError, RunFolderError
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config, setting_fields
from newt_core.training.resume import resumed_config, run_settings
from newt_core.training.run_folder import RunFolder
from tests.fixtures.contents import payload_of

CONFIG = resolve_config("cpu", None, ["planner.horizon=2"], tasks="walker-run", steps=700, seed=9)


def begun(root: Path, *, part: str = "checkpoints") -> RunFolder:
    folder = RunFolder.create("a", CONFIG.to_yaml(), root=root)
    (folder.path / part).mkdir(parents=True)
    payload = payload_of(CONFIG, counters={"steps": 400, "updates": 400})
    save_checkpoint(folder.path / part / "step_000000400.pt", payload)
    return folder


@pytest.mark.parametrize("part", ["checkpoints", "pretraining/checkpoints"])
@pytest.mark.parametrize(
    ("keep", "lacks"),
    [
        (0, "tasks, steps, seed and "),
        (1, "steps, seed, device and "),
        (-1, "checkpoint.keep."),
        (-2, "checkpoint.every, checkpoint.keep."),
    ],
    ids=["emptied", "one line left", "one line less", "two lines less"],
)
def test_a_file_that_was_cut_is_refused_and_left_alone(tmp_path, keep, lacks, part):
    folder = begun(tmp_path, part=part)
    lines = folder.config_file.read_text().splitlines(keepends=True)
    assert lines[-3:] == ["checkpoint:\n", "  every: 2500\n", "  keep: 3\n"]
    folder.config_file.write_text("".join(lines[: keep or None] if keep else []))
    before = folder.config_file.read_text()
    with pytest.raises(ConfigError) as error:
        resumed_config(folder, steps=900)
    assert f"config.yaml is incomplete: it lacks {lacks}" in str(error.value)
    assert "delete the file: it is then written anew from the newest checkpoint" in str(error.value)
    assert folder.config_file.read_text() == before


def test_a_file_that_was_deleted_is_made_again_from_the_checkpoint(tmp_path):
    folder = begun(tmp_path)
    folder.config_file.unlink()
    found = RunFolder.open("a", root=tmp_path)
    assert run_settings(found) == CONFIG
    assert resumed_config(found, ["update.lr=0.5"]).update.lr == 0.5
    with pytest.raises(ConfigError, match="'seed' cannot change on the way \\(9 there, 4 here\\)"):
        resumed_config(found, seed=4)


def test_without_settings_and_checkpoints_there_is_no_run(tmp_path):
    folder = begun(tmp_path)
    folder.config_file.unlink()
    next(folder.checkpoints.iterdir()).unlink()
    with pytest.raises(RunFolderError, match=r"is not a run: it has no config\.yaml"):
        RunFolder.open("a", root=tmp_path)


def test_a_cut_file_of_a_run_that_never_saved_says_to_start_again(tmp_path):
    folder = RunFolder.create("a", CONFIG.to_yaml(), root=tmp_path)
    folder.config_file.write_text("tasks: walker-run\n")
    with pytest.raises(ConfigError, match="no checkpoint yet: start again under another name"):
        resumed_config(folder)


def test_a_setting_that_is_newer_than_the_run_has_its_default(tmp_path):
    folder = begun(tmp_path)
    payload = payload_of(CONFIG, counters={"steps": 400, "updates": 400})
    for content in (payload["config"], older := yaml.safe_load(folder.config_file.read_text())):
        del content["update"]["entropy"], content["agent"]
    folder.config_file.write_text(yaml.safe_dump(older))
    save_checkpoint(folder.checkpoints / "step_000000400.pt", payload)
    assert run_settings(folder) == CONFIG


def test_of_many_that_are_lacking_three_are_named_and_the_others_counted(tmp_path):
    folder = begun(tmp_path)
    folder.config_file.write_text("")
    with pytest.raises(ConfigError, match=f" and {len(setting_fields()) - 3} more"):
        run_settings(folder)
