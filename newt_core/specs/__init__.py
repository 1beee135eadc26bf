"""What a task is: a validated description of a body, a goal and a simulator's arguments."""

from newt_core.specs.load import SpecLibrary, load_specs
from newt_core.specs.schema import BUILTIN_DOMAINS, TaskSpec, domain_names
from newt_core.specs.score import ReturnScore, ScoreRule, SuccessScore
from newt_core.specs.wording import Wording

__all__ = [
    "BUILTIN_DOMAINS",
    "ReturnScore",
    "ScoreRule",
    "SpecLibrary",
    "SuccessScore",
    "TaskSpec",
    "Wording",
    "domain_names",
    "load_specs",
]
