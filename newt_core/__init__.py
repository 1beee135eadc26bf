"""Newt: one language-conditioned world model for many control tasks.

The names below are all most users need: tasks, agents, and what the commands call. Each is imported
when it is first used, because environment workers import this package too and have to stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import wrapt

from newt_core.version import __version__

if TYPE_CHECKING:
    from newt_core.envs.task_env import make
    from newt_core.envs.vector import make_vec
    from newt_core.specs import load_specs
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.collect_demos import CollectionRequest, collect_demos
    from newt_core.workflows.context import RunContext
    from newt_core.workflows.evaluate import (
        EvaluationRequest,
        evaluate_checkpoint,
        evaluate_experts,
        evaluate_random,
    )
    from newt_core.workflows.film import FilmRequest, film_checkpoint
    from newt_core.workflows.loaded import load
    from newt_core.workflows.open_loop import OpenLoopRequest, compare_open_loop
    from newt_core.workflows.pretrain import pretrain
    from newt_core.workflows.settings import existing_run, new_run
    from newt_core.workflows.train import train
    from newt_core.workflows.train_expert import train_expert

_PLACES = {
    "envs.task_env": ("make",),
    "envs.vector": ("make_vec",),
    "specs": ("load_specs",),
    "workflows.asked": ("Asked",),
    "workflows.collect_demos": ("CollectionRequest", "collect_demos"),
    "workflows.context": ("RunContext",),
    "workflows.evaluate": (
        "EvaluationRequest",
        "evaluate_checkpoint",
        "evaluate_experts",
        "evaluate_random",
    ),
    "workflows.film": ("FilmRequest", "film_checkpoint"),
    "workflows.loaded": ("load",),
    "workflows.open_loop": ("OpenLoopRequest", "compare_open_loop"),
    "workflows.pretrain": ("pretrain",),
    "workflows.settings": ("existing_run", "new_run"),
    "workflows.train": ("train",),
    "workflows.train_expert": ("train_expert",),
}
"""Module → the public names that it defines. The commands call the same functions."""

_LAZY = {name: f"newt_core.{place}" for place, names in _PLACES.items() for name in names}

__all__ = [
    "Asked",
    "CollectionRequest",
    "EvaluationRequest",
    "FilmRequest",
    "OpenLoopRequest",
    "RunContext",
    "__version__",
    "collect_demos",
    "compare_open_loop",
    "evaluate_checkpoint",
    "evaluate_experts",
    "evaluate_random",
    "existing_run",
    "film_checkpoint",
    "load",
    "load_specs",
    "make",
    "make_vec",
    "new_run",
    "pretrain",
    "train",
    "train_expert",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'newt_core' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


@wrapt.when_imported("gymnasium")
def _announce(_: object) -> None:
    """Make the ids ``newt/<task>-v0`` known to Gymnasium, whichever of the two comes first."""
    from newt_core.envs.gym_ids import register

    register()
