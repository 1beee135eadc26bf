"""`newt pretrain`, with a stand-in for the learning."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from tests.fixtures.contents import payload_of
from tests.fixtures.demonstrations import write_demos


@pytest.fixture(autouse=True)
def demos(newt) -> None:
    write_demos(Path("demos"), 1, load_specs()["pygame-cowboy"])


def test_json_has_the_run_the_checkpoint_and_three_scores(newt, core):
    answer = newt("newt pretrain --tasks pygame-cowboy --updates 50 --size 2M --run a --json")
    assert answer.code == 0
    assert set(answer.json) >= {"run", "checkpoint", "steps", "score"}
    assert answer.json["scores"] == {"policy": 0.4, "planning": 0.3, "constrained planning": 0.5}
    assert answer.json["score"] == 0.4
    arguments = core.arguments("pretrain")
    config = arguments["config"]
    assert (config.pretrain.updates, config.model.size) == (50, "2M")
    assert config.demos.folder == Path("demos").resolve()
    assert not arguments["resume"]
    assert core.arguments("forecast")["pretraining"] is True
    assert (arguments["folder"].path / "config.yaml").exists()


def test_the_result_says_how_well_and_where(newt, core):
    answer = newt("newt pretrain --tasks pygame-cowboy --updates 1500 --run a")
    assert answer.out.splitlines() == [
        "1,500 updates: runs/a/checkpoints/last.pt",
        "scores: policy 0.400, planning 0.300, constrained planning 0.500",
    ]
    assert "losses: runs/a/losses.png" in answer.err


def test_the_papers_number_of_updates_is_the_default(newt, core):
    newt("newt pretrain --tasks pygame-cowboy")
    assert core.arguments("pretrain")["config"].pretrain.updates == 200_000


def test_demonstrations_come_from_where_the_settings_say(newt, core):
    Path("demos").rename("elsewhere")
    Path("mine.yaml").write_text("demos: elsewhere")
    for told in ("--set demos=elsewhere", "--config mine.yaml", "--demos elsewhere"):
        answer = newt(f"newt pretrain --tasks pygame-cowboy {told}")
        assert answer.code == 0, answer.err
        assert core.arguments("pretrain")["config"].demos.folder == Path("elsewhere").resolve()


def test_a_run_goes_on_with_its_own_settings(newt, core):
    newt("newt pretrain --tasks pygame-cowboy --updates 50 --run a")
    assert newt("newt pretrain --run a --resume").code == 0
    arguments = core.arguments("pretrain")
    assert arguments["config"].pretrain.updates == 50
    assert arguments["resume"]
    refused = newt("newt pretrain --run a --resume --demos elsewhere")
    assert refused.code == 2
    assert "'demos.folder' cannot change" in refused.err
    assert newt("newt pretrain --run a --resume --updates 70").code == 0
    assert core.arguments("pretrain")["config"].pretrain.updates == 70
    # It will never interact: how it would do so has no effect.
    refused = newt("newt pretrain --run a --resume --set steps=9")
    assert refused.code == 2
    assert "'steps' cannot change on the way" in refused.err


def test_ctrl_c_says_how_to_go_on(newt, core):
    core.while_training = lambda **kwargs: os.kill(os.getpid(), signal.SIGINT)
    answer = newt("newt pretrain --tasks pygame-cowboy --run a")
    assert answer.code == 130
    assert "Go on with: newt pretrain --run runs/a --resume" in answer.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("newt pretrain", "nothing says which tasks to train on"),
        ("newt pretrain --tasks pygame-pong", "pygame-pong has no demonstrations in /"),
        ("newt pretrain --tasks pygame-pong --demos none", "/none does not exist. 'newt collect"),
        ("newt pretrain --tasks pygame-cowboy --updates 0", "pretrain.updates"),
        ("newt pretrain --tasks pygame-cowboy --set model.obs=both", "add visual observations"),
    ],
)
def test_a_mistake_makes_no_run(newt, core, line, message):
    answer = newt(line)
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert not core.calls
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


def test_another_command_cannot_go_on_with_it_and_changes_nothing(newt, core):
    assert newt("newt pretrain --tasks pygame-cowboy --updates 50 --run a").code == 0
    config = core.arguments("pretrain")["config"]
    saved = payload_of(config, [load_specs()["pygame-cowboy"]], phase="pretraining")
    saved["counters"] = {"steps": 0, "updates": 9}
    Path("runs/a/checkpoints").mkdir()
    save_checkpoint(Path("runs/a/checkpoints/step_000000009.pt"), saved)
    before = Path("runs/a/config.yaml").read_text()
    refused = newt("newt train --run a --resume --set evaluation.every=7")
    assert refused.code == 2
    assert "was made by 'newt pretrain': go on with that" in refused.err
    assert Path("runs/a/config.yaml").read_text() == before
    assert newt("newt pretrain --run a --resume --set evaluation.episodes=7").code == 0
    assert "episodes: 7" in Path("runs/a/config.yaml").read_text()
