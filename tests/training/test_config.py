import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest
from pydantic import ValidationError

from newt_core.errors import ConfigError
from newt_core.training.config import RunConfig, resolve_config, setting_fields
from newt_core.training.config_layers import preset_names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def error_of(*args: object, **flags: object) -> str:
    with pytest.raises(ConfigError) as error:
        resolve_config(*args, **flags)  # type: ignore[arg-type]
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_defaults_are_the_papers():
    config = resolve_config()
    # Newt, tables 6 and 7, and section 4: 200 tasks, 100M steps, 20M parameters.
    assert config.tasks == "all"
    assert config.steps == 100_000_000
    assert config.model.size == "20M"
    assert config.replay.capacity == 10_000_000
    assert config.random_phase.episodes == 5
    assert (config.planner.num_samples, config.planner.iterations) == (512, 6)
    assert (config.update.batch_size, config.update.updates_per_step) == (1024, 0.075)
    assert resolve_config("paper") == config


def test_on_a_gpu_the_quick_ways_are_the_defaults():
    config = RunConfig()
    assert (config.planner.tf32, config.planner.graphs) == (True, True)
    assert (config.update.tf32, config.update.graphs) == (True, True)


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_resolves_and_says_what_it_trades(preset):
    from importlib.resources import files

    resolve_config(preset)
    text = (files("newt_core.training") / "presets" / f"{preset}.yaml").read_text("utf-8")
    comment = " ".join(line for line in text.splitlines() if line.startswith("#"))
    assert "trades" in comment


def test_the_presets_are_those_of_the_command_line():
    assert preset_names() == ["brc", "cpu", "demo", "paper", "ppo-untuned", "smoke", "tdmpc2"]


def test_later_sources_win(file):
    """defaults < preset < file < --set < flags, each visible where nothing later speaks."""
    file.write_text("seed: 2\nsteps: 2\nrandom_phase: {episodes: 2}\nmodel: {size: 5M}\n")
    overrides = ["seed=3", "steps=3", "planner.horizon=3", "planner.horizon=4"]
    config = resolve_config("smoke", file, overrides, seed=4, tasks=None)
    assert config.seed == 4
    assert config.steps == 3
    assert config.random_phase.episodes == 2
    assert config.model.size == "5M"
    assert config.planner.horizon == 4  # The later of two --set.
    assert config.planner.num_samples == 16  # smoke
    assert config.planner.temperature == 0.5  # default
    assert config.tasks == "all"  # None means not given.


def test_options_with_names_of_their_own_reach_their_settings():
    config = resolve_config(size="80M", save_replay=False, device="cuda:1", wandb=True)
    assert config.model.size == "80M"
    assert config.replay.save is False
    assert config.device == "cuda:1"
    assert config.wandb is True


@pytest.mark.parametrize(
    ("override", "part", "name", "value"),
    [
        ("update.lr=3e-4", "update", "lr", 3e-4),
        ("update.lr=1E-3", "update", "lr", 1e-3),
        ("update.grad_clip=10", "update", "grad_clip", 10.0),
        ("replay.capacity=1e6", "replay", "capacity", 1_000_000),
        ("replay.capacity=2_000", "replay", "capacity", 2_000),
        ("replay.save=false", "replay", "save", False),
        ("replay.sampling=tasks", "replay", "sampling", "tasks"),
    ],
)
def test_values_are_read_as_people_write_them(override, part, name, value):
    read = getattr(getattr(resolve_config(overrides=[override]), part), name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("nothing", ["", "none", "null"])
def test_no_file_is_written_as_the_table_of_ablations_does(nothing):
    given = ["demos.folder=demos", f"demos.folder={nothing}", f"text.weights={nothing}"]
    config = resolve_config(overrides=given)
    assert config.demos.folder is None
    assert config.text.weights is None
    assert resolve_config(overrides=["demos.folder=./none"]).demos.folder == Path("none")
    assert resolve_config(demos="none").demos.folder == Path("none")


@pytest.mark.parametrize("selector", ["@tasks.txt", "*-run", "walker-run,box2d", "a=b", "1"])
def test_texts_are_taken_as_they_stand(selector):
    assert resolve_config(overrides=[f"tasks={selector}"]).tasks == selector


def test_the_resolved_file_resolves_to_the_same_settings(file):
    config = resolve_config("cpu", None, ["update.lr=1e-5"], tasks="walker-*")
    file.write_text(config.to_yaml())
    assert resolve_config(config_file=file) == config
    assert config.to_yaml().partition("\n")[0] == "tasks: walker-*"


def test_an_unknown_setting_is_named_with_its_place_and_the_nearest(file):
    file.write_text("planner:\n  num_sample: 3\n")
    message = error_of(None, file)
    assert str(file) in message
    assert "'planner.num_sample'. Did you mean 'planner.num_samples'?" in message
    assert "--set stepz=3: there is no setting 'stepz'. Did you mean 'steps'?" in error_of(
        overrides=["stepz=3"]
    )
    # The last part alone finds its group.
    assert "Did you mean 'update.lr'?" in error_of(overrides=["lr=3"])
    assert "--gpus: there is no setting 'gpus'" in error_of(gpus=2)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("planner.horizon=0", "planner.horizon is 0, but the smallest is 1."),
        ("steps=1.5", "steps is 1.5: write a whole number."),
        ("steps=many", "steps is 'many'"),
        ("seed=true", "seed is true: write a whole number"),
        ("model.size=3M", ": choose 2M, 5M, 20M or 80M."),
        ("device=gpu", "it must be auto, cpu, cuda, cuda:N or mps"),
        ("update.lr=.inf", "finite"),
        ("planner=3", "planner is a group of settings: set planner.horizon, say"),
        ("planner.horizon", "write KEY=VALUE"),
        ("planner.horizon=[1", "not valid YAML"),
    ],
)
def test_a_wrong_value_is_reported_where_it_was_given(override, says):
    message = error_of(overrides=[override])
    assert message.startswith(f"--set {override}")
    assert says in message


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("seed", (0, 2**63 - 1), (-1, 2**63)),
        ("steps", (1,), (0,)),
        ("envs_per_task", (1,), (0,)),
        ("model.frame_stack", (1,), (0,)),
        ("planner.horizon", (1,), (0,)),
        ("planner.iterations", (1,), (0,)),
        ("planner.min_std", (1e-6,), (0,)),
        ("planner.constrain_until", (0, 0.12), (-0.01,)),
        ("planner.constrain_end", (0.02, 1), (1.01,)),
        ("replay.capacity", (2,), (1,)),
        ("evaluation.every", (0,), (-1,)),
        ("evaluation.episodes", (1,), (0,)),
        ("checkpoint.every", (1,), (0,)),
        ("checkpoint.keep", (1,), (0,)),
        ("pretrain.updates", (1,), (0,)),
        ("pretrain.lr_factor", (1e-6,), (0,)),
        ("pretrain.bc_coef", (0,), (-0.5,)),
        ("pretrain.evaluate_every", (0,), (-1,)),
        ("pretrain.checkpoint_every", (1,), (0,)),
        ("random_phase.episodes", (0,), (-1,)),
        ("update.batch_size", (1,), (0,)),
        ("update.horizon", (1,), (0,)),
        ("update.updates_per_step", (1e-6,), (0,)),
        ("update.consistency_coef", (0,), (-0.5,)),
        ("update.reward_coef", (0,), (-0.5,)),
        ("update.value_coef", (0,), (-0.5,)),
        ("update.entropy_coef", (0,), (-0.5,)),
        ("update.lr", (1e-9,), (0,)),
        ("update.grad_clip", (1e-9,), (0,)),
        ("update.warmup_updates", (0,), (-1,)),
    ],
)
def test_a_number_has_its_limits(name, allowed, refused):
    for value in allowed:
        assert attrgetter(name)(resolve_config(overrides=[f"{name}={value}"])) == value
    for value in refused:
        message = error_of(overrides=[f"{name}={value}"])
        assert re.search(
            f"{name} is {value}, but (the smallest is|it must be above|the largest is)", message
        )


def test_a_rule_between_settings_names_all_who_gave_one(file):
    file.write_text("planner: {num_samples: 10}\n")
    message = error_of(None, file, ["planner.num_elites=5", "seed=1"])
    assert "policy_trajectories must be below num_samples" in message
    assert str(file) in message
    assert "--set planner.num_elites=5" in message
    assert "seed" not in message


def test_presets_and_files_that_cannot_be_read(file):
    assert "Did you mean 'smoke'?" in error_of("smok")
    assert "Choose one of brc, cpu, demo, paper, ppo-untuned, smoke" in error_of("fast")
    assert "No such file" in error_of(None, file)
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in error_of(None, file)
    file.write_text("seed: 1\nmodel: [\n")
    assert f"{file}, line 2: not valid YAML: a value is missing" in error_of(None, file)
    file.write_text("- seed\n")
    assert "name: value" in error_of(None, file)


def test_a_settings_file_runs_no_code(file, tmp_path):
    marker = tmp_path / "code-was-run"
    file.write_text(f"seed: !!python/object/apply:os.mkdir ['{marker}']\n")
    assert "not valid YAML" in error_of(None, file)
    assert not marker.exists()


def test_empty_files_and_empty_groups_change_nothing(file):
    file.write_text("# nothing yet\n")
    assert resolve_config(config_file=file) == RunConfig()
    file.write_text("planner:\nmodel: {}\n")
    assert resolve_config(config_file=file) == RunConfig()


def test_settings_do_not_change_and_all_are_described():
    with pytest.raises(ValidationError):
        RunConfig().seed = 1  # type: ignore[misc]
    undescribed = [name for name, field in setting_fields().items() if not field.description]
    assert not undescribed


def test_reading_settings_needs_no_pytorch():
    code = "import sys, newt_core.training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NUMBERS = {
    name: field
    for name, field in setting_fields().items()
    if field.annotation in (int, float) and name != "demos.batch_share"
}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_a_largest_value(name):
    whole = NUMBERS[name].annotation is int
    for value in ("9" * 23, "1e23") if whole else ("1e39", "1e300"):
        message = error_of(overrides=[f"{name}={value}"])
        assert f"{name} is " in message
        assert re.search(r"but the largest is [\d.,e+]+\.$", message), message


def test_whole_numbers_may_be_written_short():
    assert resolve_config(overrides=["steps=1e6", "seed=10_000"]).steps == 1_000_000


def test_the_names_that_settings_had_before_they_were_grouped_still_serve(file):
    file.write_text("text_encoder: zero\ndemo_use: {seeding: false}\ndemos: mine\n")
    told = ["demo_use.cloning=false", "image_encoder=tiny", "instruction=Run."]
    config = resolve_config(None, file, told)
    assert (config.text.encoder, config.text.instruction) == ("zero", "Run.")
    assert config.images.encoder == "tiny"
    assert (config.demos.folder, config.demos.seeding, config.demos.cloning) == (
        Path("mine"),
        False,
        False,
    )
    assert resolve_config(None, file, ["demos="]).demos.folder is None
    now = resolve_config(None, file, ["demos.folder=other", "demos.seeding=true"]).demos
    assert (now.folder, now.seeding) == (Path("other"), True)
