"""An agent out of a checkpoint, for the tasks it was trained on or for others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from newt_core.agents.base import Acting, Agent, Capabilities
from newt_core.agents.newt.setup import choose_device
from newt_core.encoders import TextOptions
from newt_core.encoders.image.base import ImageEncoder
from newt_core.encoders.image.choose import make_image_encoder, require_image_encoder
from newt_core.errors import CheckpointError, ConfigError, UnknownTaskError
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.config import RunConfig
from newt_core.training.content import LearnedTask, read_content
from newt_core.training.published import layout_in, require_room
from newt_core.workflows.agent_kinds import AgentInputs, find_kind

AS_USUAL = Acting()


def load_agent(
    path: Path,
    specs: Sequence[TaskSpec] | None = None,
    *,
    library: SpecLibrary,
    device: str = "auto",
    text: TextOptions | None = None,
    image_weights: Path | None = None,
    how: Acting = AS_USUAL,
) -> tuple[Agent, list[TaskSpec]]:
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
        how: It is going to act.

    Returns:
        The agent and its task list.

    Raises:
        ConfigError: The agent cannot act like that.
        CheckpointError: The file is not usable, a task has changed since, or the agent was
            trained with another text or image encoder.
        NewtError: There is a new text that cannot be embedded, see
            :meth:`newt_core.encoders.SavedText.tasks_and_vectors`.
    """
    saved = read_content(path)
    config = saved.run.config
    trained = {task.id: task for task in saved.run.tasks}
    try:
        chosen = list(specs) if specs is not None else [library[name] for name in trained]
    except UnknownTaskError as error:
        raise CheckpointError(
            f"{path}: its tasks are not here: {error} Name the folder of your own tasks with "
            "--specs."
        ) from error
    for spec in chosen:
        if spec.id in trained:
            check_unchanged(path, trained[spec.id], spec)
    made_for = layout_in(saved)
    if made_for is not None:
        require_room(made_for, chosen, path)
    chosen, vectors = saved.texts.tasks_and_vectors(chosen, text or TextOptions(), path)
    where = choose_device(device)
    encoder = open_image_encoder(config, where, image_weights)
    require_image_encoder(saved.run.image_encoder, encoder, str(path))
    kind = find_kind(saved.run.agent_kind)
    _check_way(how, chosen, kind.capabilities, f"{path}: an agent '{saved.run.agent_kind}'")
    agent = kind.new(AgentInputs(config, chosen, vectors, where, encoder, saved.steps))
    try:
        agent.load_weights(saved.agent)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return agent, chosen


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
    images = config.images
    return make_image_encoder(images.encoder, device=device, weights=weights or images.weights)


def _check_way(how: Acting, specs: Sequence[TaskSpec], can: Capabilities, who: str) -> None:
    """See that an agent can act like that in these tasks."""
    if how.prior_weight is not None and not can.plans:
        raise ConfigError(f"{who} does not plan: leave --prior-weight out.")
    if how.open_loop is None:
        return
    if not can.acts_open_loop:
        raise ConfigError(f"{who} cannot act open loop: it looks before every action.")
    require_horizon(how.open_loop, specs)


def require_horizon(steps: int, specs: Sequence[TaskSpec]) -> None:
    """See that a plan of so many steps is not longer than an episode of any task.

    Raises:
        ConfigError: It has no step, or is longer.
    """
    if steps < 1:
        raise ConfigError(f"a plan of {steps} steps is none: the shortest has 1.")
    shortest = min(specs, key=lambda spec: spec.episode_length)
    if steps > shortest.episode_length:
        short = sum(spec.episode_length < steps for spec in specs)
        others = f" and {short - 1} more of the tasks" if short > 1 else ""
        raise ConfigError(
            f"a plan of {steps:,} steps is longer than an episode of '{shortest.id}'{others}: ask "
            f"for {shortest.episode_length:,} at most, or for other tasks."
        )


def check_unchanged(path: Path, saved: LearnedTask, spec: TaskSpec) -> None:
    """Compare a task with what it was when a checkpoint was made, and warn of small differences.

    Raises:
        CheckpointError: It is another task by now.
    """
    for name in ("version", "obs_dim", "action_dim"):
        before = getattr(saved, name)
        if before != getattr(spec, name):
            raise CheckpointError(
                f"{path}: task '{spec.id}' had {name} {before} in training, but is "
                f"{getattr(spec, name)} now. Use the task specs that it was trained with."
            )
    if saved.spec_hash != spec.spec_hash:
        warnings.warn(f"task '{spec.id}' was described differently in training", stacklevel=3)
