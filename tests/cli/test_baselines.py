"""The baselines go through the same commands as Newt's own agents, and say what they lack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import newt_core
from newt_core.agents.fasttd3 import networks
from newt_core.specs import load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import read_metrics
from newt_core.workflows import forecast as forecasts
from newt_core.workflows.forecast import Forecast
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.short_tasks import PICTURED, SPECS
from tests.fixtures.trainers import differences

pytestmark = pytest.mark.timeout(300)  # Worker processes are started.

BOTH = "--tasks short-balance,short-reach --specs specs --preset smoke --device cpu --seed 3"
TRAIN = (
    f"newt train {BOTH} --steps 120 --set checkpoint.every=40 --set evaluation.every=0 "
    "--set evaluation.episodes=1"
)
PRETRAIN = f"newt pretrain --agent bc {BOTH} --updates 8 --set pretrain.checkpoint_every=3"
OPTIONS = {
    "ppo": "{width: 8, rollout: 16, minibatches: 2, epochs: 2}",
    "fasttd3": "{batch_size: 8, ring: 30, n_step: 3}",
    "brc": "{critic_width: 8, actor_width: 8, batch_size: 8, ring: 30, learning_starts: 20}",
}


@pytest.fixture(autouse=True)
def two_tasks(newt, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(networks, "ACTOR_WIDTHS", (8,))
    monkeypatch.setattr(networks, "CRITIC_WIDTHS", (8,))
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SPECS)


def demonstrations() -> None:
    library = load_specs([Path("specs")])
    for task in ("short-balance", "short-reach"):
        write_demos(Path("demos"), 3, library[task])


def train(kind: str, rest: str) -> str:
    return f"{TRAIN} --agent {kind} --set 'agent.options={OPTIONS[kind]}' {rest}"


def goes_through_every_command(newt, run: str, kind: str) -> None:
    answer = newt(f"newt eval {run} --specs specs --episodes 2 --json")
    assert answer.code == 0, answer.err
    assert answer.json["mode"] == "policy"
    assert set(answer.json["tasks"]) == {"short-balance", "short-reach"}
    again = newt(f"newt eval {run} --specs specs --episodes 2 --envs 1 --policy-only --json")
    for task, found in answer.json["tasks"].items():
        other = again.json["tasks"][task]  # Products of one row are rounded in another way.
        both = [(each["return"], each["score"], each["ci95"]) for each in (found, other)]
        assert both[1] == pytest.approx(both[0], rel=1e-5, abs=1e-5), task
    for way, says in (
        ("--prior-weight 0.5", f"an agent '{kind}' does not plan: leave --prior-weight out."),
        ("--open-loop 4", f"an agent '{kind}' cannot act open loop: it looks before every"),
    ):
        refused = newt(f"newt eval {run} --specs specs {way}")
        assert (refused.code, says in refused.err) == (2, True), refused.err
    checkpoint = f"runs/{run}/checkpoints/last.pt"
    for line in (
        f"newt render {run} --task short-balance --specs specs --video",
        f"newt report {run}",
        f"newt collect-demos --task short-balance --specs specs --expert {checkpoint} --out made "
        "--episodes 1",
    ):
        answer = newt(line)
        assert answer.code == 0, answer.err
    assert Path(f"runs/{run}/videos/short-balance.mp4").exists()
    assert Path("made/short-balance.h5").exists()
    assert f"an agent '{kind}', sees state" in newt(f"newt runs show {run}").out
    shown = newt(f"newt checkpoint show {checkpoint} --json").json
    assert shown["kind"] == kind
    assert shown["updates"] > 0
    # The run has kept its own specs, so nobody has to name them again.
    alone = newt(f"newt eval {run} --episodes 2 --envs 1 --policy-only --json")
    assert alone.code == 0, alone.err
    assert alone.json["tasks"] == again.json["tasks"]
    several = newt(f"newt eval {run} {checkpoint} random --episodes 1 --policy-only --json")
    assert several.code == 0, several.err
    found = several.json["evaluations"]
    assert list(found) == [run, checkpoint, "random"]
    assert all(list(one["tasks"]) == ["short-balance", "short-reach"] for one in found.values())
    agent: Any = newt_core.load(checkpoint)._agent
    learned = sum(p.numel() for p in agent.model.parameters() if p.requires_grad)
    assert shown["parameters"]["total"] == learned


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_agent_that_interacts_is_trained_evaluated_filmed_and_reported(newt, kind):
    answer = newt(train(kind, "--run a --json"))
    assert answer.code == 0, answer.err
    rows = [json.loads(line) for line in Path("runs/a/metrics.jsonl").read_text().splitlines()]
    # 60 steps of each environment: 3 rollouts of 16, 4 updates each; 2 for each after 10; or 1 for
    # each after 20.
    updates = {"ppo": 12, "fasttd3": 100, "brc": 40}[kind]
    assert (rows[-1]["step"], rows[-1]["updates"]) == (120, updates)
    foretold = answer.json["forecast"]
    assert (foretold["steps"], foretold["updates"]) == (120, updates)
    assert 0 < foretold["seconds"] < 60
    assert "forecast: 120 steps, about " in answer.err
    assert {"loss/policy", "loss/value", "lr"} <= set().union(*rows)
    goes_through_every_command(newt, "a", kind)


# Others are among the slow ones: tests/training/test_resume_exact.py interrupts them, too.
@pytest.mark.parametrize(
    "kind", ["ppo", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("fasttd3", "brc"))]
)
def test_killed_it_goes_on_to_the_same_end(newt, monkeypatch, kind):
    from newt_core.training.collector import Collector

    newt(train(kind, "--run whole"))
    step, left = Collector.step, [46]

    def dying(self, actions):
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("killed")
        return step(self, actions)

    with monkeypatch.context() as patch:
        patch.setattr(Collector, "step", dying)
        with pytest.raises(RuntimeError, match="killed"):
            newt(train(kind, "--run parts"))
    assert newt("newt train --run parts --resume --specs specs").code == 0
    one, other = (
        load_checkpoint(Path(f"runs/{run}/checkpoints/last.pt")) for run in ("whole", "parts")
    )
    for part in set(one) - {"config", "git_version"}:  # The version: a tree may change meanwhile.
        assert differences(one[part], other[part]) == [], part


def test_cloning_is_pretrained_killed_gone_on_with_evaluated_filmed_and_reported(newt, monkeypatch):
    from newt_core.agents.bc.cloning import Cloning

    demonstrations()
    answer = newt(f"{PRETRAIN} --run whole --json")
    assert answer.code == 0, answer.err
    assert set(answer.json["scores"]) == {"policy"}
    foretold = answer.json["forecast"]
    assert (foretold["steps"], foretold["updates"]) == (0, 8)
    assert 0 < foretold["seconds"] < 60
    update, left = Cloning.update, [5]

    def dying(self):
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("killed")
        return update(self)

    with monkeypatch.context() as patch:
        patch.setattr(Cloning, "update", dying)
        patch.setattr(forecasts, "forecast", lambda *args, **kwargs: Forecast(0, 8, None, None))
        with pytest.raises(RuntimeError, match="killed"):
            newt(f"{PRETRAIN} --run parts")
    answer = newt("newt pretrain --run parts --resume --set update.lr=3e-4")
    assert answer.code == 0, answer.err
    one, other = (
        load_checkpoint(Path(f"runs/{run}/checkpoints/last.pt")) for run in ("whole", "parts")
    )
    for part in set(one) - {"config"}:
        assert differences(one[part], other[part]) == [], part
    goes_through_every_command(newt, "parts", "bc")


def test_cloning_can_see_and_do_without_text(newt):
    Path("specs/short.yaml").write_text(PICTURED)
    demonstrations()
    answer = newt(
        "newt collect-demos --task short-reach --specs specs --expert scripted --rgb --out seen "
        "--episodes 2"
    )
    assert answer.code == 0, answer.err
    line = f"{PRETRAIN} --obs rgb --demos seen --run a".replace("short-balance,", "")
    answer = newt(f"{line} --set agent.options.text=false")
    assert answer.code == 0, answer.err
    assert newt("newt eval a --specs specs --episodes 1").code == 0
    shown = newt("newt checkpoint show runs/a/checkpoints/last.pt --json").json
    assert (shown["size"], shown["obs"]) == ("2M", "rgb")


def test_what_they_cannot_do_is_refused_before_there_is_a_run(newt):
    demonstrations()
    for line, says in (
        (f"{TRAIN} --agent bc", "'bc' does not learn by interaction: use newt pretrain."),
        (f"newt pretrain {BOTH} --agent ppo", "'ppo' does not learn from demonstrations: use newt"),
        (f"newt pretrain {BOTH} --agent fasttd3", "does not learn from demonstrations: use newt"),
        (f"{TRAIN} --agent ppo --demos demos", "does not learn from demonstrations: leave --demos"),
        (f"{TRAIN} --agent ppo --obs both", "an agent 'ppo' does not see: leave --obs both out."),
        (f"{TRAIN} --agent fasttd3 --obs rgb", "an agent 'fasttd3' does not see"),
        (f"{TRAIN} --agent ppo --size 2M", "'ppo' does not come in sizes: leave --size out."),
        (
            f"{TRAIN} --agent ppo --set agent.options.rollout=1",
            "agent.options.minibatches is 8, but a rollout has 2 steps in all",
        ),
        (
            f"{TRAIN} --agent ppo --set agent.options.variant=tune",
            "agent.options.variant is 'tune': choose tuned or untuned.",
        ),
        (
            f"{TRAIN} --agent fasttd3 --set agent.options.batch_size=1",
            "agent.options.batch_size is 1, but there are 2 environments",
        ),
        (
            f"{TRAIN} --agent fasttd3 --set agent.options.ring=2000000000",
            "agent.options.ring is 2,000,000,000, which takes 4,",
        ),
        (
            f"{TRAIN} --agent fasttd3 --set agent.options.v_max=-20",
            "agent.options: v_max must be above v_min.",
        ),
        (f"{TRAIN} --agent brc --obs both", "an agent 'brc' does not see: leave --obs both out."),
        (f"{TRAIN} --agent brc --size 2M", "'brc' does not come in sizes: leave --size out."),
        (
            f"{TRAIN} --agent brc --set agent.options.batch_size=1",
            "agent.options.batch_size is 1, but there are 2 environments",
        ),
        (f"{TRAIN} --agent fastd3", "there is no agent 'fastd3'. Did you mean 'fasttd3'?"),
    ):
        answer = newt(f"{line} --run a")
        assert (answer.code, says in answer.err) == (2, True), answer.err
        assert len(answer.err.strip().splitlines()) <= 2, answer.err
    assert not Path("runs").exists()


def test_diverged_training_names_settings_that_the_agent_has(newt):
    answer = newt(train("ppo", "--run a").replace("width: 8", "lr: 1e38, width: 8"))
    assert answer.code == 1
    assert "with a lower --set agent.options.lr=…, or a lower agent.options.grad_clip" in answer.err


@pytest.mark.parametrize(("kind", "fixed"), [("ppo", "width"), ("brc", "ring")])
def test_how_it_learns_can_change_on_the_way_and_what_it_is_cannot(newt, kind, fixed):
    newt(train(kind, "--run a"))
    on = "newt train --run a --resume --steps 160"
    answer = newt(f"{on} --set agent.options.{fixed}=16 --set agent.options.lr=1e-4")
    assert answer.code == 2
    first, second = answer.err.strip().splitlines()
    assert f"has begun: 'agent.options.{fixed}' cannot change on the way" in first
    assert "lr'" not in first
    options = re.findall(r"agent\.options\.\{(.*)\}", second)[0].split(",")
    assert "lr" in options
    assert fixed not in options
    assert newt(f"{on} --set agent.options.lr=1e-4").code == 0
    assert read_metrics(Path("runs/a/metrics.jsonl"))[-1]["lr"] == 1e-4
    kept = yaml.safe_load(Path("runs/a/config.yaml").read_text())["agent"]["options"]
    assert kept == {**yaml.safe_load(OPTIONS[kind]), "lr": 1e-4}


def test_options_in_an_edited_file_are_held_against_the_checkpoint(newt):
    newt(train("ppo", "--run a"))
    file = Path("runs/a/config.yaml")
    began = file.read_text()
    file.write_text(began.replace("width: 8", "width: 16"))
    answer = newt("newt train --run a --resume --steps 160")
    assert answer.code == 2
    assert "agent.options.width is 16 there, 8 in the checkpoint" in answer.err
    file.write_text(began.replace("epochs: 2", "epochs: 3"))
    answer = newt("newt train --run a --resume --steps 160")
    assert answer.code == 0
    assert "was changed: agent.options.epochs is 3 there, 2 in the checkpoint" in answer.err


def test_the_way_out_of_diverged_training_is_open(newt):
    newt(train("ppo", "--run a"))
    answer = newt("newt train --run a --resume --steps 400 --set agent.options.lr=1e38")
    assert answer.code == 1
    assert "go on from it with --resume and a lower --set agent.options.lr=…" in answer.err
    on = "newt train --run a --resume --set agent.options.lr=1e-4 --set agent.options.grad_clip=0.5"
    assert newt(on).code == 0
