"""Wires an evaluation together: agent or checkpoint → pool, episodes, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from newt_core.agents.base import Acting, Agent
from newt_core.encoders import TextOptions
from newt_core.encoders.feature_pool import open_pool
from newt_core.envs.pool import make_pool
from newt_core.evaluation.aggregate import Summary, summarise
from newt_core.evaluation.rollout import evaluate, random_act, stoppable
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.run_folder import RUNS
from newt_core.types import CountProgress
from newt_core.workflows.find_checkpoint import find_checkpoint
from newt_core.workflows.load_agent import AS_USUAL, load_agent

MAX_EVALUATION_ENVS = 5
"""Environments of one task that an evaluation steps side by side, at most."""


def evaluate_agent(
    agent: Agent,
    specs: Sequence[TaskSpec],
    episodes: int,
    *,
    seed: int,
    how: Acting = AS_USUAL,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: CountProgress | None = None,
) -> Summary:
    """Evaluate an agent on its own task list, ``specs``, without exploration.

    Raises:
        EvaluationStopped: ``should_stop``, asked before every step, said so.
    """
    envs = min(episodes, MAX_EVALUATION_ENVS)
    player = agent.player(len(specs) * envs, seed=seed, how=how)
    entries = [spec for spec in specs for _ in range(envs)]
    with open_pool(entries, agent.image_encoder, agent.feature_stack, seed=seed) as pool:
        act = stoppable(player, should_stop)
        results = evaluate(act, specs, episodes, pool=pool, seed=seed, on_progress=on_progress)
    return summarise(results, specs, mode=agent.mode(how))


@dataclass(frozen=True)
class EvaluationRequest:
    """What ``newt eval`` is asked."""

    checkpoint: Path
    """A file, or a run; see :func:`newt_core.workflows.find_checkpoint.find_checkpoint`."""
    tasks: str | None = None
    """A selector; None for the tasks that it was trained on."""
    episodes: int = 10
    """Of each task."""
    policy_only: bool = False
    """Act without planning."""
    prior_weight: float | None = None
    """See :class:`newt_core.agents.base.Acting`."""
    seed: int = 0
    """Determines the episodes."""
    device: str = "auto"
    """As in the settings."""
    text: TextOptions | None = None
    """Another wording for the one task; see :func:`load_agent`."""
    image_weights: Path | None = None
    """DINOv2's file, if not where it was in training."""
    runs: Path = RUNS
    """The folder of all runs."""


def evaluate_checkpoint(
    request: EvaluationRequest, *, library: SpecLibrary, on_progress: CountProgress | None = None
) -> Summary:
    """Evaluate a checkpoint.

    Args:
        request: What is asked.
        library: Where tasks are looked up.
        on_progress: Told how many agent steps are done.

    Raises:
        NewtError: Whatever the user can put right.
    """
    chosen = library.select(request.tasks) if request.tasks is not None else None
    file, _ = find_checkpoint(str(request.checkpoint), request.runs)
    how = Acting(request.policy_only, request.prior_weight)
    agent, chosen = load_agent(
        file,
        chosen,
        library=library,
        device=request.device,
        text=request.text,
        image_weights=request.image_weights,
        how=how,
    )
    return evaluate_agent(
        agent,
        chosen,
        request.episodes,
        seed=stream_seed(request.seed, Stream.REPORTED_EPISODES),
        how=how,
        on_progress=on_progress,
    )


def evaluate_random(
    tasks: str,
    episodes: int,
    *,
    seed: int = 0,
    library: SpecLibrary,
    on_progress: CountProgress | None = None,
) -> Summary:
    """Evaluate uniformly random actions on the tasks a selector names."""
    chosen = library.select(tasks)
    reported = stream_seed(seed, Stream.REPORTED_EPISODES)
    with make_pool(chosen) as pool:
        act = random_act(chosen, stream_seed(seed, Stream.RANDOM_ACTIONS))
        results = evaluate(act, chosen, episodes, pool=pool, seed=reported, on_progress=on_progress)
    return summarise(results, chosen, mode="random")
