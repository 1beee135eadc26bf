"""What a checkpoint says of its run besides the state: tasks, texts, encoders, settings, phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.version import __version__, git_version

Phase = Literal["pretraining", "online"]
PRETRAINING: Phase = "pretraining"
"""A run that learns from demonstrations alone."""
INTERACTION: Phase = "online"
"""A run that acts; what a checkpoint without a phase is, too."""


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint's content as it is written today, whichever Newt wrote it."""
    if "interaction" not in content and "learning_began" in content.get("counters", {}):
        # The trainer used to count what the agent counts now.
        content["interaction"] = {"learning_began": content["counters"]["learning_began"]}
    return content


def describe_run(
    config: RunConfig,
    specs: Sequence[TaskSpec],
    *,
    phase: Phase,
    text: Tensor,
    text_encoder: str,
    image_encoder: str | None,
) -> dict[str, Any]:
    """Return the part of a checkpoint that does not change during a run.

    Args:
        config: The run's settings.
        specs: Its tasks.
        phase: What it does.
        text: [tasks, 512] the tasks' texts as the agent reads them.
        text_encoder: The recorded name of what made them.
        image_encoder: That of what makes features of pictures; None for an agent of states.
    """
    return {
        "newt_version": __version__,
        "git_version": git_version(),
        "phase": phase,
        "config": config.model_dump(mode="json"),
        "tasks": [
            {
                "id": spec.id,
                "version": spec.version,
                "spec_hash": spec.spec_hash,
                "obs_dim": spec.obs_dim,
                "action_dim": spec.action_dim,
            }
            for spec in specs
        ],
        "text": text,
        "text_encoder": text_encoder,
        "image_encoder": image_encoder,
    }
