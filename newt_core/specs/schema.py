"""One task's specification, strictly validated.

Each field's description completes the sentence "it must be ...": error messages and the
documentation are made from it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from newt_core.errors import did_you_mean
from newt_core.specs.score import ScoreRule
from newt_core.types import ACTION_DIM, STATE_DIM, FloatArray

BUILTIN_DOMAINS = (
    "dmcontrol",
    "dmcontrol-ext",
    "metaworld",
    "maniskill",
    "mujoco",
    "miniarcade",
    "box2d",
    "robodesk",
    "ogbench",
    "atari",
)
"""The benchmark's ten domains, in the paper's order."""

DOMAIN_ENTRY_POINTS = "newt.domains"
"""Entry point group under which other packages register a domain."""

LONGEST_EPISODE = 10_000
"""Agent steps; an episode is kept in memory until its end."""

RESERVED_IDS = ("all", "transfer")
"""Selectors with a meaning of their own: no task may bear such a name."""

MIN_DISCOUNT, MAX_DISCOUNT = 0.95, 0.995
"""Bounds of the discount that follows from an episode's length (TD-MPC2's rule)."""

Split = Literal["train", "transfer"]


def domain_names() -> tuple[str, ...]:
    """Return the built-in domains, then those that installed packages register."""
    registered = sorted({point.name for point in entry_points(group=DOMAIN_ENTRY_POINTS)})
    return BUILTIN_DOMAINS + tuple(name for name in registered if name not in BUILTIN_DOMAINS)


def _one_line(text: object) -> object:
    """Join the lines of a text block, so that its layout in the file does not matter."""
    return " ".join(text.split()) if isinstance(text, str) else text


Sentence = Annotated[str, BeforeValidator(_one_line), Field(min_length=1)]


class TaskSpec(BaseModel):
    """All that Newt knows of a task before its simulator is built."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="lower-case words and numbers joined by hyphens, such as walker-run",
    )
    domain: str = Field(description="the name of a built-in or registered domain")
    split: Split = Field(
        "train", description="train, or transfer for a task held out from pretraining"
    )
    version: int = Field(
        1, ge=1, description="a whole number from 1, raised whenever the task's behaviour changes"
    )
    env: dict[str, Any] = Field(
        default_factory=dict,
        description="a mapping of plain values: arguments for the domain's builder",
    )
    embodiment: Sentence = Field(
        description="a text that says what the body is and how it is actuated"
    )
    instruction: Sentence = Field(
        description="a text that says what to achieve and how it is rewarded"
    )
    obs_dim: int = Field(ge=1, le=STATE_DIM, description=f"a whole number from 1 to {STATE_DIM}")
    action_dim: int = Field(
        ge=1, le=ACTION_DIM, description=f"a whole number from 1 to {ACTION_DIM}"
    )
    episode_length: int = Field(
        ge=1,
        le=LONGEST_EPISODE,
        description=f"a whole number of agent steps from 1 to {LONGEST_EPISODE:,} (each may repeat "
        "its action)",
    )
    action_repeat: int = Field(
        1, ge=1, le=1_000, description="a whole number of control steps per agent step, 1 to 1,000"
    )
    discount: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="a number above 0 and below 1, or left out to follow the episode length",
    )
    reward: Literal["dense", "sparse"] = Field(description="dense or sparse")
    score: ScoreRule = Field(
        description="{kind: return, low: 0, high: 1000, clip: false} or {kind: success}"
    )
    camera: str | int | None = Field(
        None, description="a camera's name or index, or left out for the domain's own"
    )
    assets: list[str] = Field(
        default_factory=list, description="a list of the names of assets the task needs"
    )

    @field_validator("id")
    @classmethod
    def _id_is_no_selector(cls, task_id: str) -> str:
        if task_id in RESERVED_IDS or task_id in BUILTIN_DOMAINS:
            raise ValueError(f"'{task_id}' already selects a group of tasks; choose another name")
        return task_id

    @field_validator("domain")
    @classmethod
    def _domain_is_known(cls, domain: str) -> str:
        # Looking up entry points reads every installed package: only for foreign names.
        if domain not in BUILTIN_DOMAINS:
            known = domain_names()
            if domain not in known:
                raise ValueError(
                    f"'{domain}' is not a known domain.{did_you_mean(domain, known)} It must be "
                    f"one of {', '.join(known)}, or registered by an installed package as an "
                    f"entry point in the group {DOMAIN_ENTRY_POINTS}"
                )
        return domain

    @field_validator("env")
    @classmethod
    def _env_is_plain(cls, env: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(env, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "its values must be texts, finite numbers, true, false, null, lists or "
                f"mappings ({error})"
            ) from None
        return env

    def __hash__(self) -> int:
        return hash((self.id, self.version))

    @property
    def text(self) -> str:
        """What the text encoder reads (Newt, section 3)."""
        return f"Embodiment: {self.embodiment} Instruction: {self.instruction}"

    @property
    def gamma(self) -> float:
        """The discount per agent step.

        Without a value of its own, a task gets the discount whose horizon is a fifth of the
        episode: clip((T/5 - 1) / (T/5), 0.95, 0.995) with T the episode length in agent steps.
        """
        if self.discount is not None:
            return self.discount
        fifth = self.episode_length / 5
        return min(max((fifth - 1) / fifth, MIN_DISCOUNT), MAX_DISCOUNT)

    @property
    def action_mask(self) -> FloatArray:
        """[A] 1 where a padded action's entry reaches the simulator, else 0."""
        return _mask(ACTION_DIM, self.action_dim)

    @property
    def obs_mask(self) -> FloatArray:
        """[S] 1 where a padded observation's entry comes from the simulator, else 0."""
        return _mask(STATE_DIM, self.obs_dim)

    @cached_property
    def spec_hash(self) -> str:
        """SHA-256, in hexadecimal, of the whole spec as canonical JSON.

        Demonstrations and checkpoints carry it, to notice that they belong to another
        version of the task. It does not depend on the layout of the file the spec came from.
        """
        canonical = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


def _mask(length: int, ones: int) -> FloatArray:
    mask = np.zeros(length, dtype=np.float32)
    mask[:ones] = 1.0
    return mask
