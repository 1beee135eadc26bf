"""`newt train`: settings, run folders, interruptions. The training itself is a stand-in."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.progress import RunStatus
from newt_core.training.run_folder import RunFolder
from tests.fixtures.contents import payload_of
from tests.fixtures.demonstrations import write_demos

START = "newt train --tasks walker-run --preset smoke --device cpu --run a"


def test_options_reach_the_core_as_settings(newt, core):
    answer = newt(f"{START} --steps 700 --seed 3 --size 5M --set planner.horizon=2 --json")
    assert answer.code == 0, answer.err
    arguments = core.arguments("train")
    config = arguments["config"]
    assert (config.tasks, config.steps, config.seed) == ("walker-run", 700, 3)
    assert (config.model.size, config.planner.horizon) == ("5M", 2)
    assert arguments["folder"].path == Path("runs/a")
    assert arguments["resume"] is False
    assert answer.json == {
        "run": "runs/a",
        "checkpoint": "runs/a/checkpoints/last.pt",
        "steps": 700,
        "score": 0.5,
        "score_steps": 700,
        "forecast": {"steps": 700, "updates": 50, "seconds": 3000.0},
    }


def test_an_option_wins_over_set_over_config_over_preset(newt, core):
    Path("mine.yaml").write_text("steps: 500\nseed: 5\nplanner: {num_samples: 50}\n")
    newt(f"{START} --config mine.yaml --set seed=6 --steps 400")
    config = core.arguments("train")["config"]
    assert (config.steps, config.seed) == (400, 6)
    assert config.planner.num_samples == 50
    assert config.planner.iterations == 2  # the preset's


def test_a_wrong_number_of_workers_is_refused_before_there_is_a_folder(newt, monkeypatch):
    monkeypatch.setenv("NEWT_WORKERS", "two")
    answer = newt(START)
    assert answer.code == 2
    assert answer.err == "error: NEWT_WORKERS must be a whole number, 0 or more, not 'two'.\n"
    assert not Path("runs").exists()


def test_obs_says_what_the_agent_sees(newt, core):
    assert newt(f"{START} --obs both --set model.frame_stack=2").code == 0
    config = core.arguments("train")["config"]
    assert (config.model.obs, config.model.feature_stack, config.images.encoder) == (
        "both",
        2,
        "tiny",
    )
    assert newt("newt train --tasks walker-run --device cpu --run b").code == 0
    assert core.arguments("train")["config"].model.feature_stack == 0


def test_missing_weights_are_named_before_a_run_begins(newt, core):
    answer = newt(f"{START} --obs rgb --image-encoder dinov2")
    assert answer.code == 2
    assert "newt weights download dinov2-vit-b-14" in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert not Path("runs/a").exists()


@pytest.mark.parametrize(
    "line",
    [
        f"{START} --obs rbg",
        f"{START} --obs both --image-encoder dinov3",
        f"{START} --pretrained nowhere.pt",
        "newt train --tasks walker-rnu --preset smoke --run a",
        "newt train --preset cpu --run a",  # no tasks
        f"{START} --preset smoek",
        f"{START} --set planner.horizn=2",
        f"{START} --set planner.horizon=0",
        f"{START} --size 6M",
        f"{START} --device abacus",
        f"{START} --text-encoder hashd",
        f"{START} --text-encoder clip",  # its weights are not here
        f"{START} --text-encoder file --text-weights nowhere.npz",
        f"{START} --resume",
        "newt train --run a --resume",  # there is none
    ],
)
def test_a_mistake_makes_no_run_folder(newt, core, line):
    answer = newt(line)
    assert answer.code == 2, answer.err
    assert len(answer.err.splitlines()) <= 2
    assert not Path("runs/a").exists()
    assert not core.calls


def test_a_taken_name_is_refused(newt, core):
    assert newt(START).code == 0
    answer = newt(START)
    assert answer.code == 2
    assert "--resume" in answer.err


def test_the_result_says_how_far_how_well_and_where(newt, core):
    answer = newt(f"{START} --steps 1700")
    assert answer.out == "1,700 steps, score 0.500: runs/a/checkpoints/last.pt\n"


def test_resume_goes_on_with_the_runs_settings(newt, core):
    newt(f"{START} --steps 700 --seed 3")
    assert newt("newt train --run a --resume --steps 900").code == 0
    arguments = core.arguments("train")
    config = arguments["config"]
    assert arguments["resume"] is True
    assert (config.steps, config.seed) == (900, 3)
    # The longer run is the run from here on.
    newt("newt train --resume")
    assert core.arguments("train")["config"].steps == 900


@pytest.mark.parametrize(
    "change",
    ["--seed 4", "--size 5M", "--obs both", "--tasks walker-walk", "--set replay.capacity=9"],
)
def test_resume_refuses_what_the_saved_state_depends_on(newt, core, change):
    newt(START)
    answer = newt(f"newt train --run a --resume {change}")
    assert answer.code == 2
    assert "cannot change on the way" in answer.err
    assert [name for name, _ in core.calls] == ["forecast", "train"]


def test_a_refused_process_leaves_the_settings_of_a_run_at_work_alone(newt, core):
    newt(START)
    config = Path("runs/a/config.yaml")
    before = config.read_text()
    with RunFolder(Path("runs/a")).lock():
        answer = newt("newt train --run a --resume --set update.lr=1e-5")
    assert answer.code == 2
    assert "is being trained in by process" in answer.err
    assert config.read_text() == before
    assert newt("newt train --run a --resume --set update.lr=1e-5").code == 0
    assert "lr: 1.0e-05" in config.read_text()


def test_auto_is_decided_once_and_said_in_one_line(newt, core):
    answer = newt(f"{START} --text-encoder auto")
    assert core.arguments("train")["config"].text.encoder == "hashed"
    assert "text:\n  encoder: hashed" in Path("runs/a/config.yaml").read_text()
    assert answer.err.count("hashed n-grams") == 1
    # What would be found by now does not matter to a run that has begun.
    again = newt("newt train --run a --resume --text-encoder auto")
    assert again.code == 0
    assert "n-grams" not in again.err
    other = newt("newt train --run a --resume --text-encoder zero")
    assert other.code == 2
    assert "hashed there, zero here" in other.err
    assert "Leave it out" in other.err


def test_a_table_must_have_every_task(newt, core):
    assert newt("newt tasks embed walker-walk --encoder hashed --out table.npz").code == 0
    table = "--text-encoder file --text-weights table.npz"
    answer = newt(f"{START} {table}")
    assert answer.code == 2
    assert "no vector for the task 'walker-run'" in answer.err
    assert not Path("runs/a").exists()
    assert newt(f"newt train --tasks walker-walk --preset smoke --run a {table}").code == 0
    assert core.arguments("train")["config"].text.weights == Path("table.npz").resolve()


def test_the_core_gets_users_tasks(newt, core, tmp_path):
    newt(START)
    assert "walker-run" in core.arguments("train")["library"]


def test_until_the_run_can_tell_its_time_left_is_the_forecasts(newt, core):
    def learning(*, progress, **_):
        progress.update(RunStatus(0, 700, 0, 0.0, {}))

    core.while_training = learning
    # The stand-in of the forecast says 3,000 seconds.
    assert "a: 0/700 steps · 0 updates · 0:50:00 left" in newt(START).err
    resumed = newt("newt train --run a --resume")
    assert "a: 0/700 steps · 0 updates\n" in resumed.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_ends_the_run_with_a_save(newt, core, number):
    def interrupted(*, should_stop, **_):
        assert not should_stop()
        os.kill(os.getpid(), number)
        assert should_stop()

    core.while_training = interrupted
    answer = newt(f"{START} --json")
    assert answer.code == 130
    assert answer.json["run"] == "runs/a"
    assert "newt train --run runs/a --resume" in answer.err


def test_a_second_signal_ends_it_at_once(newt, core):
    def stubborn(**_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on")

    core.while_training = stubborn
    answer = newt(START)
    assert answer.code == 130
    assert answer.out == ""


def test_signals_are_handled_as_before_once_newt_is_done(newt, core):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    newt(START)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_libraries_print_does_not_reach_stdout(newt, core):
    def chatty(**_):
        print("from Python")
        os.system("echo from a child process")

    core.while_training = chatty
    answer = newt(f"{START} --json")
    assert answer.json["steps"]
    assert "from Python" in answer.err
    assert "from a child process" in answer.err


def test_demonstrations_are_checked_before_a_run_begins(newt, core):
    write_demos(Path("shown"), 1, load_specs()["pygame-cowboy"])
    line = "newt train --tasks pygame-cowboy --preset smoke --device cpu --run a --demos"
    assert newt(f"{line} shown --set demos.cloning=false").code == 0
    config = core.arguments("train")["config"]
    assert (config.demos.folder, config.pretrains, config.demos.cloning) == (
        Path("shown").resolve(),
        True,
        False,
    )
    refused = newt("newt train --run a --resume --set demos.cloning=true")
    assert "cannot change on the way" in refused.err
    for rest, message in (
        ("hidden", "/hidden does not exist. 'newt collect-demos' makes"),
        ("shown --tasks pygame-pong", "pygame-pong has no demonstrations in /"),
        ("shown --obs both", "pygame-cowboy.h5 holds no pictures. Record"),
        ("shown --set demos.batch_share=2", "demos.batch_share"),
        ("shown --set demos.clonin=false", "Did you mean 'demos.cloning'"),
    ):
        answer = newt(f"{line.replace('--run a', '--run b')} {rest}")
        assert (answer.code, len(answer.err.splitlines())) in ((2, 1), (2, 2)), answer.err
        assert message in answer.err
        assert not Path("runs/b").exists()


def test_a_pretrained_checkpoint_says_what_it_was_made_with(newt, core):
    write_demos(Path("demos"), 1, load_specs()["pygame-cowboy"])
    made = resolve_config(None, None, (), tasks="pygame-cowboy", size="5M", demos="demos")
    save_checkpoint(Path("made.pt"), payload_of(made))
    line = "newt train --tasks pygame-cowboy --device cpu --pretrained made.pt"
    answer = newt(f"{line} --run a")
    assert answer.code == 0, answer.err
    config = core.arguments("train")["config"]
    assert (config.model.size, config.text.encoder) == ("5M", "hashed-v1")
    assert (config.demos.folder, config.pretrains) == (Path("demos").resolve(), False)
    assert f"going on with the demonstrations in {Path('demos').resolve()};" in answer.err
    newt(f"{line} --run b --set demos.folder=")
    assert core.arguments("train")["config"].demos.folder is None
    for option, reason in (
        ("--size 2M", "is a 5M model"),
        ("--text-encoder zero", "Use --text-encoder hashed"),
    ):
        refused = newt(f"{line} --run c {option}")
        assert refused.code == 2
        assert reason in refused.err
        assert not Path("runs/c").exists()


def test_a_run_can_be_told_something_else(newt, core):
    line = "newt train --text-encoder hashed --device cpu"
    told = "--instruction 'Shoot twice.' --embodiment 'A cowboy.'"
    answer = newt(f"{line} --tasks pygame-cowboy {told} --run a")
    assert answer.code == 0, answer.err
    config = core.arguments("train")["config"]
    assert (config.text.instruction, config.text.embodiment) == ("Shoot twice.", "A cowboy.")
    assert newt("newt train --run a --resume").code == 0
    assert core.arguments("train")["config"].text.instruction == "Shoot twice."
    for change, reason in (
        ("newt train --run a --resume --instruction Run.", "'text.instruction' cannot change"),
        (f"{line} --tasks pygame-cowboy,pygame-pong {told} --run b", "2 are chosen"),
        (f"{line} --tasks pygame-cowboy --instruction '' --run b", "is empty"),
    ):
        answer = newt(change)
        assert answer.code == 2
        assert reason in answer.err
    assert not Path("runs/b").exists()


def test_an_agent_that_sees_goes_on_seeing(newt, core):
    seeing = ("model.obs=both", "model.frame_stack=2", "image_encoder=tiny")
    for name, settings, encoder in (
        ("seeing.pt", seeing, "tiny-random-vit-v1"),
        ("blind.pt", ("demos=demos",), None),
    ):
        made = resolve_config(None, None, settings, tasks="pygame-cowboy", size="2M")
        save_checkpoint(Path(name), payload_of(made, image_encoder=encoder))
    write_demos(Path("demos"), 1, load_specs()["pygame-pong"])
    line = "newt train --tasks pygame-pong --device cpu --pretrained"
    assert newt(f"{line} seeing.pt --run a").code == 0
    config = core.arguments("train")["config"]
    assert (config.model.obs, config.model.feature_stack, config.images.encoder) == (
        "both",
        2,
        "tiny",
    )

    answer = newt(f"{line} blind.pt --run b --obs both --image-encoder tiny")
    assert answer.code == 0, answer.err
    assert "without demonstrations: they hold no pictures" in answer.err
    config = core.arguments("train")["config"]
    assert (config.model.obs, config.demos.folder) == ("both", None)

    for change in ("seeing.pt --obs state", "seeing.pt --obs rgb", "blind.pt --obs rgb"):
        refused = newt(f"{line} {change} --image-encoder tiny --run c")
        assert refused.code == 2
        assert "--obs" in refused.err
        assert len(refused.err.splitlines()) <= 2
        assert not Path("runs/c").exists()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("--set replay.storage=disc", "must be disk, ram, cuda or cuda:N"),
        ("--set replay.storage=cuda:7", "no such GPU here, use 'disk'"),
        ("--set replay.capacity=500", "but an episode of walker-run takes 501 rows"),
        ("--set replay.capacity=501 --set update.horizon=101", "of mw-reach has 100 steps"),
        ("--set replay.capacity=501 --set planner.horizon=501", "of walker-run, has 500 steps"),
        ("--no-save-replay --set replay.capacity=2e9", "GiB of memory, and this machine has"),
        ("--set replay.storage=ram --set replay.capacity=2e9", "GiB of memory, and this machine"),
    ],
)
def test_a_replay_that_cannot_be_is_refused_before_there_is_a_run(newt, core, told, message):
    line = "newt train --tasks walker-run,mw-reach --text-encoder hashed --device cpu --run a"
    answer = newt(f"{line} {told}")
    assert answer.code == 2
    assert message in answer.err
    assert not Path("runs").exists()
    fits = "--set replay.capacity=501 --set update.horizon=100 --set replay.storage=ram"
    assert newt(f"{line} {fits}").code == 0
