"""The layout of the published weights: their names, their widths, and the way there and back.

A published model holds plain layers under numbers, a Q head at a time, and reads exactly what it
was made for: states and actions of some width, with a text or without. Ours reads the widths of all
tasks and always a text. A column of zeros adds nothing to a product: a widened model computes what
the narrow one did, and what was added can be taken away again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from newt_core.errors import CheckpointError
from newt_core.model.config import SizeName
from newt_core.model.sizes import SIZES, Size
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM, TEXT_DIM

PUBLISHED_SIZES = {"S": "2M", "B": "5M", "L": "20M", "XL": "80M"}
"""What the sizes are called in the published files' names → here."""

_NETWORKS = {
    "_encoder.state": "encoder",
    "_dynamics": "dynamics",
    "_reward": "reward",
    "_pi": "policy",
}
_ENSEMBLES = {"_Qs.online._Qs": "q", "_Qs.target._Qs": "target_q"}
_HEAD_LAYER = {"weight": "weight", "bias": "bias", "ln.weight": "scale", "ln.bias": "shift"}
"""Of a layer of a Q head → what our stacked tensor's name begins with."""
_FIRST, _LAST = ".0.weight", ".2.weight"
"""How the weights' names end in a network's first layer, and in the last of one of three."""


@dataclass(frozen=True)
class Layout:
    """What a published model was made for."""

    size: SizeName
    """Name of its widths."""
    state: int
    """Entries of a state, 1 … 128."""
    text: bool
    """Whether it reads a text."""
    action: int
    """Entries of an action, 1 … 16."""
    features: int
    """Features of pictures, 0 or 1."""


def find_layout(weights: Mapping[str, Tensor]) -> Layout:
    """Recognise what some published weights were made for by their shapes.

    Args:
        weights: Published name → tensor.

    Raises:
        CheckpointError: They are no such weights, or of widths that Newt has not; without the path.
    """
    hidden, latent_text = _shape(weights, f"_pi{_FIRST}")
    enc_dim, observed = _shape(weights, f"_encoder.state{_FIRST}")
    _, inputs = _shape(weights, f"_dynamics{_FIRST}")
    latent, _ = _shape(weights, f"_dynamics{_LAST}")
    enc_layers, num_q = 0, 0
    while f"_encoder.state.{enc_layers}.weight" in weights:
        enc_layers += 1
    while f"_Qs.online._Qs.{num_q}{_FIRST}" in weights:
        num_q += 1
    found = Size(enc_dim, hidden, latent, enc_layers, num_q)
    sizes = [name for name in get_args(SizeName) if SIZES[name] == found]
    if not sizes:
        raise CheckpointError(
            f"its widths are those of no size of Newt's: {enc_layers} encoder layers of {enc_dim}, "
            f"hidden layers of {hidden}, latents of {latent}, {num_q} Q heads."
        )
    text, action = latent_text - latent, inputs - latent_text
    # States are narrower than a picture's feature, which follows them.
    features, state = divmod(observed - text, IMAGE_DIM)
    if (
        text not in (0, TEXT_DIM)
        or not 1 <= state <= STATE_DIM
        or not 1 <= action <= ACTION_DIM
        or features not in (0, 1)
    ):
        raise CheckpointError(
            f"it reads {observed - text} entries of an observation, {text} of a text and {action} "
            f"of an action; Newt knows 1 to {STATE_DIM}, with {IMAGE_DIM} more for a picture, "
            f"{TEXT_DIM} or none, and 1 to {ACTION_DIM}."
        )
    layout = Layout(sizes[0], state, bool(text), action, features)
    for name, shape in published_shapes(layout).items():
        if name not in weights or weights[name].shape != shape:
            there = list(weights[name].shape) if name in weights else "missing"
            raise CheckpointError(f"its '{name}' is {there}, not {list(shape)}.")
    return layout


def from_published(weights: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return published weights as a model's ``state_dict``, in float32.

    Args:
        weights: Published name → tensor, checked by :func:`find_layout`.
        layout: What they were made for.
    """
    ours: dict[str, Tensor] = {}
    heads: dict[str, list[Tensor]] = {}
    for place in _places(SIZES[layout.size]):
        tensor = _widened(weights[place.published].detach().float(), place.blocks(layout))
        if place.head is None:
            ours[place.ours] = tensor
        else:
            heads.setdefault(place.ours, []).append(tensor)
    return ours | {name: torch.stack(each) for name, each in heads.items()}


def to_published(weights: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return a model's weights under the published names; undoes :func:`from_published`.

    Args:
        weights: A model's ``state_dict``.
        layout: What it was made for; more entries than that are left out.
    """
    published = {}
    for place in _places(SIZES[layout.size]):
        tensor = weights[place.ours]
        tensor = tensor if place.head is None else tensor[place.head]
        published[place.published] = _narrowed(tensor, place.blocks(layout)).clone()
    return published


def published_shapes(layout: Layout) -> dict[str, torch.Size]:
    """Return the shape of every tensor of a published model, without allocating any."""
    with torch.device("meta"):
        table = TaskTable(torch.zeros(1, TEXT_DIM), torch.ones(1, ACTION_DIM), torch.ones(1))
        model = WorldModel(SIZES[layout.size], table, feature_stack=layout.features)
        return {name: t.shape for name, t in to_published(model.state_dict(), layout).items()}


@dataclass(frozen=True)
class _Blocks:
    """Along an axis of a tensor, how wide each block is there and here."""

    axis: int
    there: list[int]
    here: list[int]


@dataclass(frozen=True)
class _Place:
    """Where a tensor is there, and where here."""

    published: str
    ours: str
    head: int | None = None
    """Index in our stacked tensor, if it is a Q head's."""

    def blocks(self, layout: Layout) -> _Blocks | None:
        """Return the blocks of a tensor that may be wider here; None of any other."""
        latent, text = SIZES[layout.size].latent_dim, TEXT_DIM * layout.text
        if self.ours.startswith("policy.output."):
            return _Blocks(0, [layout.action] * 2, [ACTION_DIM] * 2)
        part, _, rest = self.ours.partition(".")
        if rest not in ("first.linear.weight", "weight_0"):
            return None
        if part == "encoder":
            image = layout.features * IMAGE_DIM
            return _Blocks(1, [layout.state, text, image], [STATE_DIM, TEXT_DIM, image])
        if part == "policy":
            return _Blocks(1, [latent, text], [latent, TEXT_DIM])
        return _Blocks(1, [latent, text, layout.action], [latent, TEXT_DIM, ACTION_DIM])


def _places(size: Size) -> Iterator[_Place]:
    """Yield where every tensor of a model is."""
    for there, here in _NETWORKS.items():
        layers = size.enc_layers if here == "encoder" else 3
        for index in range(layers):
            last = index == layers - 1
            name = "first" if index == 0 else "output" if last else f"middle.{index - 1}"
            normed = not last or here in ("encoder", "dynamics")
            for part in ("weight", "bias"):
                inner = f"linear.{part}" if normed else part
                yield _Place(f"{there}.{index}.{part}", f"{here}.{name}.{inner}")
                if normed:
                    yield _Place(f"{there}.{index}.ln.{part}", f"{here}.{name}.ln.{part}")
    for there, here in _ENSEMBLES.items():
        for head in range(size.num_q):
            for index in range(3):
                for part, name in _HEAD_LAYER.items():
                    if index < 2 or not part.startswith("ln."):
                        full = f"{there}.{head}.{index}.{part}"
                        yield _Place(full, f"{here}.{name}_{index}", head)


def _widened(tensor: Tensor, blocks: _Blocks | None) -> Tensor:
    """Fill the blocks of a tensor up with zeros."""
    if blocks is None or blocks.there == blocks.here:
        return tensor
    parts = []
    for part, width in zip(tensor.split(blocks.there, blocks.axis), blocks.here, strict=True):
        missing = width - part.shape[blocks.axis]
        # F.pad begins with the last axis.
        behind = (0, 0) * (tensor.ndim - 1 - blocks.axis)
        parts.append(F.pad(part, (*behind, 0, missing)))
    return torch.cat(parts, blocks.axis)


def _narrowed(tensor: Tensor, blocks: _Blocks | None) -> Tensor:
    """Undo :func:`_widened`."""
    if blocks is None or blocks.there == blocks.here:
        return tensor
    parts = tensor.split(blocks.here, blocks.axis)
    narrow = [part.narrow(blocks.axis, 0, w) for part, w in zip(parts, blocks.there, strict=True)]
    return torch.cat(narrow, blocks.axis)


def _shape(weights: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    """Return the shape [outputs, inputs] of a layer."""
    if name not in weights:
        raise CheckpointError(f"it has no '{name}', which every published model has.")
    if weights[name].ndim != 2:
        raise CheckpointError(f"its '{name}' is {list(weights[name].shape)}, not a matrix.")
    outputs, inputs = weights[name].shape
    return outputs, inputs
