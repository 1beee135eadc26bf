"""Wires an evaluation together: agent or checkpoint → pool, episodes, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from newt_core import arguments
from newt_core.agents.base import Acting, Agent
from newt_core.agents.ranks import ALONE, Ranks, agreed
from newt_core.encoders import TextOptions
from newt_core.encoders.feature_pool import open_pool
from newt_core.envs.pool import Pool, make_pool
from newt_core.envs.pool.balance import share_out
from newt_core.errors import ConfigError, EnvironmentFailure, SpecError, some_of
from newt_core.evaluation.aggregate import Summary, summarise
from newt_core.evaluation.rollout import (
    EpisodeResult,
    EvaluationStopped,
    evaluate,
    random_act,
    stoppable,
)
from newt_core.experts.act import ScriptedAct
from newt_core.experts.registry import has_player, why_no_player
from newt_core.seeds import Stream, stream_seed
from newt_core.settings import limits
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.run_name import RUNS
from newt_core.types import Act, CountProgress
from newt_core.workflows.find_checkpoint import find_checkpoint
from newt_core.workflows.load_agent import AS_USUAL, load_agent
from newt_core.workflows.requests import check_request, share

MAX_EVALUATION_ENVS = 5
"""Environments of one task that an evaluation of an agent steps side by side, at most."""


def evaluate_agent(
    agent: Agent,
    specs: Sequence[TaskSpec],
    episodes: int,
    *,
    seed: int,
    how: Acting = AS_USUAL,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: CountProgress | None = None,
    ranks: Ranks = ALONE,
) -> Summary:
    """Evaluate an agent on its own task list, ``specs``, without exploration.

    Ranks share the tasks by the length of their episodes. Whoever plays an episode, it is the
    same one; all ranks return the summary of all tasks.

    Raises:
        EvaluationStopped: ``should_stop``, asked before every step, said so, on any rank.
        EnvironmentFailure: A task's simulator keeps failing, on any rank.
    """
    envs = min(episodes, MAX_EVALUATION_ENVS)
    rank_of_task = share_out([spec.episode_length for spec in specs], ranks.size)
    mine = [task for task, rank in enumerate(rank_of_task) if rank == ranks.rank]

    def play() -> list[EpisodeResult] | None:
        if not mine:
            return []
        own = [specs[task] for task in mine]
        player = agent.player(len(own) * envs, seed=seed, how=how)
        entries = [spec for spec in own for _ in range(envs)]
        with open_pool(entries, agent.image_encoder, agent.feature_stack, seed=seed) as pool:
            act = stoppable(player, should_stop)
            try:
                return evaluate(
                    act, own, episodes, pool=pool, seed=seed, task_ids=mine, on_progress=on_progress
                )
            except EvaluationStopped:
                return None

    found = agreed(ranks, play, failing=EnvironmentFailure)
    if ranks.any(found is None):
        raise EvaluationStopped
    every = ranks.gather([asdict(result) for result in found or ()])
    results = [EpisodeResult(**fields) for each in every for fields in each]
    return summarise(results, specs, mode=agent.mode(how))


@dataclass(frozen=True)
class EvaluationRequest:
    """What ``newt eval`` is asked."""

    checkpoint: Path
    """A file, or a run; see :func:`newt_core.workflows.find_checkpoint.find_checkpoint`."""
    tasks: str | None = None
    """A selector; None for the tasks that it was trained on."""
    episodes: int = 10
    """Of each task and seed."""
    how: Acting = AS_USUAL
    """It acts."""
    seeds: Sequence[int] = (0,)
    """Each determines episodes of its own, and all that is random in the acting."""
    envs: int = MAX_EVALUATION_ENVS
    """Environments of each task that are stepped side by side. No result depends on it: episodes
    are numbered, and what is random in one follows from the seed and its number."""
    device: str = "auto"
    """As in the settings."""
    text: TextOptions | None = None
    """Another wording; see :func:`load_agent`."""
    image_weights: Path | None = None
    """DINOv2's file, if not where it was in training."""

    def __post_init__(self) -> None:
        """Raise a :class:`ConfigError` for what is of another type or out of range."""
        check_request(self)
        arguments.put(self, checkpoint=arguments.path("checkpoint", self.checkpoint))
        _, seeds, envs = _checked(self.episodes, self.seeds, self.envs)
        arguments.put(self, seeds=seeds, envs=envs, how=_way(self.how))
        if self.text is not None:
            arguments.instance("text", self.text, TextOptions, "newt_core.encoders has")


def open_agent(
    request: EvaluationRequest, *, library: SpecLibrary, runs: Path = RUNS
) -> tuple[Agent, list[TaskSpec]]:
    """Return the agent that is asked for, and its tasks.

    Raises:
        NewtError: Whatever the user can put right.
    """
    arguments.instance("request", request, EvaluationRequest, "newt_core has")
    arguments.instance("library", library, SpecLibrary, "newt_core.load_specs() returns")
    chosen = library.select(request.tasks) if request.tasks is not None else None
    file, _ = find_checkpoint(str(request.checkpoint), runs)
    return load_agent(
        file,
        chosen,
        library=library,
        device=request.device,
        text=request.text,
        image_weights=request.image_weights,
        how=request.how,
    )


def evaluate_checkpoint(
    request: EvaluationRequest,
    *,
    library: SpecLibrary,
    runs: Path = RUNS,
    on_step: CountProgress | None = None,
) -> Summary:
    """Evaluate a checkpoint.

    Args:
        request: What is asked.
        library: Where tasks are looked up.
        runs: The folder of all runs.
        on_step: Told how many steps of all episodes are done, and how many there are.

    Raises:
        NewtError: Whatever the user can put right.
    """
    agent, specs = open_agent(request, library=library, runs=runs)
    how, envs = request.how, min(request.envs, request.episodes)
    entries = [spec for spec in specs for _ in range(envs)]

    def player(seed: int) -> Act:
        return agent.player(len(entries), seed=stream_seed(seed, Stream.REPORTED_EPISODES), how=how)

    with open_pool(entries, agent.image_encoder, agent.feature_stack) as pool:
        mode = agent.mode(how)
        return _evaluated(player, specs, request.episodes, request.seeds, mode, pool, on_step)


def evaluate_random(
    tasks: str,
    episodes: int,
    *,
    seeds: Sequence[int] = (0,),
    envs: int = 1,
    library: SpecLibrary,
    on_step: CountProgress | None = None,
) -> Summary:
    """Evaluate uniformly random actions on the tasks a selector names.

    The arguments are those of :class:`EvaluationRequest`.

    Raises:
        NewtError: Whatever the user can put right.
    """
    episodes, seeds, envs = _checked(episodes, seeds, envs)
    arguments.instance("library", library, SpecLibrary, "newt_core.load_specs() returns")
    chosen = library.select(tasks)

    def player(seed: int) -> Act:
        return random_act(chosen, stream_seed(seed, Stream.RANDOM_ACTIONS))

    with make_pool([spec for spec in chosen for _ in range(min(envs, episodes))]) as pool:
        return _evaluated(player, chosen, episodes, seeds, "random", pool, on_step)


def evaluate_experts(
    tasks: str,
    episodes: int,
    *,
    seeds: Sequence[int] = (0,),
    envs: int = 1,
    library: SpecLibrary,
    notice: Callable[[str], None] = lambda text: None,
    on_step: CountProgress | None = None,
) -> Summary:
    """Evaluate the scripted experts of the tasks a selector names.

    The arguments are those of :class:`EvaluationRequest`; ``notice`` is told which tasks have no
    expert and are left out.

    Raises:
        SpecError: None of the tasks has one.
    """
    episodes, seeds, envs = _checked(episodes, seeds, envs)
    chosen = library.select(tasks)
    playing = [spec for spec in chosen if has_player(spec)]
    lacking = [spec.id for spec in chosen if not has_player(spec)]
    if not playing:
        which = some_of([f"'{task}'" for task in lacking], 1)
        raise SpecError(
            f"{which}: {why_no_player(chosen[0])}. `newt tasks list --experts` "
            "shows which tasks have one."
        )
    if lacking:
        notice(f"left out {len(lacking)} of the tasks, {', '.join(lacking)}: without an expert")
    with make_pool([spec for spec in playing for _ in range(min(envs, episodes))]) as pool:
        return _evaluated(
            lambda seed: ScriptedAct(playing), playing, episodes, seeds, "expert", pool, on_step
        )


def _checked(episodes: int, seeds: Sequence[int], envs: int) -> tuple[int, tuple[int, ...], int]:
    """Return episodes, seeds and environments, checked.

    Raises:
        ConfigError: One is of another type or out of range.
    """
    listed = isinstance(seeds, list | tuple | range)  # a text is a Sequence, too
    if not listed or not seeds:
        raise ConfigError(f"seeds must be a list of whole numbers, not {arguments.shown(seeds)}.")
    return (
        arguments.whole_number("episodes", episodes, 1, limits.EPISODES),
        tuple(arguments.seed(seed, high=limits.SEED) for seed in seeds),
        arguments.whole_number("envs", envs, 1, limits.ENVIRONMENTS),
    )


def _way(how: Acting) -> Acting:
    """Return a way of acting, checked.

    Raises:
        ConfigError: A part of it is of another type or out of range, or two contradict each other.
    """
    arguments.instance("how", how, Acting, "newt_core.agents.base has")
    arguments.truth("policy_only", how.policy_only)
    weight = arguments.optional(share, "prior_weight", how.prior_weight)
    if how.policy_only and weight is not None:
        raise ConfigError("policy_only does not plan: leave prior_weight out.")
    steps = how.open_loop
    if steps is not None:
        steps = arguments.whole_number("open_loop", steps, 1, limits.HORIZON)
    return Acting(how.policy_only, weight, steps)


def _evaluated(
    player: Callable[[int], Act],
    specs: Sequence[TaskSpec],
    episodes: int,
    seeds: Sequence[int],
    mode: str,
    pool: Pool,
    on_step: CountProgress | None,
) -> Summary:
    """Return what all seeds' episodes amount to; ``player`` makes who acts from a seed."""
    each = episodes * sum(spec.episode_length for spec in specs)
    found: dict[int, list[EpisodeResult]] = {}
    for seed in seeds:
        reported = stream_seed(seed, Stream.REPORTED_EPISODES)
        tell = on_step and _after(on_step, each * len(found), each * len(seeds))
        found[seed] = evaluate(
            player(seed), specs, episodes, pool=pool, seed=reported, on_progress=tell
        )
    together = [result for results in found.values() for result in results]
    summary = summarise(together, specs, mode=mode)
    if len(found) == 1:
        return summary
    scores = {seed: summarise(results, specs).total.score for seed, results in found.items()}
    return replace(summary, seeds=scores)


def _after(tell: CountProgress, before: int, total: int) -> CountProgress:
    """Return what tells of one part of the steps as of those after the parts before it."""
    return lambda done, _: tell(before + done, total)
