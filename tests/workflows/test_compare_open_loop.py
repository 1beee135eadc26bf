"""`newt openloop` from an agent to its files, on points that are pushed about."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from newt_core.agents.base import Acting
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.setup import task_table
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.model.config import ModelConfig
from newt_core.model.sizes import SIZES
from newt_core.planner.config import PlannerConfig
from newt_core.reporting.open_loop import Shown, draw_task, frame_times
from newt_core.workflows import open_loop
from newt_core.workflows.evaluate import EvaluationRequest
from newt_core.workflows.open_loop import OpenLoop, OpenLoopRequest, compare_open_loop
from tests.fixtures.layers import Layers
from tests.fixtures.models import TINY
from tests.fixtures.point_pool import PointPool, point_task

SPECS = [point_task("near", 9), point_task("far", 12, score={"kind": "return", "high": 12.0})]
PLANNER = PlannerConfig(num_samples=20, policy_trajectories=4, iterations=2, num_elites=5)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> NewtAgent:
    monkeypatch.setitem(SIZES, "2M", TINY)
    text = np.stack([np.full(512, 0.01 * n, np.float32) for n in (1, 2)])
    made = NewtAgent(
        ModelConfig(size="2M"), PLANNER, UpdateConfig(), task_table(SPECS, text),
        device=torch.device("cpu"),
    )  # fmt: skip
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for weight in made.model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator))
    return made


@pytest.fixture
def points(layers: Layers, agent: NewtAgent, tmp_path: Path, monkeypatch) -> Layers:
    """Stand in for the checkpoint and the simulators, which cannot be drawn."""
    monkeypatch.chdir(tmp_path)
    layers.replace("open-loop agent", lambda told: (agent, SPECS))
    layers.replace("open-loop pool", lambda told: nullcontext(PointPool(told["specs"])))

    def undrawn(told: dict[str, Any]) -> Any:
        raise MissingDependencyError("no driver")

    layers.replace("pictured pool", undrawn)
    return layers


def compare(short: Any, said: list[str] | None = None, **options: Any) -> OpenLoop:
    asked = {"episodes": 3, "envs": options.pop("envs", 2)}
    request = OpenLoopRequest(EvaluationRequest(Path("last.pt"), None, **asked), **options)
    notice = (said if said is not None else []).append
    return compare_open_loop(request, library=short, notice=notice)


def test_an_agent_is_compared_and_the_files_are_there(points, short):
    said: list[str] = []
    found = compare(short, said, horizon=6, out=Path("pictures"))
    assert points.told["open-loop agent"]["request"].how == Acting(open_loop=6)
    assert list(found.tasks) == ["near", "far"]
    assert found.mode == "open-loop planning, 6 steps"
    for task in found.tasks.values():
        assert [part.steps for part in task.fractions.values()] == [2, 4, 6]
        assert 0 < task.fractions["t3"].closed < 6
    # Along whole episodes, which are shorter than imagination goes otherwise.
    assert [len(task.imagination.reward) for task in found.tasks.values()] == [9, 12]
    assert said == [f"{task} has no frames in its picture: no driver" for task in ("near", "far")]
    files = sorted(path.name for path in Path("pictures").iterdir())
    assert files == ["far-6.png", "imagination.png", "near-6.png", "openloop-6.json"]
    kept = json.loads(Path("pictures/openloop-6.json").read_text())
    assert kept["tasks"]["near"]["fractions"]["t1"] == found.tasks["near"].fractions["t1"].ratio
    for name in files[:3]:
        assert min(Image.open(Path("pictures") / name).size) > 200


def test_no_number_depends_on_how_many_run_side_by_side(points, short):
    one, three = (compare(short, horizon=6, envs=envs) for envs in (1, 3))
    for task in one.tasks:
        for mine, theirs in zip(
            one.tasks[task].fractions.values(), three.tasks[task].fractions.values(), strict=True
        ):
            assert mine.open == pytest.approx(theirs.open, rel=1e-5)
            assert mine.closed == pytest.approx(theirs.closed, rel=1e-5)


def test_of_a_plan_of_one_step_at_a_time_nothing_is_lost(points, short, monkeypatch):
    """With the planner's own horizon, the first step of both is the same."""
    found = compare(short, horizon=3)
    for task in found.tasks.values():
        assert task.fractions["t1"].open == pytest.approx(task.fractions["t1"].closed, rel=1e-6)
    assert Path("openloop/openloop-3.json").is_file()  # Beside a checkpoint that is in no run.


def test_frames_of_both_stand_above_each_other(points, short, monkeypatch):
    shown: list[Shown] = []

    def drawn(it: Shown) -> Any:
        shown.append(it)
        return draw_task(it)

    monkeypatch.setattr(open_loop, "draw_task", drawn)
    pictures = [np.full((2, 8, 8, 3), 40 * k, np.uint8) for k in range(6)]
    points.replace("pictured pool", lambda told: nullcontext("drawn"))
    monkeypatch.setattr(open_loop, "replay", lambda pool, traces, times, seed: pictures)
    compare(short, horizon=8)
    assert shown[0].times == frame_times(8) == [0, 2, 3, 5, 6, 8]
    figure = draw_task(shown[0])
    frames, plots = figure.subfigs
    assert [axes.get_title() for axes in frames.axes[:6]] == [
        "start", *(f"step {time}" for time in (2, 3, 5, 6, 8)),
    ]  # fmt: skip
    assert [frames.axes[row].get_ylabel() for row in (0, 6)] == ["closed loop", "open loop"]
    assert np.all(np.asarray(frames.axes[8].images[0].get_array()) == 80)
    predicted = plots.axes[0].get_lines()[2]
    assert predicted.get_label() == "open loop, as predicted"
    np.testing.assert_allclose(np.asarray(predicted.get_ydata(), float), shown[0].predicted[0])


def test_a_plan_longer_than_an_episode_is_refused(points, short):
    with pytest.raises(ConfigError, match="10,000 steps is longer than an episode of 'near' and 1"):
        compare(short, horizon=10_000)
    with pytest.raises(ConfigError, match="of 10 steps is longer than an episode of 'near': ask"):
        compare(short, horizon=10)
    with pytest.raises(ConfigError, match="open_loop is 0"):
        compare(short, horizon=0)


def test_closed_loop_episodes_are_as_long_as_what_they_are_compared_with(points, short):
    with pytest.raises(ConfigError, match=r"--closed-steps 4 is shorter than --horizon 6"):
        compare(short, horizon=6, closed_steps=4)
    assert not Path("openloop").exists()
    found = compare(short, horizon=4, closed_steps=4)
    assert {len(task.imagination.reward) for task in found.tasks.values()} == {4}
