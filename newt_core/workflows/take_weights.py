"""Beginning with the weights of another run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders.image.base import ImageEncoder
from newt_core.encoders.image.choose import require_image_encoder
from newt_core.encoders.text.choose import short_name
from newt_core.errors import CheckpointError, in_short
from newt_core.model.widen import FIRST_LAYER, widened_weights
from newt_core.training.content import PRETRAINING, CheckpointContent, read_content


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
    saved = read_content(path)
    require_encoders(saved, text_encoder, agent.image_encoder)
    weights = saved.agent.get("model")
    if not isinstance(weights, Mapping) or not isinstance(weights.get(FIRST_LAYER), Tensor):
        raise CheckpointError(f"{path}: incomplete: it has no weights of a world model.")
    try:
        wide = widened_weights(weights, agent.model)
        agent.load_weights({"model": wide})
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    unchanged = wide[FIRST_LAYER].shape == weights[FIRST_LAYER].shape
    if keep_optimiser and unchanged and saved.run.phase == PRETRAINING:
        try:
            agent.learner.load_optimisers(saved.agent["learner"])
        except Exception as error:  # A state can hold anything.
            raise CheckpointError(
                f"{path}: its optimiser's state does not fit: {in_short(error)}."
            ) from error


def require_encoders(
    saved: CheckpointContent, text_encoder: str, encoder: ImageEncoder | None
) -> None:
    """See that an agent can begin with a checkpoint's weights: it reads and sees alike.

    An agent of states may begin to see.

    Args:
        saved: The checkpoint.
        text_encoder: The recorded name of the encoder at hand.
        encoder: The image encoder at hand.

    Raises:
        CheckpointError: The checkpoint was trained with another text or image encoder.
    """
    texts, recorded = saved.run.text_encoder, saved.run.image_encoder
    if texts != text_encoder:
        raise CheckpointError(
            f"{saved.path}: trained with the text encoder {texts}, but here it is "
            f"{text_encoder}: its vectors would mean nothing to the agent. Use --text-encoder "
            f"{short_name(texts)}."
        )
    if recorded is not None:
        require_image_encoder(recorded, encoder, str(saved.path))
