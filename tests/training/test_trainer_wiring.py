"""The trainer's parts, joined: what reaches whom, and what follows from it."""

from __future__ import annotations

import random
from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from newt_core.agents.newt.actor import Actor
from newt_core.agents.newt.update import Learner
from newt_core.errors import TrainingDiverged
from newt_core.training import online
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import read_metrics
from tests.fixtures.point_pool import PointPool
from tests.fixtures.trainers import TASKS, PointRun, differences, point_config

pytestmark = pytest.mark.usefixtures("tiny_networks")


def saved(run: PointRun, name: str = "last") -> dict:
    return load_checkpoint(run.folder / f"checkpoints/{name}.pt")


def test_every_environment_acts_and_records_as_its_own_task(tmp_path, monkeypatch):
    asked: list[tuple[list[int], list[int]]] = []
    act = Actor.__call__

    def watched(self, observation):
        asked.append((observation.task.tolist(), observation.env_ids.tolist()))
        # The third entry counts the steps of an episode: it says where one begins.
        np.testing.assert_array_equal(observation.first, observation.state[:, 2] == 0)
        return act(self, observation)

    monkeypatch.setattr(Actor, "__call__", watched)
    run = PointRun(tmp_path / "a", config=point_config(envs_per_task=2, steps=120))
    run.run()
    assert asked
    assert all(call == ([0, 0, 1, 1], [0, 1, 2, 3]) for call in asked)
    lengths = Counter((e.task, len(e.reward)) for e in run.online.episodes())
    # 30 steps of each environment: 5 episodes of 6 steps in two of them, 7 of 4 in the others.
    assert lengths == {(0, 6): 10, (1, 4): 14}


def test_best_is_the_best_and_no_later_one(tmp_path):
    scores = {0: 0.9, 24: 0.5, 48: 0.3, 60: 0.4}
    run = PointRun(tmp_path / "a", scores=scores.__getitem__)
    run.run()
    assert run.evaluated == [0, 24, 48, 60]
    # The first evaluation sets the mark, but has learned nothing that were worth keeping.
    assert not (run.folder / "checkpoints/best.pt").exists()
    run = PointRun(tmp_path / "b", scores=(scores | {0: 0.1}).__getitem__)
    run.run()
    assert saved(run, "best")["counters"]["steps"] == 24


def test_a_resumed_run_remembers_its_best_score(tmp_path):
    scores = {0: 0.1, 24: 0.5, 48: 0.3, 60: 0.4}
    run = PointRun(tmp_path / "a", scores=scores.__getitem__)
    stopped, _ = run.run(should_stop=lambda: (run.folder / "checkpoints/best.pt").exists())
    assert stopped.steps == 24
    run.run(resume=True)
    assert run.evaluated == [0, 24, 48, 60]
    assert saved(run, "best")["counters"]["steps"] == 24
    assert saved(run)["counters"]["best_score"] == 0.5


def test_nothing_is_learned_before_the_first_phase_ends_and_little_is_owed_then(
    tmp_path, monkeypatch
):
    learned_at: list[int] = []
    update = Learner.update
    run = PointRun(tmp_path / "a")
    trainers: list[online.OnlineTrainer] = []

    def watched(self, *args, **kwargs):
        learned_at.append(trainers[0].steps)
        return update(self, *args, **kwargs)

    monkeypatch.setattr(Learner, "update", watched)
    act = online.OnlineTrainer._act

    def note(self):
        trainers.append(self)
        act(self)

    monkeypatch.setattr(online.OnlineTrainer, "_act", note)
    run.run()
    # Two environments, the longer episode has six steps: 12 steps. Then one update for four steps.
    assert learned_at == list(range(16, 61, 4))


@pytest.mark.parametrize(("settings", "expected"), [({}, 1.0), ({"update__bc_coef": 2}, 2.0)])
def test_cloning_goes_on_without_demonstrations(tmp_path, monkeypatch, settings, expected):
    seen: set[float] = set()
    update = Learner.update

    def watched(self, batch, *, bc_coef=0.0, joint=False, noise=None):
        assert not joint
        seen.add(bc_coef)
        return update(self, batch, bc_coef=bc_coef, joint=joint, noise=noise)

    monkeypatch.setattr(Learner, "update", watched)
    PointRun(tmp_path / "a", config=point_config(**settings)).run()
    assert seen == {expected}
    seen.clear()
    off = point_config(demos__cloning="false", **settings)
    PointRun(tmp_path / "b", config=off).run()
    assert seen == {0.0}


def test_planning_stays_near_a_pretrained_policy_as_long_as_it_should(tmp_path, monkeypatch):
    used: list[tuple[bool, float | None]] = []
    act = Actor.__call__

    def watched(self, *args):
        used.append((self.settings.policy_only, self.settings.prior_weight))
        return act(self, *args)

    monkeypatch.setattr(Actor, "__call__", watched)
    config = point_config(
        steps=100,
        pretrained="some.pt",
        planner__constrain_until=0.3,
        planner__constrain_end=0.7,
        evaluation__every=0,
    )
    run = PointRun(tmp_path / "a", config=config)
    run.run()
    # Six steps of each environment follow the policy; from 12 steps on it is planned.
    assert [policy_only for policy_only, _ in used] == [True] * 6 + [False] * 44
    weights = {2 * step: weight for step, (_, weight) in enumerate(used) if step >= 6}
    assert {weights[step] for step in range(12, 31, 2)} == {1.0}
    assert weights[40] == pytest.approx(0.75)
    assert weights[56] == pytest.approx(0.35)
    assert weights[64] == pytest.approx(0.15)
    assert {weights[step] for step in range(70, 99, 2)} == {0.0}


def test_a_run_that_diverges_says_so_and_keeps_its_last_good_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(online, "LOG_SECONDS", 0.0)
    update = Learner.update

    def breaking(self, batch, **kwargs):
        if self.updates == 6:
            with torch.no_grad():
                self.model.dynamics.first.linear.weight.fill_(float("nan"))
        return update(self, batch, **kwargs)

    monkeypatch.setattr(Learner, "update", breaking)
    # At random the run would act without ever asking the broken model.
    monkeypatch.setattr(Actor, "__call__", lambda self, obs, *rest: np.zeros((2, 16), np.float32))
    run = PointRun(tmp_path / "a", config=point_config(steps=200, evaluation__every=0))
    with pytest.raises(TrainingDiverged) as error:
        run.run()
    assert error.value.exit_code == 1
    message = str(error.value)
    assert "10 updates in a row were not finite" in message
    assert "loss/consistency is nan" in message
    assert str(run.folder / "checkpoints/last.pt") in message
    weights = saved(run)["agent"]["model"]
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())
    # Four steps for an update: the sixteenth and last update came at step 76.
    assert "step 76:" in message


def test_weights_that_blow_up_end_the_run_as_divergence(tmp_path):
    config = point_config(update__lr=1e30, update__encoder_lr=1e30, checkpoint__every=6)
    run = PointRun(tmp_path / "a", config=config)
    with pytest.raises(TrainingDiverged, match=r"diverged at step \d+: .*last\.pt: go on"):
        run.run()
    weights = saved(run)["agent"]["model"]
    assert all(float(value.abs().max()) < 10 for value in weights.values())


def test_a_single_bad_update_is_counted_and_survived(tmp_path, monkeypatch):
    update, calls = Learner.update, count()

    def breaking(self, batch, **kwargs):
        if next(calls) == 3:
            batch.reward[0, 0] = float("nan")
        return update(self, batch, **kwargs)

    monkeypatch.setattr(Learner, "update", breaking)
    run = PointRun(tmp_path / "a")
    result, _ = run.run()
    assert not result.interrupted
    assert read_metrics(run.folder / "metrics.jsonl")[-1]["updates/skipped"] == 1
    assert int(saved(run)["agent"]["learner"]["skipped"]["total"]) == 1


def test_metrics_come_with_every_checkpoint_and_once_per_step(tmp_path):
    run = PointRun(tmp_path / "a")
    calls = count()
    run.run(should_stop=lambda: next(calls) >= 15)
    run.run(resume=True)
    rows = read_metrics(run.folder / "metrics.jsonl")
    steps = [row["step"] for row in rows]
    assert len(set(steps)) == len(steps)
    assert {0, 20, 24, 40, 48, 60} <= set(steps)
    times = [row["wall_time"] or 0.0 for row in rows]
    assert times == sorted(times)
    assert all((row["steps_per_s"] or 0.0) > 0 for row in rows if row["step"])
    last = rows[-1]
    assert {"eval/score", "loss/value", "updates", "replay/steps", "updates/skipped"} <= set(last)


def test_lost_episodes_are_counted_over_the_whole_run_and_are_no_experience(tmp_path):
    def losing(specs):
        return PointPool(specs, lose=[(0, 0), (1, 2)])

    run = PointRun(tmp_path / "a", pool=losing)
    calls = count()
    run.run(should_stop=lambda: next(calls) >= 20)
    run.run(resume=True)
    rows = read_metrics(run.folder / "metrics.jsonl")
    assert rows[-1]["pool/lost_episodes"] == 2
    lengths = Counter(len(e.reward) for e in run.online.episodes())
    assert set(lengths) == {4, 6}


def test_the_same_seed_gives_the_same_run_and_another_another(tmp_path):
    def weights(folder: str, seed: int) -> torch.Tensor:
        run = PointRun(tmp_path / folder, config=point_config(seed=seed))
        run.run()
        return saved(run)["agent"]["model"]["policy.output.weight"]

    first = weights("a", 1)
    assert torch.equal(first, weights("b", 1))
    assert not torch.equal(first, weights("c", 2))


def test_libraries_global_generators_follow_from_the_seed(tmp_path):
    def drawn(folder: str, seed: int) -> dict:
        PointRun(tmp_path / folder, config=point_config(seed=seed)).run(should_stop=lambda: True)
        return saved(PointRun(tmp_path / folder))["random"]

    first = drawn("a", 1)
    torch.rand(3)
    np.random.rand(3)
    random.random()
    assert differences(first, drawn("b", 1)) == []
    assert {"/python", "/numpy", "/torch"} == {
        "/" + place.split("/")[1] for place in differences(first, drawn("c", 2))
    }


def test_no_two_generators_of_a_run_share_their_numbers(tmp_path):
    run = PointRun(tmp_path / "a")
    _, trainer = run.run(should_stop=lambda: True)
    state = trainer.state_dict()
    learner, actor = state["agent"]["learner"], state["actor"]
    streams = [
        learner["generator"],
        learner["cpu_generator"],
        actor["generator"],
        actor["cpu_generator"],
        state["batches"]["words"],
        state["random_phase"]["generator"],
    ]
    firsts = {tuple(torch.rand(3, generator=_at(words)).tolist()) for words in streams}
    assert len(firsts) == len(streams)


def _at(words: torch.Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(words)
    return generator


def test_the_tasks_of_the_fixture_differ(tmp_path: Path):
    # What the tests above tell apart by their lengths.
    assert [spec.episode_length for spec in TASKS] == [6, 4]
