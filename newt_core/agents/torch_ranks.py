"""Ranks that talk over torch.distributed: tensors of the CPU by gloo, those of a GPU by NCCL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from newt_core.agents.rank_messages import pack, unpack
from newt_core.errors import RankLostError, in_short
from newt_core.replay.part import Part


class TorchRanks:
    """A :class:`newt_core.agents.ranks.Ranks`, one process of torch's default process group.

    Counts, flags and messages are tensors of the CPU: agreeing on them waits for no GPU.
    """

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()

    @property
    def writes(self) -> bool:
        """Whether this is the first."""
        return self.rank == 0

    def average_gradients(
        self, parameters: Sequence[nn.Parameter], loss: Tensor, part: Part
    ) -> Tensor:
        """See :class:`newt_core.agents.ranks.Ranks`: one reduction of one flat tensor.

        Raises:
            RankLostError: Another rank is gone, or silent for too long.
        """
        # A parameter that this loss does not reach is without a gradient on every rank.
        reached = [each for each in parameters if each.grad is not None]
        gradients = [each.grad.flatten() for each in reached if each.grad is not None]
        flat = torch.cat([loss.reshape(1), *gradients]) * part.share
        with _in_contact(self.size):
            dist.all_reduce(flat)
        pieces = flat[1:].split([each.numel() for each in reached])
        for each, piece in zip(reached, pieces, strict=True):
            each.grad = piece.view_as(each)
        return flat[0]

    @torch.compiler.disable
    def joined(self, values: Tensor, part: Part) -> Tensor:
        """See :class:`newt_core.agents.ranks.Ranks`.

        Raises:
            RankLostError: Another rank is gone, or silent for too long.
        """
        # Every rank has to send as many as the one that has the most.
        padded = values.new_zeros(max(part.rows))
        padded[: len(values)] = values
        found = [torch.empty_like(padded) for _ in part.rows]
        with _in_contact(self.size):
            dist.all_gather(found, padded)
        return torch.cat([each[:rows] for each, rows in zip(found, part.rows, strict=True)])

    def gather(self, value: Any) -> list[Any]:
        """See :class:`newt_core.agents.ranks.Ranks`.

        Raises:
            RankLostError: Another rank is gone, or silent for too long.
        """
        mine = torch.frombuffer(bytearray(pack(value)), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _in_contact(self.size):
            dist.all_gather(lengths, torch.tensor([len(mine)]))
            padded = torch.zeros(max(int(each) for each in lengths), dtype=torch.uint8)
            padded[: len(mine)] = mine
            found = [torch.empty_like(padded) for _ in range(self.size)]
            dist.all_gather(found, padded)
        pairs = zip(found, lengths, strict=True)
        return [unpack(each[: int(length)].numpy().tobytes()) for each, length in pairs]

    def total(self, count: int) -> int:
        """See :class:`newt_core.agents.ranks.Ranks`.

        Raises:
            RankLostError: Another rank is gone, or silent for too long.
        """
        value = torch.tensor([count], dtype=torch.int64)
        with _in_contact(self.size):
            dist.all_reduce(value)
        return int(value)

    def any(self, flag: bool) -> bool:
        """See :class:`newt_core.agents.ranks.Ranks`; raises what :meth:`total` does."""
        return self.total(int(flag)) > 0


@contextmanager
def _in_contact(size: int) -> Iterator[None]:
    """Say in plain words that another rank is gone."""
    try:
        yield
    except (RuntimeError, ValueError) as error:  # gloo's and NCCL's are RuntimeErrors
        raise RankLostError(
            f"lost contact with another of the {size} ranks: {in_short(error)}."
        ) from error
