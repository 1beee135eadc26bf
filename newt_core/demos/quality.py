"""How many demonstrations a task gets, and which of those collected are good enough to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from newt_core.demos.schema import EpisodeInfo
from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import has_success_signal
from newt_core.types import BoolArray

KEEP_RATIO = 0.75
"""Of the batch's median return: a demonstration has to beat it (Newt, section 3)."""
KEEP_RATIO_NEGATIVE = 1.25
"""The same where the median is negative."""

EPISODES: Mapping[str, int] = {
    "dmcontrol": 20,
    "dmcontrol-ext": 20,
    "metaworld": 10,
    "maniskill": 20,
    "mujoco": 20,
    "miniarcade": 10,
    "box2d": 40,
    "robodesk": 20,
    "ogbench": 20,
    "atari": 40,
}
"""Demonstrations of each task of a domain: 4,020 over the 200 training tasks (Newt, section 3)."""
OTHER_EPISODES = 20
"""Demonstrations of a task of any other domain."""


def default_episodes(spec: TaskSpec) -> int:
    """Return how many demonstrations a task gets unless told otherwise."""
    return EPISODES.get(spec.domain, OTHER_EPISODES)


def good_enough(collected: Sequence[EpisodeInfo], spec: TaskSpec) -> BoolArray:
    """Return [n] which of the episodes collected from one expert are kept.

    An episode is kept if its return is above 0.75 of the batch's median return (1.25 of it where
    that is negative) and, where the task has a success signal, if it ends in success. Where the
    median is 0, no ratio says anything, and an episode that returns 0 is kept if 0 is an
    achievement: if it scores.
    """
    if not collected:
        return np.zeros(0, np.bool_)
    returns = np.array([info.episode_return for info in collected])
    median = float(np.median(returns))
    threshold = median * (KEEP_RATIO if median >= 0 else KEEP_RATIO_NEGATIVE)
    kept = returns > threshold
    if median == 0.0:
        kept |= (returns == 0.0) & (np.array([info.score for info in collected]) > 0.0)
    success = [info.success for info in collected]
    if has_success_signal(success, spec.score):
        kept &= np.array(success) == 1.0
    return kept
