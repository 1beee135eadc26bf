"""What can be wrong with recorded data, in words. Nothing here reads a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from newt_core.demos.schema import DemoEpisode, EpisodeInfo, FileHeader, same_number
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE

IMAGE_DIM = 768
"""Entries of an image feature."""


def episode_problems(episode: DemoEpisode, spec: TaskSpec) -> Iterator[str]:
    """Yield what is wrong with an episode's arrays; where the shapes are, only that."""
    steps = len(episode.rewards)
    if not 1 <= steps <= spec.episode_length:
        yield (
            f"has {steps} steps, but an episode of '{spec.id}' has 1 to {spec.episode_length} "
            "(the file is incomplete, or of another task)"
        )
        return
    wrong_shapes = list(_shape_problems(episode, spec, steps))
    if wrong_shapes:
        yield from wrong_shapes
        return
    for name in ("observations", "actions", "rewards"):
        yield from _first(~np.isfinite(getattr(episode, name)), f"{name} are not finite")
    yield from _first(np.abs(episode.actions) > 1.0, "actions are outside [-1, 1]")
    known = ~np.isnan(episode.success)
    wrong = known & (episode.success != 0.0) & (episode.success != 1.0)
    yield from _first(wrong, "success is neither 0 nor 1")
    yield from _first(np.isinf(episode.score), "the score is not finite")
    yield from _end_problems(episode)


def info_problems(info: EpisodeInfo, episode: DemoEpisode, number: int) -> Iterator[str]:
    """Yield where an episode's attributes contradict its arrays or its place in the file."""
    if info.id != number:
        yield f"its id is {info.id}, but it is number {number}: episodes are out of order"
    actual = episode.info
    for field in fields(EpisodeInfo):
        if field.name == "id":
            continue
        stated, found = getattr(info, field.name), getattr(actual, field.name)
        if not same_number(stated, found):
            name = field.name.removeprefix("episode_")
            yield f"its attribute '{name}' is {stated:g}, but its arrays give {found:g}"


def header_problems(header: FileHeader, spec: TaskSpec) -> Iterator[str]:
    """Yield why a file does not belong to a task as it is now."""
    if header.task != spec.id:
        yield f"holds demonstrations of '{header.task}', not of '{spec.id}'"
    elif header.task_version != spec.version:
        yield (
            f"was recorded with version {header.task_version} of '{spec.id}', which behaves "
            f"differently from the present version {spec.version}"
        )
    elif header.spec_hash != spec.spec_hash:
        yield f"was recorded with another spec of '{spec.id}' (its spec hash differs)"


def _shape_problems(episode: DemoEpisode, spec: TaskSpec, steps: int) -> Iterator[str]:
    expected: dict[str, tuple[int, ...]] = {
        "observations": (steps + 1, spec.obs_dim),
        "actions": (steps, spec.action_dim),
        "terminations": (steps,),
        "truncations": (steps,),
        "success": (steps,),
        "score": (steps,),
    }
    if episode.features is not None:
        expected["features"] = (steps + 1, IMAGE_DIM)
    for name, shape in expected.items():
        found = getattr(episode, name).shape
        if found != shape:
            yield (
                f"{name} are {list(found)}, but {steps} steps of '{spec.id}' need {list(shape)} "
                "(the dimensions do not fit)"
            )


def rgb_problem(shape: tuple[int, ...], steps: int) -> str | None:
    """Return what is wrong with the shape of an episode's pictures."""
    expected = (steps + 1, FRAME_SIZE, FRAME_SIZE, 3)
    if shape == expected:
        return None
    return f"its pictures are {list(shape)}, but {steps} steps need {list(expected)}"


def _end_problems(episode: DemoEpisode) -> Iterator[str]:
    """An episode ends at its last step and at no other."""
    ends = np.flatnonzero(episode.terminations | episode.truncations)
    last = len(episode.rewards) - 1
    if not len(ends):
        yield "does not say that it ends at its last step"
    elif ends[0] != last:
        yield f"ends at step {ends[0]}, but goes on to step {last}"


def _first(wrong: NDArray[np.bool_], what: str) -> Iterator[str]:
    if wrong.any():
        step = int(np.argwhere(wrong)[0][0])
        count = int(np.count_nonzero(wrong))
        yield f"{what} at step {step}" + (f" and in {count - 1} more entries" * (count > 1))
