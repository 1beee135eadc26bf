"""An agent out of a checkpoint, for the tasks it was trained on or for others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.encoders import SavedText, TextOptions
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
    text: TextOptions | None = None,
) -> tuple[NewtAgent, list[TaskSpec]]:
    """Rebuild the agent of a checkpoint for some tasks.

    Tasks that the checkpoint was trained on keep the text embedding it learned with; others
    are embedded with the same encoder, which makes them zero-shot.

    Args:
        path: A checkpoint of ours.
        specs: The tasks to act in; by default those it was trained on.
        library: Where the trained tasks are looked up.
        device: As in the settings.
        text: Another wording, and the encoder for it.

    Returns:
        The agent and its task list.

    Raises:
        CheckpointError: The file is not usable, a task has changed since, or the agent was
            trained with another text encoder.
        NewtError: There is a new text that cannot be embedded, see
            :meth:`newt_core.encoders.SavedText.tasks_and_vectors`.
    """
    payload = load_checkpoint(path)
    try:
        trained = {task["id"]: index for index, task in enumerate(payload["tasks"])}
        parts = RunConfig.model_validate(payload["config"])
        chosen = list(specs) if specs is not None else [library[name] for name in trained]
        saved = saved_text(payload)
        weights = payload["agent"]
    except (KeyError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: incomplete, or its tasks are not installed ({error}). "
            "Name the folder of your own tasks with --specs."
        ) from error
    for spec in chosen:
        if spec.id in trained:
            _check_unchanged(path, payload["tasks"][trained[spec.id]], spec)
    chosen, vectors = saved.tasks_and_vectors(chosen, text or TextOptions(), path)
    agent = NewtAgent(
        parts.model,
        parts.planner,
        parts.update,
        task_table(chosen, vectors),
        device=choose_device(device),
    )
    agent.load_state_dict(weights, learner=False)
    return agent, chosen


def saved_text(payload: Mapping[str, Any]) -> SavedText:
    """Return what a checkpoint's content says of its tasks' texts.

    Raises:
        KeyError: It says nothing.
    """
    ids = [task["id"] for task in payload["tasks"]]
    vectors = dict(zip(ids, payload["text"].numpy(), strict=True))
    return SavedText(payload["text_encoder"], vectors)


def _check_unchanged(path: Path, saved: Mapping[str, Any], spec: TaskSpec) -> None:
    for name in ("version", "obs_dim", "action_dim"):
        if saved[name] != getattr(spec, name):
            raise CheckpointError(
                f"{path}: task '{spec.id}' had {name} {saved[name]} in training, but is "
                f"{getattr(spec, name)} now. Use the task specs that it was trained with."
            )
    if saved["spec_hash"] != spec.spec_hash:
        warnings.warn(f"task '{spec.id}' was described differently in training", stacklevel=3)
