"""Plans and updates as CUDA graphs, which a recording of their operations stands in for.

A recording reads and writes the very tensors it was made with, as a graph does: what a program puts
elsewhere, or keeps as a number of Python's, would make these runs differ from plain ones.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from newt_core.agents.newt.acting_model import ActingModel
from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.devices.static_call import WARM_UP
from newt_core.planner.captured import rounded_up
from newt_core.planner.chunks import OnGpu
from newt_core.planner.config import PlannerConfig
from newt_core.types import STATE_DIM, Observation
from tests.fixtures.models import batch, model
from tests.fixtures.recorded_graphs import RecordingGpu, install

ROUNDS = WARM_UP + 4
PLANNER = PlannerConfig(num_samples=12, policy_trajectories=3, num_elites=4, iterations=2)


@pytest.fixture
def gpu(monkeypatch):
    # As a compiler does, take the ways that read no values: those of a GPU.
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    return install(RecordingGpu(), monkeypatch)


def same(one: Learner, other: Learner) -> None:
    pairs = zip(one.model.state_dict().items(), other.model.state_dict().values(), strict=True)
    for (name, ours), theirs in pairs:
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5, msg=name)
    torch.testing.assert_close(one.scale, other.scale)
    assert vars(one.skipped) == vars(other.skipped)


@pytest.mark.parametrize(("joint", "latents"), [(False, False), (True, False), (False, True)])
def test_a_captured_update_is_the_plain_one(monkeypatch, joint, latents):
    options = {"bc_latents": latents, "scale_ema": 0.5}
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "_capturable", lambda self: True)
        ours = Learner(model(), UpdateConfig(**options), seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        gpu = install(RecordingGpu(), patch)
        plain = Learner(model(), UpdateConfig(**options), seed=1)
        for number in range(ROUNDS):
            for learner in (ours, plain):
                learner.set_lr_factor(1.0 + number)
                if number == ROUNDS - 2:
                    learner.scale = torch.tensor(7.0)
            rows = batch(seed=number)
            if number == ROUNDS - 1:  # An update that is left out, by the graph alone
                rows = replace(rows, reward=torch.full_like(rows.reward, float("nan")))
            found = [x.update(rows, bc_coef=0.5, joint=joint) for x in (ours, plain)]
            for name, value in found[1].items():
                torch.testing.assert_close(
                    found[0][name], value, atol=1e-6, rtol=1e-4, equal_nan=True
                )
        same(ours, plain)
    assert gpu.log.count("capture") == 1
    assert gpu.log.count("replay") == ROUNDS - WARM_UP
    assert int(ours.skipped.total) == 1
    assert ours.updates == ROUNDS


def test_metrics_of_two_captured_updates_are_of_their_own(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "_capturable", lambda self: True)
        install(RecordingGpu(), patch)
        ours = Learner(model(), UpdateConfig(), seed=1)
        for _ in range(WARM_UP + 1):
            first = ours.update(batch(seed=1))
        kept = {name: float(value) for name, value in first.items()}
        second = ours.update(batch(seed=2))
    assert {name: float(value) for name, value in first.items()} == kept
    assert float(second["loss/reward"]) != kept["loss/reward"]


def test_going_on_from_a_state_captures_anew_and_goes_on_the_same(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "_capturable", lambda self: True)
        ours, other = (Learner(model(), UpdateConfig(), seed=1) for _ in range(2))
    with monkeypatch.context() as patch:
        gpu = install(RecordingGpu(), patch)
        for number in range(WARM_UP + 2):
            ours.update(batch(seed=number))
            other.update(batch(seed=number + 50))
        state = deepcopy(ours.state_dict())  # As a file would: tensors of its own
        assert {type(g["lr"]) for g in state["model_optimiser"]["param_groups"]} == {float}
        other.load_state_dict(state)
        other.model.load_state_dict(ours.model.state_dict())
        for number in range(WARM_UP + 2):
            for learner in (ours, other):
                learner.update(batch(seed=number))
        same(ours, other)
    assert gpu.log.count("capture") == 3


class Acted(ActingModel):
    version = 0


def seen(envs: int, seed: int, *, episodes: bool = False) -> Observation:
    generator = np.random.default_rng(seed)
    state = generator.normal(size=(envs, STATE_DIM)).astype(np.float32)
    ids = np.arange(envs)
    numbers = ids if episodes else None
    return Observation(state, ids % 3, ids, np.zeros(envs, np.bool_), episode=numbers)


def actors(monkeypatch, num_envs: int, **settings):
    """An actor whose plans are captured, and one whose plans are not."""
    made = []
    for captured in (True, False):
        agent = Acted(model(), PLANNER)
        search = agent.captured_search() if captured else None
        monkeypatch.setattr(
            Acted, "on_gpu", lambda self, envs, horizon, s=search: OnGpu(None, s, envs)
        )
        made.append(Actor(agent, num_envs, seed=3, settings=ActorSettings(**settings)))
    return made


def test_captured_plans_are_the_plain_ones_while_weights_and_constraint_change(monkeypatch, gpu):
    ours, plain = actors(monkeypatch, 5, explore=True)
    for number in range(ROUNDS):
        weight = max(0.0, 1.0 - number / (ROUNDS - 2))
        for actor in (ours, plain):
            actor.settings = ActorSettings(explore=True, prior_weight=weight)
            with torch.no_grad():
                for each in actor.agent.model.parameters():
                    each.mul_(1.01)
            actor.agent.weights_replaced()
        found = ours(seen(5, number))
        np.testing.assert_allclose(found, plain(seen(5, number)), atol=1e-5)
    search = ours.agent.captured_search().call
    assert (search.captures, search.beside) == (1, 0)
    assert gpu.log.count("replay") == ROUNDS - WARM_UP


def test_environments_that_end_one_after_the_other_are_captured_a_few_times_only(monkeypatch, gpu):
    ours, plain = actors(monkeypatch, 40)
    for left in (40, 39, 30, 29, 2, 1):
        for _ in range(WARM_UP + 1):
            found, expected = (a(seen(left, left, episodes=True)) for a in (ours, plain))
            assert found.shape == expected.shape == (left, found.shape[1])
            np.testing.assert_allclose(found, expected, atol=1e-5)
    assert ours.agent.captured_search().call.captures == 4  # 40, 32, 2, 1


def test_numbers_of_environments_are_rounded_up_by_a_quarter_at_most():
    for usual in (1, 7, 200):
        sizes = {rounded_up(envs, usual) for envs in range(1, usual + 1)}
        assert max(sizes) == usual
        assert len(sizes) <= 8 + 4 * 5
        assert all(e <= rounded_up(e, usual) <= e * 1.25 for e in range(1, usual + 1))
