"""What a checkpoint remembers of its tasks' texts, and how new ones join them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from newt_core.encoders.text.choose import NEED_WEIGHTS, make_text_encoder, short_name
from newt_core.errors import CheckpointError
from newt_core.specs import TaskSpec, Wording
from newt_core.types import FloatArray


@dataclass(frozen=True)
class TextOptions:
    """What a user may say of texts when an agent is taken out of a checkpoint."""

    wording: Wording = field(default_factory=Wording)
    """What to tell the agent instead of the one task's own text."""
    encoder: str | None = None
    """The encoder that the user believes it was trained with."""
    weights: Path | None = None
    """The file of that encoder, where it is the user's own."""


@dataclass(frozen=True)
class SavedText:
    """The vectors that an agent learned with, and the encoder that made them."""

    encoder: str
    """The encoder's recorded name."""
    vectors: Mapping[str, FloatArray]
    """Task id → [512]."""

    def tasks_and_vectors(
        self, specs: Sequence[TaskSpec], options: TextOptions, checkpoint: Path
    ) -> tuple[list[TaskSpec], FloatArray]:
        """Return the tasks in the wording that is asked for, and [n, 512] their vectors.

        Tasks that the agent was trained on keep their vectors. The encoder is only made, and its
        weights are only needed, where there is a new text.

        Args:
            specs: The tasks to act in.
            options: What the user says of texts.
            checkpoint: Where the agent comes from, for messages.

        Raises:
            CheckpointError: The agent learned with another encoder than the user names.
            WeightsError: There is a new text, and its encoder is not to be had.
            ConfigError: The encoder has no vector for a task.
            SpecError: The wording is empty, or there is not exactly one task.
        """
        self._check_encoder(options, checkpoint)
        tasks = options.wording.apply(specs)
        said_aloud, pairs = options.wording.own, zip(tasks, specs, strict=True)
        worded = [task for task, spec in pairs if said_aloud or task.text != spec.text]
        said = {task.id for task in worded}
        new = [task for task in tasks if task.id not in said | self.vectors.keys()]
        rows = dict(self.vectors)
        if worded or new:
            encoder = make_text_encoder(self.encoder, options.weights)
            if new and not encoder.knows_others:
                raise CheckpointError(
                    f"{checkpoint}: the text encoder '{self.encoder}' only tells the tasks of its "
                    f"training apart, and {new[0].id} is none of them."
                )
            if new:
                rows |= _by_id(new, encoder.encode_tasks(new))
            if worded:
                rows |= _by_id(worded, encoder.encode([task.text for task in worded]))
        return tasks, np.stack([rows[task.id] for task in tasks])

    def _check_encoder(self, options: TextOptions, checkpoint: Path) -> None:
        """See that an encoder that the user names is the one that the agent learned with."""
        name = options.encoder
        if name is None or name == "auto":
            return
        kind = short_name(name)
        alike = kind == short_name(self.encoder)
        found = self.encoder if alike else name
        # Making an encoder may take weights that nobody needs: only where it tells more.
        if alike and (options.weights is not None or kind not in NEED_WEIGHTS):
            found = make_text_encoder(name, options.weights).name
        if found != self.encoder:
            raise CheckpointError(
                f"{checkpoint} learned with texts embedded by '{self.encoder}'; the vectors of "
                f"'{found}' would mean nothing to it.\n"
                f"Leave --text-encoder out, or train anew with --text-encoder {kind}."
            )


def _by_id(tasks: Sequence[TaskSpec], vectors: FloatArray) -> dict[str, FloatArray]:
    return {task.id: row for task, row in zip(tasks, vectors, strict=True)}
