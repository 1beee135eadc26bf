"""Settings: small frozen records whose fields say whether a run that goes on may change them.

The field descriptions feed ``--help`` and the documentation. Free of NumPy and PyTorch, so that the
command line can read them quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")

Part = Literal["pretraining", "beginning", "interaction"]
"""A part of a run: learning from demonstrations alone, the first episodes of interaction, and all
of the interaction."""


@dataclass(frozen=True)
class TakesEffect:
    """Marks a setting that may change when a run goes on, and says which parts of it heed that.

    Settings without this mark stay what they were when the run began: its saved state was made
    with them, or nothing would look at them again. See :mod:`newt_core.training.resume`.
    """

    parts: frozenset[Part]


Changeable = Annotated[T, TakesEffect(frozenset({"pretraining", "interaction"}))]
"""A setting that takes effect whenever a run goes on."""
InPretraining = Annotated[T, TakesEffect(frozenset({"pretraining"}))]
"""A setting that takes effect as long as a run still pretrains."""
AtBeginning = Annotated[T, TakesEffect(frozenset({"beginning"}))]
"""A setting that takes effect if the interaction is yet to begin."""
InInteraction = Annotated[T, TakesEffect(frozenset({"interaction"}))]
"""A setting that takes effect when a run goes on interacting, or comes to interact."""


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


FilePath = Annotated[Path | None, Field(strict=False), BeforeValidator(_none_if_empty)]
"""A file or folder that a user names, from the folder where the command runs; empty for none."""

DEVICE = r"auto|cpu|mps|cuda(:\d+)?"
"""What a device may be called."""
RAY_CLUSTER = r"auto|\[[0-9a-fA-F:]+\]:\d{1,5}|[^\s:/\[\]]+:\d{1,5}"
"""What the address of a Ray cluster may be: this machine's own, or host and port of its head."""


class Settings(BaseModel):
    """Some settings that belong together. Unknown names and not finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
