"""Groups of a run's settings that belong to no single part below: small frozen records.

Defaults are the paper's (Newt, tables 6 and 7), where it gives a number. Free of PyTorch.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from newt_core.settings import limits
from newt_core.settings.base import (
    AtBeginning,
    Changeable,
    FilePath,
    InInteraction,
    InPretraining,
    Settings,
)


class ReplayConfig(Settings):
    """What is remembered of the run's own experience (Newt, table 6)."""

    capacity: int = Field(
        10_000_000, ge=2, le=limits.ROWS, description="Rows; an episode takes its steps + 1."
    )
    storage: str = Field(
        "disk",
        description="Where the rows lie: disk (in the run folder), ram, or a GPU (cuda, cuda:N). "
        "What lies in memory is gone when the run stops.",
    )
    sampling: Changeable[Literal["steps", "episodes", "tasks"]] = Field(
        "steps", description="What is drawn uniformly: steps, or first an episode, or a task."
    )
    save: InInteraction[bool] = Field(
        True,
        description="Keep the replay buffer for --resume, which else begins with an empty one.",
    )

    @property
    def on_disk(self) -> bool:
        """Whether the rows lie in the run's folder."""
        return self.storage == "disk" and self.save

    @property
    def memory(self) -> str:
        """Where the rows lie if not on disk: ``ram`` or a device."""
        return "ram" if self.storage == "disk" else self.storage

    @field_validator("storage")
    @classmethod
    def _storage_exists(cls, storage: str) -> str:
        if not re.fullmatch(r"disk|ram|cuda(:\d+)?", storage):
            raise ValueError("it must be disk, ram, cuda or cuda:N")
        return storage


class EvaluationConfig(Settings):
    """How often and how thoroughly the agent is evaluated during a run."""

    every: InInteraction[int] = Field(
        2_000_000,
        ge=0,
        le=limits.COUNT,
        description="Agent steps between evaluations; 0 for none but the last.",
    )
    episodes: Changeable[int] = Field(
        2, ge=1, le=limits.EPISODES, description="Episodes of each task per evaluation."
    )
    at: InInteraction[list[Annotated[float, Field(gt=0, le=1)]]] = Field(
        [], description="Shares of the run after which it is evaluated, too, such as [0.1, 0.5]."
    )


class CheckpointConfig(Settings):
    """How often the run is saved: at most this much is lost when it is killed."""

    every: InInteraction[int] = Field(
        500_000, ge=1, le=limits.COUNT, description="Agent steps between checkpoints."
    )
    keep: Changeable[int] = Field(
        3, ge=1, le=limits.CHECKPOINTS, description="Newest checkpoints kept, beside the best."
    )


class PretrainConfig(Settings):
    """Learning from demonstrations alone, before any interaction (Newt, section 3)."""

    updates: InPretraining[int] = Field(
        200_000, ge=1, le=limits.COUNT, description="Gradient steps on demonstrations."
    )
    lr_factor: InPretraining[float] = Field(
        1.0,
        gt=0,
        le=limits.NUMBER,
        description="How many times the learning rates it learns at, after its warm-up.",
    )
    bc_coef: InPretraining[float] = Field(
        3.0,
        ge=0,
        le=limits.NUMBER,
        description="Weight of behaviour cloning beside the world model's losses.",
    )
    keep_optimiser: AtBeginning[bool] = Field(
        True, description="Let the interaction begin with Adam's moments as pretraining left them."
    )
    evaluate_every: InPretraining[int] = Field(
        0,
        ge=0,
        le=limits.COUNT,
        description="Updates between evaluations of the policy; 0 for none but the last.",
    )
    checkpoint_every: InPretraining[int] = Field(
        5_000, ge=1, le=limits.COUNT, description="Updates between checkpoints."
    )
    final_evaluation: InPretraining[Literal["all", "policy"]] = Field(
        "all",
        description="What acts at the end: the policy, planning and constrained planning, or the "
        "policy alone, which is much quicker on a CPU.",
    )


class TextConfig(Settings):
    """What the agent is told of its tasks, and what makes vectors of that."""

    encoder: str = Field(
        "auto",
        description="Encoder of the task texts: clip, hashed, file, one-hot or zero; auto is clip "
        "if its weights are downloaded, else hashed.",
    )
    weights: FilePath = Field(
        None, description="The text encoder's file: weights for clip, a table of vectors for file."
    )
    instruction: str | None = Field(
        None, description="An instruction for the agent, instead of the task's own."
    )
    embodiment: str | None = Field(
        None, description="An embodiment for the agent, instead of the task's own."
    )


class ImagesConfig(Settings):
    """What turns visual observations into image features."""

    encoder: Literal["dinov2", "tiny"] = Field(
        "dinov2",
        description="Encoder of visual observations: dinov2, or tiny, a small one with random "
        "weights.",
    )
    weights: Changeable[FilePath] = Field(
        None, description="DINOv2's weights; by default those of 'newt weights'."
    )


class DemosConfig(Settings):
    """Demonstrations and what they are good for (Newt, section 3); each use can be left out."""

    folder: FilePath = Field(
        None, description="Folder of demonstrations, <task>.h5, to learn from; empty for none."
    )
    pretraining: bool = Field(
        True, description="Learn from them alone before the first interaction."
    )
    constrained_planning: bool = Field(
        True, description="Plan around the policy at first; see planner.constrain_until."
    )
    batch_share: float = Field(
        0.5, ge=0, le=1, description="Share of every batch that they make up; 0 for none."
    )
    seeding: bool = Field(
        True, description="Put them among the agent's own experience at the beginning, too."
    )
    cloning: bool = Field(
        True,
        description="Keep the policy near what the batch did, by update.bc_coef; the agent's own "
        "planned actions are in it, too, also where there are no demonstrations.",
    )


class AgentConfig(Settings):
    """Which kind of agent learns."""

    kind: str = Field(
        "newt",
        min_length=1,
        description="Kind of agent: newt, tdmpc2, ppo, fasttd3, brc, bc, or one that a package "
        "adds.",
    )
    options: dict[str, Any] = Field({}, description="Settings of another kind's own.")
