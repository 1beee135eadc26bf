"""What text vectors say of tasks: which lie close together, and where in the plane they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newt_core.types import FloatArray


@dataclass(frozen=True)
class Neighbours:
    """The nearest tasks of each task, by the cosine of their vectors."""

    nearest: dict[str, list[str]]
    """Task id → other ids, the nearest first; empty where the vector is zero."""
    same_domain: float | None
    """Share of tasks whose nearest neighbour is of their own domain; None without neighbours."""
    chance: float | None
    """What that share would be if the nearest neighbour were any other task alike."""


def neighbours(
    ids: Sequence[str], domains: Sequence[str], vectors: FloatArray, count: int
) -> Neighbours:
    """Find the ``count`` nearest neighbours of each task.

    Args:
        ids: [n] the tasks.
        domains: [n] their domains.
        vectors: [n, dim].
        count: How many to name, at least 1.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    says_something = lengths > 0
    units = vectors / np.where(says_something, lengths, 1.0)[:, None]
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    cosines[:, ~says_something] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")
    nearest: dict[str, list[str]] = {}
    hits: list[bool] = []
    for row, task in enumerate(ids):
        near = [i for i in order[row, :count] if np.isfinite(cosines[row, i])]
        near = near if says_something[row] else []
        nearest[task] = [ids[i] for i in near]
        if near:
            hits.append(domains[near[0]] == domains[row])
    others = len(ids) - 1
    chances = [(list(domains).count(domain) - 1) / others for domain in domains if others]
    return Neighbours(
        nearest,
        float(np.mean(hits)) if hits else None,
        float(np.mean(chances)) if chances else None,
    )


def plane(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first two principal components of n vectors.

    Signs are chosen so that the largest entry of each axis is positive, which makes the picture
    the same on every machine.

    Returns:
        [n, 2] coordinates, and [2] the share of the variance along each.
    """
    centred = np.asarray(vectors, np.float64) - vectors.mean(axis=0)
    left, scale, axes = np.linalg.svd(centred, full_matrices=False)
    count = min(2, len(scale))
    signs = np.sign(axes[np.arange(count), np.abs(axes[:count]).argmax(axis=1)])
    points = np.zeros((len(vectors), 2))
    points[:, :count] = left[:, :count] * scale[:count] * signs
    share = np.zeros(2)
    total = float((scale**2).sum())
    if total > 0:
        share[:count] = scale[:count] ** 2 / total
    return points.astype(np.float32), share.astype(np.float32)
