"""`newt finetune`: what it prints, what it refuses, how it is stopped."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from tests.fixtures.contents import payload_of
from tests.fixtures.point_runs import play_points
from tests.fixtures.run_folders import write_finetuning
from tests.fixtures.short_tasks import SPECS

SHORT = "--specs specs --preset smoke --device cpu --set planner.horizon=1 --steps 20"
START = "newt finetune made.pt --task walker-walk --preset smoke --device cpu --run a"


@pytest.fixture
def made(newt) -> Path:
    """Return a checkpoint without weights, in the folder where commands run."""
    made = resolve_config(None, None, (), tasks="walker-run", size="5M")
    save_checkpoint(Path("made.pt"), payload_of(made))
    return Path("made.pt")


def test_it_trains_evaluates_and_tells_what_that_was_worth(newt, monkeypatch):
    play_points(monkeypatch)
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SPECS.replace("episode_length: 10", "episode_length: 4"))
    trained = newt(f"newt train --task short-balance {SHORT} --run multi")
    assert trained.code == 0, trained.err
    line = "newt finetune multi --task short-reach --seeds 2 --scratch --run unseen"
    answer = newt(f"{line} {SHORT} --set evaluation.every=0")
    assert answer.code == 0, answer.err
    head, first, second, page = answer.out.splitlines()
    columns = " ".join(head.split())
    assert columns == "task begun from 0 % 10 % 25 % 50 % 100 %"
    assert first.split()[:2] == ["short-reach", "checkpoint"]
    assert second.split()[0] == "scratch"
    assert first.count("±") == second.count("±") == 5
    assert page == "runs/unseen/report.html"
    assert re.search(r"forecast: 4 runs of 20 steps, about .* each, .* in all", answer.err)
    # What is expected of each run is counted from the first line on.
    assert re.search(r"0/80 steps · .* left", answer.err)
    assert "from scratch" in Path(page).read_text()

    again = newt("newt finetune --run unseen --resume --json")
    document = again.json
    assert (document["run"], document["steps"]) == ("runs/unseen", 20)
    assert document["checkpoint"] == "runs/unseen/short-reach_pretrained_seed-1/checkpoints/last.pt"
    assert document["score"] == document["average"]["pretrained"]["100"]["score"]
    assert f"{document['score']:.3f} ±" in first
    zero_shot = document["tasks"]["short-reach"]["zero_shot"]
    assert f"{zero_shot['score']:.3f} ±" in first

    # Each run is one of the others' kind: here it is evaluated, from its folder.
    run = "runs/unseen/short-reach_pretrained_seed-0"
    evaluated = newt(f"newt eval {run} --specs specs --device cpu --episodes 1 --json")
    assert list(evaluated.json["tasks"]) == ["short-reach"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("newt finetune --task walker-walk --run a", "nothing says what to finetune"),
        ("newt finetune nowhere.pt --task walker-walk --run a", "nowhere.pt"),
        ("newt finetune nothing --task walker-walk --run a", "no run 'nothing'"),
        ("newt finetune made.pt --run a", "which tasks"),
        ("newt finetune made.pt --task walker-wlak --run a", "Did you mean"),
        (f"{START} --seeds 0", "too small"),
        (f"{START} --set model.size=2M", "is a 5M model"),
        (f"{START} --obs rgb --image-encoder tiny", "--obs"),
        (f"{START} --demos nowhere", "nowhere"),
        (f"{START} --text-encoder zero", "Use --text-encoder hashed"),
        (f"{START} --tasks walker-run,walker-stand --instruction Walk.", "2 are chosen"),
        (f"{START} --preset cpu --resume", "--preset and --config"),
        ("newt finetune --run a --resume", "there is no finetuning 'a'"),
        ("newt finetune --resume", "there is no finetuning in runs"),
    ],
)
def test_a_mistake_makes_no_folder(newt, core, made, line, reason):
    answer = newt(line)
    assert answer.code == 2, answer.err
    assert reason in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert not Path("runs/a").exists()


def test_a_checkpoint_that_is_none_is_refused(newt, core):
    Path("made.pt").write_bytes(b"no archive")
    answer = newt(START)
    assert (answer.code, Path("runs").exists()) == (2, False)
    assert "made.pt" in answer.err


def test_a_taken_name_is_refused(newt, core, made):
    assert newt(f"{START} --seeds 1").code == 0
    answer = newt(START)
    assert answer.code == 2
    assert "the finetuning runs/a already exists. Go on with it with --resume" in answer.err
    assert "already exists" in newt("newt train --task walker-walk --preset smoke --run a").err


def test_a_damaged_summary_says_what_to_do(newt, core, made):
    write_finetuning(Path("runs"), "a", made)
    for content in ("{", "[]", '{"plan": {}}'):
        Path("runs/a/finetune.json").write_text(content)
        answer = newt("newt finetune --run a --resume")
        assert answer.code == 2
        assert "runs/a/finetune.json cannot be used" in answer.err
        assert len(answer.err.splitlines()) <= 2


def test_a_signal_ends_it_with_a_save_and_says_how_to_go_on(newt, core, made):
    def interrupted(*, should_stop, **_):
        os.kill(os.getpid(), signal.SIGINT)
        assert should_stop()

    core.while_training = interrupted
    answer = newt(f"{START} --seeds 1 --json")
    assert answer.code == 130
    assert answer.json["run"] == "runs/a"
    assert "Go on with: newt finetune --run runs/a --resume" in answer.err
    assert newt("newt finetune --run runs/a --resume").code == 130


def test_two_processes_do_not_work_in_the_same(newt, core, made):
    finetuning = write_finetuning(Path("runs"), "a", made)
    with finetuning.lock():
        answer = newt("newt finetune --run a --resume")
    assert answer.code == 2
    assert "is being trained in by process" in answer.err
