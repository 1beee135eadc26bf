"""An agent of another kind, which a package brings along, goes through the same commands."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

from newt_core.agents.base import Capabilities
from newt_core.training.checkpoint import load_checkpoint, save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.workflows import agent_kinds
from tests.fixtures.contents import payload_of
from tests.fixtures.random_search import RandomSearchKind
from tests.fixtures.short_tasks import SPECS
from tests.fixtures.trainers import differences

pytestmark = pytest.mark.timeout(300)  # Worker processes are started.

LINE = (
    "newt train --tasks short-balance,short-reach --specs specs --preset smoke --device cpu "
    "--agent random-search --steps 200 --seed 3 --set checkpoint.every=40 "
    "--set evaluation.every=0 --set evaluation.episodes=1"
)


@pytest.fixture(autouse=True)
def installed(newt, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    Path("specs").mkdir()
    Path("specs/short.yaml").write_text(SPECS)
    point = EntryPoint(
        "random-search", "tests.fixtures.random_search:RandomSearchKind", agent_kinds.ENTRY_POINTS
    )
    monkeypatch.setattr(agent_kinds, "entry_points", lambda group: [point])


def test_it_is_trained_evaluated_filmed_and_reported(newt):
    answer = newt(f"{LINE} --run a")
    assert answer.code == 0, answer.err
    rows = [json.loads(line) for line in Path("runs/a/metrics.jsonl").read_text().splitlines()]
    # 100 steps of each environment: 10 episodes of 10 steps, a trial each.
    assert (rows[-1]["step"], rows[-1]["updates"]) == (200, 10)
    assert rows[-1]["search/record"] >= rows[-1]["search/return"]
    answer = newt("newt eval runs/a/checkpoints/last.pt --specs specs --episodes 2 --json")
    assert answer.code == 0, answer.err
    assert answer.json["mode"] == "policy"
    assert set(answer.json["tasks"]) == {"short-balance", "short-reach"}
    answer = newt("newt eval a --specs specs --prior-weight 0.5")
    assert answer.code == 2
    assert "an agent 'random-search' does not plan: leave --prior-weight out." in answer.err
    for line in ("eval a --open-loop 4", "openloop a --horizon 4"):
        answer = newt(f"newt {line} --specs specs")
        assert answer.code == 2
        assert "an agent 'random-search' cannot act open loop: it looks before" in answer.err
    answer = newt("newt render a --task short-balance --specs specs --video")
    assert answer.code == 0, answer.err
    assert Path("runs/a/videos/short-balance.mp4").exists()
    answer = newt("newt report a")
    assert answer.code == 0, answer.err
    assert "short-reach" in Path("runs/a/report.html").read_text()


def test_killed_it_goes_on_to_the_same_end(newt, monkeypatch):
    newt(f"{LINE} --run whole")
    from newt_core.training.collector import Collector

    step, left = Collector.step, [65]

    def dying(self, actions):
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("killed")
        return step(self, actions)

    with monkeypatch.context() as patch:
        patch.setattr(Collector, "step", dying)
        with pytest.raises(RuntimeError, match="killed"):
            newt(f"{LINE} --run parts")
    assert newt("newt train --run parts --resume --specs specs").code == 0
    one, other = (
        load_checkpoint(Path(f"runs/{run}/checkpoints/last.pt")) for run in ("whole", "parts")
    )
    assert differences(one["agent"], other["agent"]) == []
    assert differences(one["collector"], other["collector"]) == []


def test_what_it_cannot_do_is_refused_before_there_is_a_run(newt, monkeypatch):
    for name, kind in (("made.pt", "newt"), ("other.pt", "random-search")):
        save_checkpoint(Path(name), payload_of(resolve_config(tasks="points", agent=kind)))
    for told, says in (
        ("--demos demos", "an agent 'random-search' does not learn from demonstrations"),
        ("--obs both", "an agent 'random-search' does not see"),
        ("--pretrained made.pt", "an agent 'random-search' cannot begin with a checkpoint"),
        ("--set agent.options.sdt=1", "an agent 'random-search' has no option 'sdt'. Did you mean"),
        ("--set 'agent.options={std: high}'", "agent.options.std is 'high': write a number."),
        ("--set agent.options.std=wide", "agent.options.std is 'wide': write a number."),
        ("--agent newt --set agent.options.std=1", "'newt' has no option 'std'. It has none."),
        ("--agent newt --pretrained other.pt", "other.pt is an agent 'random-search', and this"),
    ):
        answer = newt(f"{LINE} --run a {told}")
        assert (answer.code, says in answer.err) == (2, True), answer.err
    answer = newt(f"{LINE} --run a".replace("random-search", "random-serch"))
    assert answer.code == 2
    assert "there is no agent 'random-serch'. Did you mean 'random-search'?" in answer.err
    monkeypatch.setattr(RandomSearchKind, "capabilities", Capabilities(learns_online=False))
    answer = newt(f"{LINE} --run a")
    assert answer.code == 2
    assert "'random-search' does not learn by interaction: use newt pretrain." in answer.err
    assert not Path("runs").exists()
