"""How good an agent is: whole episodes through the pool, and what they amount to."""

from newt_core.evaluation.aggregate import GroupSummary, Summary, TaskSummary, summarise
from newt_core.evaluation.rollout import EpisodeResult, evaluate, random_act
from newt_core.types import Act

__all__ = [
    "Act",
    "EpisodeResult",
    "GroupSummary",
    "Summary",
    "TaskSummary",
    "evaluate",
    "random_act",
    "summarise",
]
