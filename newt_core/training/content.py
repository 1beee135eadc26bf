"""What a checkpoint holds: a description of its run, and the state of every part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, Literal, get_args

from torch import Tensor

from newt_core.arguments import shown
from newt_core.encoders import SavedText
from newt_core.errors import CheckpointError, ConfigError, in_short, one_line
from newt_core.specs import TaskSpec
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig, saved_config
from newt_core.types import TEXT_DIM
from newt_core.version import __version__, git_version

Phase = Literal["pretraining", "online"]
PRETRAINING: Phase = "pretraining"
"""A run that learns from demonstrations alone."""
INTERACTION: Phase = "online"
"""A run that acts; what a checkpoint without a phase is, too."""


@dataclass(frozen=True)
class LearnedTask:
    """A task of a run, as it was when the run began."""

    id: str
    version: int
    spec_hash: str
    obs_dim: int
    action_dim: int

    @classmethod
    def of(cls, spec: TaskSpec) -> LearnedTask:
        """Return what is kept of a task."""
        return cls(spec.id, spec.version, spec.spec_hash, spec.obs_dim, spec.action_dim)


@dataclass(frozen=True)
class RunDescription:
    """The part of a checkpoint that does not change during a run."""

    config: RunConfig
    tasks: Sequence[LearnedTask]
    phase: Phase
    text: Tensor
    """[tasks, 512] the tasks' texts as the agent reads them."""
    text_encoder: str
    """The recorded name of what made them."""
    image_encoder: str | None
    """That of what makes features of frames; None for an agent of states."""
    newt_version: str = __version__
    git_version: str | None = field(default_factory=git_version)

    @property
    def agent_kind(self) -> str:
        """What kind of agent learned; see :mod:`newt_core.workflows.agent_kinds`."""
        return self.config.agent.kind

    def to_payload(self) -> dict[str, Any]:
        """Return it in the types that a checkpoint may hold."""
        return {
            "newt_version": self.newt_version,
            "git_version": self.git_version,
            "phase": self.phase,
            "agent_kind": self.agent_kind,
            "config": self.config.model_dump(mode="json"),
            "tasks": [asdict(task) for task in self.tasks],
            "text": self.text,
            "text_encoder": self.text_encoder,
            "image_encoder": self.image_encoder,
        }


@dataclass(frozen=True)
class CheckpointContent:
    """A checkpoint that was read."""

    path: Path
    """Where it was read from, for messages."""
    run: RunDescription
    state: Mapping[str, Any]
    """Name → state of every part of the run; see :mod:`newt_core.training.run_state`."""

    @property
    def agent(self) -> dict[str, Any]:
        """The agent's state."""
        agent: dict[str, Any] = self.state["agent"]
        return agent

    @property
    def steps(self) -> int:
        """Agent steps so far; 0 in pretraining."""
        return int(self.state["counters"]["steps"])

    @property
    def updates(self) -> int:
        """Gradient steps so far that a pretraining has counted."""
        return int(self.state["counters"]["updates"])

    @property
    def texts(self) -> SavedText:
        """The tasks' texts as the agent read them."""
        vectors = dict(zip(self.task_ids, self.run.text.numpy(), strict=True))
        return SavedText(self.run.text_encoder, vectors)

    @property
    def task_ids(self) -> list[str]:
        """The run's tasks, in the order of its list."""
        return [task.id for task in self.run.tasks]


def read_content(path: Path) -> CheckpointContent:
    """Read a checkpoint, whichever Newt wrote it.

    Raises:
        CheckpointError: The file is not usable, see
            :func:`newt_core.training.checkpoint.load_checkpoint`, or something in it is missing.
    """
    return content_of(load_checkpoint(path), path)


def content_of(payload: Mapping[str, Any], path: Path) -> CheckpointContent:
    """Return the content of a payload that was read from a file.

    Raises:
        CheckpointError: Something in it is missing, or of another kind.
    """
    rest = dict(payload)
    for name, default in _LATER.items():
        rest.setdefault(name, default)
    try:
        for name, kinds in _KINDS.items():
            if not isinstance(rest[name], kinds):
                raise TypeError(f"'{name}' is {_kind(rest[name])}")
        run = RunDescription(
            config=saved_config(rest.pop("config")),
            tasks=tuple(map(_task, rest.pop("tasks"))),
            phase=_phase(rest.pop("phase")),
            text=rest.pop("text"),
            text_encoder=rest.pop("text_encoder"),
            image_encoder=rest.pop("image_encoder"),
            newt_version=rest.pop("newt_version"),
            git_version=rest.pop("git_version"),
        )
        kind = rest.pop("agent_kind", run.agent_kind)
        if kind != run.agent_kind or len(run.text) != len(run.tasks):
            raise ValueError("its settings, tasks and texts contradict each other")
        if run.text.shape[1:] != (TEXT_DIM,) or not run.text.isfinite().all():
            raise ValueError(f"'text' is not {TEXT_DIM} finite numbers for each task")
        content = CheckpointContent(path, run, _as_today(rest))
        for name in ("steps", "updates"):
            count = content.state["counters"].get(name, 0)
            if type(count) is not int or count < 0:
                raise TypeError(f"'{name}' is {shown(count)}")
        _ = content.steps
        _ = content.updates if run.phase == PRETRAINING else 0
    except ConfigError as error:
        raise CheckpointError(f"{path}: {one_line(str(error))}") from error
    except KeyError as error:
        raise CheckpointError(f"{path}: incomplete: it has no {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        reason = in_short(error)
        raise CheckpointError(f"{path}: not as Newt writes checkpoints: {reason}.") from error
    return content


_KINDS: Mapping[str, Any] = {
    "config": Mapping,
    "tasks": list,
    "phase": str,
    "text": Tensor,
    "text_encoder": str,
    "image_encoder": str | None,
    "newt_version": str,
    "git_version": str | None,
    "agent": Mapping,
    "counters": Mapping,
}
"""What a checkpoint has to hold → of which type."""
_LATER: Mapping[str, Any] = {
    "phase": INTERACTION,
    "image_encoder": None,
    "newt_version": "unknown",
    "git_version": None,
}
"""What checkpoints did not hold at first → what stands for it."""


def _task(fields: Any) -> LearnedTask:
    task = LearnedTask(**fields)
    for each in dataclass_fields(LearnedTask):
        value = getattr(task, each.name)
        if type(value).__name__ != each.type:
            raise TypeError(f"a task's '{each.name}' is {shown(value)}")
    return task


def _kind(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def _phase(name: Any) -> Phase:
    if name not in get_args(Phase):
        raise ValueError(f"there is no phase {name!r}")
    return PRETRAINING if name == PRETRAINING else INTERACTION


def _as_today(state: dict[str, Any]) -> dict[str, Any]:
    """Return the parts' states as they are written today."""
    counters = state.get("counters", {})
    if "interaction" not in state and "learning_began" in counters:
        # The trainer used to count what the agent counts now.
        state["interaction"] = {"learning_began": counters["learning_began"]}
    return state
