"""Compares an agent without feedback with itself with feedback, task by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from newt_core.agents.base import Acting, Agent, Imagining
from newt_core.encoders.feature_pool import open_pool
from newt_core.envs.pool import make_pool
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.imagination import Imagination, imagination_errors
from newt_core.evaluation.open_loop import Fraction, average, fractions
from newt_core.evaluation.traces import Trace, record, replay
from newt_core.files import write_json
from newt_core.reporting.open_loop import (
    Shown,
    draw_imagination,
    draw_task,
    frame_times,
    save_figure,
)
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.run_folder import RUNS
from newt_core.types import CountProgress, FloatArray
from newt_core.workflows.evaluate import EvaluationRequest, open_agent
from newt_core.workflows.find_checkpoint import find_checkpoint
from newt_core.workflows.load_agent import require_horizon

DEEPEST = 48
"""Imagined steps that errors are measured after, at most."""
CLOSED_STEPS = 2 * DEEPEST
"""Steps of each closed-loop episode, along which imagination is measured, by default."""
STARTS = 64
"""States of each episode from which the agent imagines, at most."""


@dataclass(frozen=True)
class OpenLoopRequest:
    """What ``newt openloop`` is asked."""

    evaluation: EvaluationRequest
    """Whom, in which tasks and episodes. It acts closed loop as its ``how`` says; its first seed
    counts."""
    horizon: int = 48
    """Steps N that are planned at once, and executed."""
    closed_steps: int | None = None
    """Steps of each closed-loop episode, at most all; by default :data:`CLOSED_STEPS`, or
    ``horizon`` if that is more."""
    out: Path | None = None
    """Folder for the files; by default ``openloop`` in the checkpoint's run."""


@dataclass(frozen=True)
class TaskOpenLoop:
    """What was found in one task."""

    fractions: Mapping[str, Fraction]
    """At a third, two thirds and all of the horizon."""
    predicted: float
    """Mean return up to the horizon that the model foresaw for its open-loop plans."""
    imagination: Imagination
    picture: Path


@dataclass(frozen=True)
class OpenLoop:
    """What ``newt openloop`` reports."""

    horizon: int
    episodes: int
    mode: str
    """How the agent acted without feedback."""
    tasks: Mapping[str, TaskOpenLoop]
    folder: Path
    """Where the files are."""

    @property
    def average(self) -> dict[str, float | int | None]:
        """The tasks' mean; see :func:`newt_core.evaluation.open_loop.average`."""
        return average(task.fractions for task in self.tasks.values())

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``newt openloop --json`` prints, in JSON's own types."""
        return {
            "horizon": self.horizon,
            "episodes": self.episodes,
            "mode": self.mode,
            "tasks": {name: _task_json(task) for name, task in self.tasks.items()},
            "average": self.average,
            "folder": str(self.folder),
        }


def _task_json(task: TaskOpenLoop) -> dict[str, Any]:
    whole = task.fractions["t3"]
    return {
        "closed": whole.closed,
        "open": whole.open,
        "predicted": task.predicted,
        "fractions": {name: part.ratio for name, part in task.fractions.items()},
        "ci95": {name: part.ci95 for name, part in task.fractions.items()},
        "returns": {
            name: {key: value for key, value in asdict(part).items() if key in ("closed", "open")}
            for name, part in task.fractions.items()
        },
        "imagination": task.imagination.to_json(),
        "picture": str(task.picture),
    }


def compare_open_loop(
    request: OpenLoopRequest,
    *,
    library: SpecLibrary,
    runs: Path = RUNS,
    on_step: CountProgress = lambda done, total: None,
    notice: Callable[[str], None] = lambda text: None,
) -> OpenLoop:
    """Run episodes of each task with feedback and without, and draw what came of them.

    Both begin with the same states: those of the first episodes of ``newt eval``.

    Args:
        request: What is asked.
        library: Where tasks are looked up.
        runs: The folder of all runs.
        on_step: Told how many steps are done, and how many there are.
        notice: Told which tasks cannot be drawn here.

    Raises:
        ConfigError: The agent cannot act open loop, or the horizon is longer than an episode or
            than the closed-loop episodes.
        NewtError: Whatever else the user can put right.
    """
    asked = request.evaluation
    without = replace(asked.how, open_loop=request.horizon)
    agent, specs = open_agent(replace(asked, how=without), library=library, runs=runs)
    require_horizon(request.horizon, specs)
    _, videos = find_checkpoint(str(asked.checkpoint), runs)
    folder = request.out or videos.with_name("openloop")
    closed_steps = _closed_steps(request)
    steps = {spec.id: min(spec.episode_length, closed_steps) for spec in specs}
    total = asked.episodes * sum(count + request.horizon for count in steps.values())
    done = 0

    def count(taken: int) -> None:
        nonlocal done
        done = min(done + taken, total)
        on_step(done, total)

    found = {}
    for index, spec in enumerate(specs):
        task = _Task(agent, spec, index, asked, request.horizon)
        found[spec.id] = task.compare(steps[spec.id], without, folder, count, notice)
    result = OpenLoop(request.horizon, asked.episodes, agent.mode(without), found, folder)
    imagined = {name: task.imagination for name, task in found.items()}
    save_figure(draw_imagination(imagined), folder / "imagination.png")
    write_json(folder / f"openloop-{request.horizon}.json", result.to_json())
    return result


def _closed_steps(request: OpenLoopRequest) -> int:
    if request.closed_steps is None:
        return max(request.horizon, CLOSED_STEPS)
    if request.closed_steps < request.horizon:
        raise ConfigError(
            f"--closed-steps {request.closed_steps} is shorter than --horizon {request.horizon}: "
            "what is done without looking is compared with as many steps of acting closed loop."
        )
    return request.closed_steps


@dataclass(frozen=True)
class _Task:
    """One task's part of the work."""

    agent: Agent
    spec: TaskSpec
    index: int
    asked: EvaluationRequest
    horizon: int

    @property
    def seed(self) -> int:
        return stream_seed(self.asked.seeds[0], Stream.REPORTED_EPISODES)

    def compare(
        self,
        closed_steps: int,
        without: Acting,
        folder: Path,
        count: Callable[[int], None],
        notice: Callable[[str], None],
    ) -> TaskOpenLoop:
        agent, horizon = self.agent, self.horizon
        envs = min(self.asked.envs, self.asked.episodes)
        encoder, stack = agent.image_encoder, agent.feature_stack
        with open_pool([self.spec] * envs, encoder, stack, seed=self.seed) as pool:
            closed, opened = (
                record(
                    agent.player(envs, seed=self.seed, how=how),
                    pool,
                    self.asked.episodes,
                    steps,
                    task=self.index,
                    seed=self.seed,
                    on_steps=count,
                )
                for how, steps in ((self.asked.how, closed_steps), (without, horizon))
            )
        # A kind of agent that acts open loop has a model to look into.
        model = cast(Imagining, agent)
        start = np.zeros(1, np.int64)
        foreseen = np.stack([
            model.imagine(trace.seen.of_rows(start), trace.action[:, None]).reward[:, 0]
            for trace in opened
        ])  # fmt: skip
        found = fractions(closed, opened, horizon)
        times = frame_times(horizon)
        picture = folder / f"{self.spec.id}-{horizon}.png"
        shown = Shown(
            self.spec.id,
            times,
            self._frames(closed[0], opened[0], times, notice),
            _rewards(closed, horizon),
            _rewards(opened, horizon),
            foreseen,
            found,
        )
        save_figure(draw_task(shown), picture)
        depth = min(DEEPEST, closed_steps)
        errors = imagination_errors(model, closed, depth, STARTS)
        return TaskOpenLoop(found, float(foreseen.sum(1).mean()), errors, picture)

    def _frames(
        self, closed: Trace, opened: Trace, times: list[int], notice: Callable[[str], None]
    ) -> list[Any]:
        """Return pictures of both at some times; none where the task cannot be drawn here."""
        try:
            with make_pool([self.spec] * 2, seed=self.seed, frames=1) as pool:
                return list(replay(pool, (closed, opened), times, seed=self.seed))
        except MissingDependencyError as error:
            notice(f"{self.spec.id} has no frames in its picture: {error}")
            return []


def _rewards(traces: list[Trace], horizon: int) -> FloatArray:
    return np.stack([trace.reward[:horizon] for trace in traces])
