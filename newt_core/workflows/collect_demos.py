"""Experts into demonstrations: finds each task's expert, and wires it to a pool and a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from newt_core import arguments
from newt_core.demos.collect import Collection, collect
from newt_core.demos.folder import demo_path
from newt_core.demos.perturb import PerturbedAct
from newt_core.demos.quality import default_episodes
from newt_core.demos.write import writing
from newt_core.envs.availability import sort_out
from newt_core.envs.pool import make_pool
from newt_core.errors import (
    CheckpointError,
    ConfigError,
    DemoError,
    MissingDependencyError,
    some_of,
)
from newt_core.experts.act import ScriptedAct
from newt_core.experts.registry import find_player, why_no_player
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.run_name import RUNS
from newt_core.types import TaskProgress
from newt_core.workflows.requests import check_request, share
from newt_core.workflows.trained_experts import Expert, TrainedExperts, checkpoints_in

AUTO, SCRIPTED = "auto", "scripted"
"""Words that take a checkpoint's place: a scripted player, else a trained agent; the former."""

MAX_ENVS = 10
"""Environments that act side by side, at most."""


@dataclass(frozen=True)
class Collected:
    """What ``newt collect-demos`` reports."""

    tasks: list[Collection]
    left_out: dict[str, str]
    """Task → why nothing was collected in it."""
    interrupted: bool


@dataclass(frozen=True)
class CollectionRequest:
    """What ``newt collect-demos`` is asked."""

    specs: Sequence[TaskSpec]
    """The tasks."""
    folder: Path
    """Where the files go."""
    expert: str = AUTO
    """``auto``, ``scripted``, a checkpoint, or a folder with checkpoints in it."""
    episodes: int | None = None
    """Good episodes of each task; by default as many as its domain is due."""
    append: bool = False
    """Add to files that are there."""
    rgb: bool = False
    """Record a picture of every state, too."""
    noise: float = 0.0
    """Standard deviation of what is added to the expert's actions."""
    seed: int = 0
    """Determines the episodes."""
    device: str = "auto"
    """Where a checkpoint's agent runs."""
    runs: Path = RUNS
    """Where ``auto`` looks for trained agents."""

    def __post_init__(self) -> None:
        """Raise a :class:`ConfigError` for what is of another type or out of range."""
        check_request(self)
        for number, spec in enumerate(arguments.several("specs", self.specs)):
            arguments.instance(f"specs[{number}]", spec, TaskSpec, "newt_core.load_specs() has")
        arguments.put(self, folder=arguments.path("folder", self.folder))
        expert = str(arguments.path("expert", self.expert))
        arguments.put(self, expert=expert, noise=share("noise", self.noise))


def collect_demos(
    request: CollectionRequest,
    *,
    library: SpecLibrary,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: TaskProgress = lambda task, done, total: None,
) -> Collected:
    """Collect demonstrations task by task; each task's file is complete when its turn is over.

    Args:
        request: What is asked.
        library: Where a checkpoint's tasks are looked up.
        should_stop: Asked after every step; what has been collected by then is kept.
        on_progress: Told of every episode.

    Raises:
        DemoError: No task has an expert, or a file exists and ``append`` is not set.
        NewtError: Whatever else the user can put right.
    """
    arguments.instance("request", request, CollectionRequest, "newt_core has")
    arguments.instance("library", library, SpecLibrary, "newt_core.load_specs() returns")
    if not request.specs:
        raise ConfigError("specs is empty: name a task to collect demonstrations of.")
    experts: dict[str, Expert] = {}
    runnable = sort_out(request.specs)
    left_out = {spec.id: why for why, lacking in runnable.left_out.items() for spec in lacking}
    if not runnable.available:
        raise MissingDependencyError(next(iter(runnable.left_out)))
    find = _finder(request.expert, library, request.device, request.runs)
    for spec in runnable.available:
        found = find(spec)
        if found is None:
            left_out[spec.id] = _missing(spec, request.expert, request.runs)
        else:
            experts[spec.id] = found
    if not experts:
        task = runnable.available[0].id
        reason = left_out[task]
        raise DemoError(
            f"nothing can be collected in {task}{' and others' * (len(left_out) > 1)}: {reason}.\n"
            "Name a checkpoint, or a folder with checkpoints, with --expert, or train one with "
            "--train-expert."
        )
    if not request.append:
        _require_absent([demo_path(request.folder, task) for task in experts])
    done: list[Collection] = []
    for spec in request.specs:
        if spec.id not in experts or should_stop():
            continue
        wanted = request.episodes or default_episodes(spec)
        envs = min(wanted, MAX_ENVS)
        path, who = demo_path(request.folder, spec.id), experts[spec.id]
        name, act = who.name, who.make(envs, request.seed)
        if request.noise:
            name = f"{name} with noise {request.noise:g}"
            act = PerturbedAct(act, request.noise, spec, request.seed)
        with (
            writing(path, spec, name, append=request.append) as writer,
            make_pool([spec] * envs, seed=request.seed, frames=int(request.rgb)) as pool,
        ):
            done.append(
                collect(
                    act,
                    writer,
                    wanted,
                    pool=pool,
                    seed=request.seed,
                    rgb=request.rgb,
                    should_stop=should_stop,
                    on_progress=partial(on_progress, spec.id),
                )
            )
    return Collected(done, left_out, should_stop())


def without_expert(
    specs: Sequence[TaskSpec], *, library: SpecLibrary, device: str = "auto", runs: Path = RUNS
) -> list[TaskSpec]:
    """Return the tasks that ``auto`` finds no expert for, of those that can run here."""
    find = _finder(AUTO, library, device, runs)
    return [spec for spec in sort_out(specs).available if find(spec) is None]


def _finder(
    expert: str, library: SpecLibrary, device: str, runs: Path
) -> Callable[[TaskSpec], Expert | None]:
    """Return what finds a task's expert; None where there is none."""
    if expert == SCRIPTED:
        return _scripted
    if expert == AUTO:
        trained = TrainedExperts(checkpoints_in(runs), library, device)
        return lambda spec: _scripted(spec) or trained.find(spec)
    path = Path(expert)
    if not path.exists() and (runs / expert).is_dir():  # A run's name, or a list's.
        path = runs / expert
    if path.is_dir():
        files = checkpoints_in(path)
        if not files:
            raise CheckpointError(f"there is no checkpoint in {path}: no file there ends in .pt.")
        return TrainedExperts(files, library, device).find
    if not path.exists():
        raise CheckpointError(
            f"there is no expert '{expert}': name a checkpoint, a folder with checkpoints, "
            f"'{AUTO}' or '{SCRIPTED}'."
        )
    one = TrainedExperts([path], library, device)
    return one.use  # A checkpoint that was named is used, whatever it was trained on.


def _missing(spec: TaskSpec, expert: str, runs: Path) -> str:
    if expert == SCRIPTED:
        return why_no_player(spec)
    if expert == AUTO:
        return f"{why_no_player(spec)}, and no run in {runs} was trained on it"
    return f"there is no checkpoint in {expert} that was trained on it"


def _require_absent(paths: Sequence[Path]) -> None:
    """Say before the work begins that a file is in its way."""
    present = [path for path in paths if path.exists()]
    if present:
        verb = "exist" if len(present) > 1 else "exists"
        raise DemoError(
            f"{some_of(present, 1)} {verb} already. Add to what is there with --append, or name "
            "another folder with --out."
        )


def _scripted(spec: TaskSpec) -> Expert | None:
    player = find_player(spec)
    if player is None:
        return None
    return Expert(f"{SCRIPTED} {player.file}", lambda envs, seed: ScriptedAct([spec]))
