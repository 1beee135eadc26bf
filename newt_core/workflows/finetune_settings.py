"""From what a user asks of a finetuning to its folder, checked before there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from newt_core.agents.base import Agent
from newt_core.encoders import TextOptions
from newt_core.encoders.text.choose import Notice
from newt_core.errors import ConfigError
from newt_core.reporting.finetune_scores import SHARES
from newt_core.settings.base import Settings
from newt_core.specs import SpecLibrary, TaskSpec, Wording, load_specs
from newt_core.training.config import RunConfig
from newt_core.training.finetuning import Finetuning, Plan
from newt_core.training.progress import Progress, Unwatched
from newt_core.training.run_name import RUNS, check_name
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import never
from newt_core.workflows.find_checkpoint import find_checkpoint
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.run_many import change_together
from newt_core.workflows.settings import check_settings, texts_of

STEPS = 100_000
"""Agent steps of each run, where nothing says otherwise (Newt, section 4)."""
SEEDS = 5
EVALUATIONS = 10
"""Evaluations of a run after its first, besides those at :data:`SHARES`; checkpoints likewise."""


@dataclass(frozen=True)
class FinetuneRequest:
    """What ``newt finetune`` is asked."""

    asked: Asked
    """The settings, without the checkpoint."""
    checkpoint: str | None = None
    """A file, or a run; see :func:`newt_core.workflows.find_checkpoint.find_checkpoint`."""
    seeds: int | None = None
    """How many, from the settings' own on; None for :data:`SEEDS`."""
    scratch: bool = False
    """Whether to run the control from random weights beside."""
    specs: Sequence[Path] = ()
    """Folders of the user's own task specs."""
    name: str | None = None
    """The finetuning's; by default date and tasks, or the newest that there is."""
    runs: Path = RUNS
    """The folder of all runs."""
    strict: bool = False
    """Leave out no task that cannot run here."""


@dataclass(frozen=True)
class FinetuneContext:
    """One finetuning that is made or gone on with."""

    finetuning: Finetuning
    library: SpecLibrary
    progress: Progress = field(default_factory=Unwatched)
    should_stop: Callable[[], bool] = never
    run_seconds: float | None = None
    """What each of its runs is expected to take; None if not known."""


def new_finetuning(
    request: FinetuneRequest, notice: Notice = lambda message: None
) -> FinetuneContext:
    """Check what was asked for, and only then make a folder.

    Raises:
        NewtError: Whatever the user can put right.
    """
    if request.checkpoint is None:
        raise ConfigError(
            "nothing says what to finetune: name a checkpoint or a run, or go on with --resume."
        )
    check_name(request.name, request.runs)
    checkpoint, _ = find_checkpoint(request.checkpoint, request.runs)
    asked = with_own_defaults(request.asked, checkpoint)
    checked = check_settings(
        asked, specs=request.specs, runs=request.runs, strict=request.strict, notice=notice
    )
    settings, library, pretrained = checked.settings, checked.library, checked.pretrained
    assert pretrained is not None
    tasks = library.select(settings.tasks)
    # Made for what it raises: the zero-shot scores need the same.
    load_as_it_is(settings, tasks, library, checkpoint)
    seen = [spec.id for spec in tasks if spec.id in pretrained.task_ids]
    if seen:
        notice(
            f"{', '.join(seen)}: {checkpoint} has learned this already; what it scores before "
            "finetuning is no zero-shot score"
        )
    plan = Plan(
        checkpoint=str(checkpoint.resolve()),
        selector=asked.settings().tasks,
        tasks=[spec.id for spec in tasks],
        seen=seen,
        seeds=[settings.seed + number for number in range(request.seeds or SEEDS)],
        scratch=request.scratch,
    )
    finetuning = Finetuning.create(
        request.name,
        plan,
        settings,
        checkpoint=checkpoint,
        label=f"finetune_{checked.label}",
        root=request.runs,
        specs=texts_of(request.specs),
    )
    with finetuning.lock():
        finetuning.make_runs()
    return FinetuneContext(finetuning, library)


def existing_finetuning(request: FinetuneRequest) -> FinetuneContext:
    """Find a finetuning, and note the settings that change in all its runs from here on.

    Raises:
        ConfigError: It is of another checkpoint, of other tasks or seeds, or a setting cannot
            change in a run that has begun.
        RunFolderError: There is no such finetuning, or another process is at work in it.
    """
    if request.name is None:
        finetuning = Finetuning.newest(root=request.runs)
    else:
        finetuning = Finetuning.open(request.name, root=request.runs)
    kept = [finetuning.specs] if finetuning.specs.is_dir() else []
    library = load_specs(request.specs or kept)
    flags = dict(request.asked.flags)
    _require_same(finetuning, request, tasks=flags.pop("tasks", None), seed=flags.pop("seed", None))
    with finetuning.lock():
        finetuning.make_runs()
        folders = [finetuning.run(member) for member in finetuning.plan.members]
        change_together(folders, replace(request.asked, flags=flags))
    return FinetuneContext(finetuning, library)


def with_own_defaults(asked: Asked, checkpoint: Path) -> Asked:
    """Return what was asked for, with what a finetuning does where nothing is said.

    As published: no demonstrations, and planning freely from the first step on. A run is
    evaluated and saved in tenths, since the cadence of the presets is that of longer runs; where
    the preset evaluates at the end alone, at :data:`SHARES` alone.

    Raises:
        ConfigError: A setting is unknown or its value not allowed.
    """
    settings = asked.settings()
    said = replace(asked, preset=None).settings()
    steps = settings.steps if "steps" in said.model_fields_set else min(settings.steps, STEPS)
    tenth = max(1, steps // EVALUATIONS)
    own = {
        "steps": steps,
        "demos.folder": "",
        "demos.constrained_planning": False,
        "random_phase.plans": True,
        "evaluation.every": tenth if settings.evaluation.every else 0,
        "evaluation.at": list(SHARES),
        "checkpoint.every": min(settings.checkpoint.every, tenth),
        "checkpoint.keep": 1,
        "replay.capacity": min(settings.replay.capacity, max(2 * steps, 10_000)),
    }
    unsaid = {name: value for name, value in own.items() if not _was_said(said, name)}
    given = {name: value for name, value in asked.flags.items() if value is not None}
    return replace(asked, flags={**given, **unsaid, "pretrained": str(checkpoint)})


def _was_said(said: Settings, name: str) -> bool:
    group, _, last = name.rpartition(".")
    return last in (getattr(said, group) if group else said).model_fields_set


def _require_same(
    finetuning: Finetuning, request: FinetuneRequest, *, tasks: str | None, seed: int | None
) -> None:
    """Refuse to go on with what would be another finetuning."""
    plan, different = finetuning.plan, []
    if request.checkpoint is not None:
        file, _ = find_checkpoint(request.checkpoint, request.runs)
        if str(file.resolve()) != plan.checkpoint:
            different.append(f"the checkpoint is {plan.checkpoint}")
    if tasks is not None and tasks != plan.selector:
        different.append(f"the tasks are {plan.selector}")
    if request.seeds is not None and request.seeds != len(plan.seeds):
        different.append(f"there are {len(plan.seeds)} seeds")
    if seed is not None and seed != plan.seeds[0]:
        different.append(f"the first seed is {plan.seeds[0]}")
    if request.scratch and not plan.scratch:
        different.append("there is no control from scratch")
    if different:
        raise ConfigError(
            f"the finetuning {finetuning.path} has begun, and {', and '.join(different)} there. "
            "Say nothing of these to go on, or start another with --run NAME and no --resume."
        )


def load_as_it_is(
    settings: RunConfig, tasks: Sequence[TaskSpec], library: SpecLibrary, checkpoint: Path
) -> tuple[Agent, list[TaskSpec]]:
    """Return the checkpoint's agent as it is, and the tasks in the wording it is told of them."""
    said = settings.text
    return load_agent(
        checkpoint,
        tasks,
        library=library,
        device=settings.device,
        text=TextOptions(Wording(said.instruction, said.embodiment), said.encoder, said.weights),
        image_weights=settings.images.weights,
    )
