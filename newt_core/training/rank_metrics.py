"""One row of metrics of all ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsFloat

from newt_core.agents.ranks import Ranks
from newt_core.training.recent import Ended, means_of

COUNTED = ("replay/", "pool/")
"""How the names of what is counted begin: it is added up. All else is averaged."""


def joint_row(
    row: Mapping[str, SupportsFloat], ended: Ended, weight: int, ranks: Ranks
) -> dict[str, float]:
    """Return what all ranks measured; all of them have to call this.

    Args:
        row: What this rank measured; looking at it waits for the device.
        ended: Its training episodes.
        weight: What its means count for: environments, in proportion to which batches are divided.
        ranks: All of them.
    """
    mine = {name: _number(value) for name, value in row.items()}
    every = ranks.gather({"row": mine, "ended": ended, "weight": weight})
    whole = sum(each["weight"] for each in every)
    joint: dict[str, float] = {}
    for name in mine:
        values = [each["row"][name] for each in every]
        if name.startswith(COUNTED):
            joint[name] = sum(values)
        elif len(set(values)) == 1:
            joint[name] = values[0]
        else:
            weighted = (v * each["weight"] for v, each in zip(values, every, strict=True))
            joint[name] = sum(weighted) / whole
    return joint | means_of([each["ended"] for each in every])


def _number(value: SupportsFloat) -> float:
    return value if isinstance(value, int) else float(value)
