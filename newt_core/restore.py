"""An agent out of a checkpoint, for the tasks it was trained on or for others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.encoders import make_text_encoder
from newt_core.errors import CheckpointError
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig


def load_agent(
    path: Path,
    specs: Sequence[TaskSpec] | None = None,
    *,
    library: SpecLibrary,
    device: str = "auto",
) -> tuple[NewtAgent, list[TaskSpec]]:
    """Rebuild the agent of a checkpoint for some tasks.

    Tasks that the checkpoint was trained on keep the text embedding it learned with; others
    are embedded with the same encoder, which makes them zero-shot.

    Args:
        path: A checkpoint of ours.
        specs: The tasks to act in; by default those it was trained on.
        library: Where the trained tasks are looked up.
        device: As in the settings.

    Returns:
        The agent and its task list.

    Raises:
        CheckpointError: The file is not usable or a task has changed since.
    """
    payload = load_checkpoint(path)
    try:
        trained = {task["id"]: index for index, task in enumerate(payload["tasks"])}
        parts = RunConfig.model_validate(payload["config"])
        chosen = list(specs) if specs is not None else [library[name] for name in trained]
        text = payload["text"].numpy()
        encoder = make_text_encoder(payload["text_encoder"])
        weights = payload["agent"]
    except (KeyError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: incomplete, or its tasks are not installed ({error}). "
            "Name the folder of your own tasks with --specs."
        ) from error
    rows = []
    for spec in chosen:
        if spec.id in trained:
            _check_unchanged(path, payload["tasks"][trained[spec.id]], spec)
            rows.append(text[trained[spec.id]])
        else:
            rows.append(encoder.encode([spec.text])[0])
    agent = NewtAgent(
        parts.model,
        parts.planner,
        parts.update,
        task_table(chosen, np.stack(rows)),
        device=choose_device(device),
    )
    agent.load_state_dict(weights, learner=False)
    return agent, chosen


def _check_unchanged(path: Path, saved: Mapping[str, Any], spec: TaskSpec) -> None:
    for name in ("version", "obs_dim", "action_dim"):
        if saved[name] != getattr(spec, name):
            raise CheckpointError(
                f"{path}: task '{spec.id}' had {name} {saved[name]} in training, but is "
                f"{getattr(spec, name)} now. Use the task specs that it was trained with."
            )
    if saved["spec_hash"] != spec.spec_hash:
        warnings.warn(f"task '{spec.id}' was described differently in training", stacklevel=3)
