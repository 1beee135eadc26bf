"""An agent out of a checkpoint, for the tasks it was trained on or for others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.encoders import SavedText, TextOptions
from newt_core.encoders.image.base import ImageEncoder
from newt_core.encoders.image.choose import make_image_encoder, require_image_encoder
from newt_core.encoders.text.choose import short_name
from newt_core.errors import CheckpointError
from newt_core.model.widen import FIRST_LAYER, widened_weights
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig
from newt_core.training.content import PRETRAINING
from newt_core.training.schedule import prior_weight


def load_agent(
    path: Path,
    specs: Sequence[TaskSpec] | None = None,
    *,
    library: SpecLibrary,
    device: str = "auto",
    text: TextOptions | None = None,
    image_weights: Path | None = None,
) -> tuple[NewtAgent, list[TaskSpec]]:
    """Rebuild the agent of a checkpoint for some tasks.

    Tasks that the checkpoint was trained on keep the text embedding it learned with; others
    are embedded with the same encoder, which makes them zero-shot. The agent plans as near its
    policy as it did at that point of its run.

    Args:
        path: A checkpoint of ours.
        specs: The tasks to act in; by default those it was trained on.
        library: Where the trained tasks are looked up.
        device: As in the settings.
        text: Another wording, and the encoder for it.
        image_weights: DINOv2's file, if not where it was in training.

    Returns:
        The agent and its task list.

    Raises:
        CheckpointError: The file is not usable, a task has changed since, or the agent was
            trained with another text or image encoder.
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
        steps = int(payload["counters"]["steps"])
        recorded_encoder = payload["image_encoder"]
    except (KeyError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: incomplete, or its tasks are not installed ({error}). "
            "Name the folder of your own tasks with --specs."
        ) from error
    for spec in chosen:
        if spec.id in trained:
            _check_unchanged(path, payload["tasks"][trained[spec.id]], spec)
    chosen, vectors = saved.tasks_and_vectors(chosen, text or TextOptions(), path)
    where = choose_device(device)
    encoder = open_image_encoder(parts, where, image_weights)
    require_image_encoder(recorded_encoder, encoder, str(path))
    agent = NewtAgent(
        parts.model,
        parts.planner,
        parts.update,
        task_table(chosen, vectors),
        device=where,
        image_encoder=encoder,
    )
    agent.load_state_dict(weights, learner=False)
    agent.prior_weight = prior_weight(parts, steps)
    return agent, chosen


def saved_text(payload: Mapping[str, Any]) -> SavedText:
    """Return what a checkpoint's content says of its tasks' texts.

    Raises:
        KeyError: It says nothing.
    """
    ids = [task["id"] for task in payload["tasks"]]
    vectors = dict(zip(ids, payload["text"].numpy(), strict=True))
    return SavedText(payload["text_encoder"], vectors)


def take_weights(
    agent: NewtAgent, path: Path, text_encoder: str, *, keep_optimiser: bool = False
) -> None:
    """Begin with a checkpoint's weights instead of random ones; learning starts afresh.

    The tasks may be others. An agent that sees pictures can begin as one that did not: at first
    it computes exactly the same (:mod:`newt_core.model.widen`).

    Args:
        agent: Takes the weights over.
        path: A checkpoint of ours.
        text_encoder: The name of the encoder that the agent's texts went through.
        keep_optimiser: Of a pretraining's checkpoint, take over Adam's moments, too (as the
            published code does). An agent that begins to see begins without.

    Raises:
        CheckpointError: The file is not usable, of another architecture, or of an agent that
            reads other features than this one.
    """
    payload = load_checkpoint(path)
    require_encoders(payload, path, text_encoder, agent.image_encoder)
    try:
        weights = payload["agent"]["model"]
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: incomplete: it has no {error}.") from error
    try:
        wide = widened_weights(weights, agent.model)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    agent.load_state_dict({"model": wide}, learner=False)
    unchanged = wide[FIRST_LAYER].shape == weights[FIRST_LAYER].shape
    if keep_optimiser and unchanged and payload.get("phase") == PRETRAINING:
        agent.learner.load_optimisers(payload["agent"]["learner"])


def require_encoders(
    payload: Mapping[str, Any], path: Path, text_encoder: str, encoder: ImageEncoder | None
) -> None:
    """See that an agent can begin with a checkpoint's weights: it reads and sees alike.

    An agent of states may begin to see.

    Args:
        payload: The checkpoint's content.
        path: Where that comes from, for messages.
        text_encoder: The recorded name of the encoder at hand.
        encoder: The image encoder at hand.

    Raises:
        CheckpointError: The checkpoint was trained with another text or image encoder.
    """
    try:
        texts, recorded = payload["text_encoder"], payload["image_encoder"]
    except KeyError as error:
        raise CheckpointError(f"{path}: incomplete: it has no {error}.") from error
    if texts != text_encoder:
        raise CheckpointError(
            f"{path}: trained with the text encoder {texts}, but here it is {text_encoder}: its "
            f"vectors would mean nothing to the agent. Use --text-encoder {short_name(texts)}."
        )
    if recorded is not None:
        require_image_encoder(recorded, encoder, str(path))


def open_image_encoder(
    config: RunConfig, device: torch.device, weights: Path | None = None
) -> ImageEncoder | None:
    """Return the image encoder of a run's settings; None for an agent that sees states only.

    Args:
        config: The settings.
        device: Where to run it.
        weights: Its file, if not the one that the settings name.

    Raises:
        NewtError: Its weights or packages are missing or damaged.
    """
    if not config.model.feature_stack:
        return None
    if weights is None and config.image_weights is not None:
        weights = Path(config.image_weights)
    return make_image_encoder(config.image_encoder, device=device, weights=weights)


def _check_unchanged(path: Path, saved: Mapping[str, Any], spec: TaskSpec) -> None:
    for name in ("version", "obs_dim", "action_dim"):
        if saved[name] != getattr(spec, name):
            raise CheckpointError(
                f"{path}: task '{spec.id}' had {name} {saved[name]} in training, but is "
                f"{getattr(spec, name)} now. Use the task specs that it was trained with."
            )
    if saved["spec_hash"] != spec.spec_hash:
        warnings.warn(f"task '{spec.id}' was described differently in training", stacklevel=3)
