"""`newt demos` and `newt collect-demos` on real files, with a task that is quick to play."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from newt_cli import counts
from newt_cli.console import NO_VALUE
from newt_core.demos.published import write_published
from newt_core.demos.read import read_demos
from newt_core.demos.write import writing
from newt_core.specs import load_specs
from tests.fixtures.demonstrations import episode, write_demos

COWBOY, PONG = load_specs()["pygame-cowboy"], load_specs()["pygame-pong"]


@pytest.fixture
def demos(newt, tmp_path: Path) -> Path:
    """A folder with demonstrations of two tasks, where `newt` runs."""
    write_demos(tmp_path / "demos", 3, COWBOY)
    write_demos(tmp_path / "demos", 2, PONG)
    return tmp_path / "demos"


def test_list_says_what_there_is(newt, demos):
    answer = newt("newt demos list --json")
    assert answer.code == 0
    tasks = answer.json["tasks"]
    assert set(tasks) == {"pygame-cowboy", "pygame-pong"}
    cowboy = tasks["pygame-cowboy"]
    assert set(cowboy) >= {"episodes", "kept", "rejected", "mean_return", "success", "path"}
    assert (cowboy["episodes"], cowboy["steps"]) == (3, 1500)
    assert cowboy["success"] is None
    assert cowboy["path"] == "demos/pygame-cowboy.h5"
    lines = newt("newt demos list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["task", "pygame-cowboy", "pygame-pong"]


def test_selectors_folders_and_files_name_the_same_files(newt, demos):
    for what in ("pygame-cowboy", "demos/pygame-cowboy.h5", "pygame-cow*"):
        assert set(newt(f"newt demos list '{what}' --json").json["tasks"]) == {"pygame-cowboy"}
    for what in ("demos", "miniarcade", "--demos demos"):
        assert len(newt(f"newt demos list {what} --json").json["tasks"]) == 2


def test_show_lists_the_episodes(newt, demos):
    document = newt("newt demos show pygame-pong --json").json
    assert document["task"] == "pygame-pong"
    assert document["file"]["spec_hash"] == PONG.spec_hash
    assert [one["seed"] for one in document["each"]] == [0, 1]
    assert "expert" in newt("newt demos show demos/pygame-pong.h5").out


def test_validate_passes_whole_files_and_names_what_is_wrong(newt, demos, monkeypatch):
    assert newt("newt demos validate").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(counts, "SECONDS_BETWEEN_LINES", 0.0)
        assert "2/2 files" in newt("newt demos validate").err
    path = demos / "pygame-pong.h5"
    path.write_bytes(path.read_bytes()[:-2000])
    answer = newt("newt demos validate --json")
    assert answer.code == 1
    good, bad = answer.json["files"]
    assert good["ok"]
    assert (bad["ok"], bad["whole"]) == (False, 1)
    assert bad["faults"][0]["problem"].startswith("cut short")
    assert bad["faults"][1]["episode"] == "episode_1"
    plain = newt("newt demos validate")
    assert "WRONG demos/pygame-pong.h5: whole episodes: 1" in plain.out
    assert "Traceback" not in plain.err
    # Lists still show the others.
    answer = newt("newt demos list --json")
    assert answer.code == 1
    assert set(answer.json["tasks"]) == {"pygame-cowboy"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("newt demos list --demos empty", "there are no demonstrations in empty"),
        ("newt demos list --demos nowhere", "the folder of demonstrations nowhere does not exist"),
        ("newt demos validate pygame-cowbay", "Did you mean 'pygame-cowboy'?"),
        ("newt demos show walker-run", "there are no demonstrations of walker-run in demos"),
        ("newt demos show miniarcade", "'miniarcade' is 2 files: name one"),
        ("newt demos validate nothing.h5", "there is no demonstration file nothing.h5"),
        ("newt demos show nothing.h5", "there is no demonstration file nothing.h5"),
        ("newt demos import no.pt --task pygame-pong --out new", "there is no file no.pt"),
        ("newt demos import no.pt --task pygame-pong", "exists already"),
        ("newt demos plot --out demos.txt", "must end in .png"),
        ("newt demos merge demos/pygame-cowboy.h5 demos/pygame-pong.h5 --out x.h5", "not of"),
        ("newt collect-demos --task pygame-cowboy", "exists already. Add to what is there"),
        ("newt collect-demos --task pygame-cowboy --expert no.pt", "there is no expert 'no.pt'"),
        ("newt collect-demos --task atari-krull --expert scripted --out x", "no scripted player"),
        (
            "newt collect-demos --task atari-krull --expert empty --out x",
            "no checkpoint in empty",
        ),
    ],
)
def test_a_mistake_is_two_lines_at_most_and_exit_code_2(newt, demos, line, message):
    Path("empty").mkdir()
    answer = newt(line)
    assert answer.code == 2, answer.err
    assert answer.out == ""
    assert message in answer.err
    assert len(answer.err.splitlines()) <= 2


def test_published_files_come_in_and_go_out(newt, demos):
    line = "newt demos export pygame-pong --format published --out old"
    assert newt(f"{line} --json").json["tasks"] == {"pygame-pong": "old/pygame-pong.pt"}
    assert torch.load("old/pygame-pong.pt", weights_only=True)["obs"].shape == (1002, 128)
    answer = newt("newt demos import old/pygame-pong.pt --task pygame-pong --out new --json")
    assert answer.json["tasks"]["pygame-pong"]["episodes"] == 2
    for found, number in zip(read_demos(Path("new/pygame-pong.h5"), PONG), (0, 1), strict=True):
        np.testing.assert_array_equal(found.observations, episode(number, PONG).observations)
        np.testing.assert_array_equal(found.actions, episode(number, PONG).actions)
    answer = newt("newt demos import old/pygame-pong.pt --task pygame-pong --out new --append")
    assert "4 episodes" in answer.err
    assert newt("newt demos validate --demos new").code == 0


def test_a_file_of_another_task_is_not_imported(newt, demos):
    write_published(Path("x.pt"), [episode(0, PONG)])
    answer = newt("newt demos import x.pt --task pygame-cowboy --out new")
    assert answer.code == 2
    assert "beyond the 3 entries that 'pygame-cowboy' has" in answer.err
    # The other way round, padding would hide that entries are missing: the name tells.
    write_published(Path("pygame-cowboy.pt"), [episode(0, COWBOY)])
    answer = newt("newt demos import pygame-cowboy.pt --task pygame-pong --out new")
    assert answer.code == 2
    assert "is named after the task 'pygame-cowboy'" in answer.err
    assert not Path("new").exists()


def test_minari_export(newt, demos):
    from minari import MinariDataset

    assert newt("newt demos export pygame-cowboy").code == 0
    dataset = MinariDataset("exported/newt/pygame-cowboy-v1/data")
    assert dataset.total_episodes == 3


@pytest.mark.parametrize("place", ["", "/data", "/data/main_data.hdf5"])
def test_a_minari_export_can_be_used_like_a_file(newt, demos, place):
    assert newt("newt demos export pygame-cowboy").code == 0
    exported = f"exported/newt/pygame-cowboy-v1{place}"
    line = f"newt demos import {exported} --task pygame-cowboy --out new --json"
    assert newt(line).json["tasks"]["pygame-cowboy"]["episodes"] == 3
    assert newt("newt demos show new/pygame-cowboy.h5 --json").json["expert"] == "scripted"
    assert newt(f"newt demos merge {exported} --out all.h5").code == 0
    for found, number in zip(read_demos(Path("all.h5"), COWBOY), range(3), strict=True):
        assert found.seed == number
    assert newt(f"newt demos validate {exported}").code == 0
    refused = newt(f"newt demos import {exported} --task pygame-pong --out new")
    assert refused.code == 2
    assert "holds demonstrations of 'pygame-cowboy', not of 'pygame-pong'" in refused.err


def test_a_task_without_a_success_signal_has_no_success(newt, tmp_path):
    never = np.zeros(COWBOY.episode_length, np.float32)
    with writing(tmp_path / "demos/pygame-cowboy.h5", COWBOY, "scripted") as writer:
        writer.add([replace(episode(0, COWBOY), success=never)])
    assert newt("newt demos list").out.splitlines()[1].split()[4] == NO_VALUE
    assert newt("newt demos show pygame-cowboy").out.splitlines()[-1].split()[4] == NO_VALUE
    assert newt("newt demos list --json").json["tasks"]["pygame-cowboy"]["success"] is None
    assert newt("newt demos show pygame-cowboy --json").json["each"][0]["success"] is None


def test_merge_takes_each_episode_once(newt, demos, tmp_path):
    more = write_demos(tmp_path / "more", 2, PONG, first=1)
    answer = newt(f"newt demos merge demos/pygame-pong.h5 {more} --out all.h5 --json")
    assert answer.json["tasks"]["pygame-pong"]["episodes"] == 3
    assert "left out 1 episode already" in answer.err
    assert [one.seed for one in read_demos(Path("all.h5"), PONG)] == [0, 1, 2]


def test_what_is_whole_of_a_damaged_file_can_be_taken(newt, demos):
    path = demos / "pygame-pong.h5"
    path.write_bytes(path.read_bytes()[:-2000])
    refused = newt("newt demos merge demos/pygame-pong.h5 --out rest.h5")
    assert refused.code == 2
    assert "--damaged-too" in refused.err
    assert len(refused.err.splitlines()) <= 2
    assert not Path("rest.h5").exists()
    assert newt("newt demos merge demos/pygame-pong.h5 --out rest.h5 --damaged-too").code == 0
    assert [one.seed for one in read_demos(Path("rest.h5"), PONG)] == [0]


def test_plot_draws_a_picture(newt, demos):
    import imageio.v3 as imageio

    assert "wrote demos.png: " in newt("newt demos plot --out demos.png").err
    answer = newt("newt demos plot --out demos.png --json")
    assert answer.json == {"path": "demos.png", "tasks": ["pygame-cowboy", "pygame-pong"]}
    picture = imageio.imread("demos.png")
    assert picture.shape[1] > picture.shape[0] > 200, "two panels side by side"
    assert picture.std() > 5


def test_collecting_writes_files_and_says_what_it_kept(newt):
    answer = newt("newt collect-demos --task pygame-point-maze-var1 --episodes 2 --json")
    assert answer.code == 0
    result = answer.json["tasks"]["pygame-point-maze-var1"]
    assert result["kept"] == 2
    assert result["episodes"] == result["kept"] + result["rejected"]
    assert result["success"] == 1.0
    assert newt("newt demos validate").code == 0
    answer = newt("newt collect-demos --task pygame-point-maze-var1 --episodes 1 --append")
    assert answer.code == 0
    assert newt("newt demos list --json").json["tasks"]["pygame-point-maze-var1"]["episodes"] == 3


def test_tasks_without_an_expert_are_left_out_by_name(newt):
    line = "newt collect-demos --tasks pygame-point-maze-var1,atari-krull --episodes 1 --json"
    answer = newt(line)
    assert answer.code == 0
    assert set(answer.json["tasks"]) == {"pygame-point-maze-var1"}
    assert "no scripted player" in answer.json["left_out"]["atari-krull"]
    assert "left out atari-krull" in answer.err


def test_lists_do_not_need_pytorch(tmp_path):
    write_demos(tmp_path / "demos", 1, PONG)
    code = (
        "import sys; from newt_cli.app import main; "
        "code = main(['demos', 'list', '--json']); sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_train_expert_says_the_cost_and_trains_a_single_task_without_text(newt, core):
    answer = newt("newt collect-demos --tasks atari-krull,pygame-cowboy --train-expert")
    assert answer.code == 0
    assert "atari-krull has no expert: training one takes 25,000 steps, about 50 min" in answer.err
    arguments = core.arguments("interact")
    config = arguments["config"]
    assert (config.tasks, config.text.encoder) == ("atari-krull", "zero")
    assert arguments["folder"].name == "expert-atari-krull"
    assert [name for name, _ in core.calls] == ["forecast", "interact", "collect_demos"]


def test_an_expert_whose_training_is_stopped_can_go_on(newt, core):
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SHORT)
    core.replace("without_expert")
    core.while_training = lambda **arguments: os.kill(os.getpid(), signal.SIGINT)
    answer = newt("newt collect-demos --task short-walk --specs specs --train-expert")
    assert answer.code == 130
    go_on = "newt train --run runs/expert-short-walk --resume --specs specs"
    assert f"Go on with: {go_on}\n" in answer.err
    assert [name for name, _ in core.calls][-1] == "interact"
    core.while_training = lambda **arguments: None
    assert newt(go_on).code == 0
    assert core.arguments("train")["config"].tasks == "short-walk"


def test_a_forecast_counts_the_steps_of_training_and_evaluation_and_the_updates(monkeypatch):
    from newt_core.workflows import forecast as module
    from newt_core.workflows import stage_times, train_expert

    measured = iter([0.25, 0.1, 2.0])

    def seconds(work):
        work()  # a step, its plan, then an update: each has to be possible
        return next(measured)

    monkeypatch.setattr(stage_times, "seconds", seconds)
    config = train_expert.expert_config(PONG, device="cpu")
    evaluation = config.evaluation.model_copy(update={"every": 400, "episodes": 2})
    update = config.update.model_copy(update={"updates_per_step": 0.5, "batch_size": 4})
    update = update.model_copy(update={"catch_up": True})
    at_once = config.random_phase.model_copy(update={"episodes": 0})
    config = config.model_copy(
        update={
            "steps": 1_000,
            "evaluation": evaluation,
            "update": update,
            "random_phase": at_once,
        }
    )
    # Evaluations before the first step, after 400, 800 and 1000, of two episodes each.
    evaluated = 4 * 2 * PONG.episode_length * 0.25
    assert module.forecast(config, [PONG]) == module.Forecast(
        1_000, 500, 1_000 * 0.25 + 500 * 2.0 + evaluated, evaluated
    )


def test_the_time_of_work_is_a_median_that_leaves_out_the_first_call(monkeypatch):
    from newt_core.workflows import stage_times

    now = [0.0]
    durations = iter([3.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.1, 0.2, 0.3, 4.0, 30.0])

    def work():
        now[0] += next(durations)

    monkeypatch.setattr(stage_times.time, "perf_counter", lambda: now[0])
    assert stage_times.seconds(work) == pytest.approx(0.3)
    assert stage_times.seconds(work) == 30.0  # slow work is done once


SHORT = """
domain: dmcontrol
tasks:
  - id: short-walk
    env: {domain_name: walker, task_name: walk}
    embodiment: A planar walker.
    instruction: Walk.
    obs_dim: 24
    action_dim: 6
    episode_length: 10
    action_repeat: 2
    reward: dense
    score: {kind: return, low: 0, high: 20}
    camera: 0
"""


def test_a_checkpoint_can_be_the_expert(newt):
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SHORT)
    train = "newt train --tasks short-walk --specs specs --preset smoke --steps 1 --run a"
    evaluating = "--set evaluation.every=1000"  # at the beginning, too: no best.pt is written
    assert newt(f"{train} {evaluating} --set random_phase.episodes=0 --device cpu").code == 0
    digest = hashlib.sha256(Path("runs/a/checkpoints/last.pt").read_bytes()).hexdigest()
    collect = "newt collect-demos --task short-walk --specs specs --episodes 1 --json"
    # Where there is no scripted player, auto finds the run by itself.
    for out, expert in enumerate(["auto", "runs", "runs/a", "runs/a/checkpoints/last.pt"]):
        answer = newt(f"{collect} --expert {expert} --out {out}")
        assert answer.code == 0
        assert answer.json["tasks"]["short-walk"]["kept"] == 1
        document = newt(f"newt demos show {out}/short-walk.h5 --specs specs --json").json
        assert document["expert"] == f"checkpoint {digest[:16]}"


def test_an_expert_that_is_no_good_is_said_so(newt, monkeypatch):
    from newt_core.experts import act

    monkeypatch.setattr(act.ScriptedAct, "__call__", lambda *args: np.zeros((1, 16), np.float32))
    answer = newt("newt collect-demos --task pygame-point-maze-var1 --episodes 1")
    assert answer.code == 1
    assert "no episode of pygame-point-maze-var1 was good enough" in answer.err
    assert list(Path("demos").iterdir()) == []
