"""What the requests of several workflows have in common, checked in one place."""

from __future__ import annotations

from typing import Any

from newt_core import arguments
from newt_core.agents.newt.setup import require_device
from newt_core.settings import limits

_TRUTHS = ("policy_only", "append", "rgb")


def check_request(request: Any) -> None:
    """Check the fields that requests share: those that this one has.

    Raises:
        ConfigError: one is of another type or out of range.
    """
    has = vars(request)
    if has.get("tasks") is not None:
        arguments.word("tasks", request.tasks, "a task selector, such as 'walker-run'")
    if has.get("episodes", 1) is not None:
        arguments.put(
            request,
            episodes=arguments.whole_number("episodes", request.episodes, 1, limits.EPISODES),
        )
    for name in _TRUTHS:
        if name in has:
            arguments.truth(name, has[name])
    if "seed" in has:
        arguments.put(request, seed=arguments.seed(request.seed, high=limits.SEED))
    if "runs" in has:
        arguments.put(request, runs=arguments.path("runs", request.runs))
    require_device(request.device)
    if "image_weights" in has:
        arguments.put(
            request,
            image_weights=arguments.optional(
                arguments.path, "image_weights", request.image_weights
            ),
        )


def share(name: str, value: Any) -> float:
    """Return a number from 0 to 1."""
    return arguments.real_number(name, value, 0.0, 1.0)
