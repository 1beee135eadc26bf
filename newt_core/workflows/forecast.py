"""What a run will take on this machine, measured on a few of its own steps and updates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from newt_core.agents.newt.setup import choose_device
from newt_core.errors import TrainingDiverged
from newt_core.specs import TaskSpec
from newt_core.training.cadence import Evaluations
from newt_core.training.config import RunConfig
from newt_core.workflows.agent_kinds import find_kind
from newt_core.workflows.join import cores_of_a_rank
from newt_core.workflows.newt_kind import NewtKind
from newt_core.workflows.own_process import in_own_process
from newt_core.workflows.rank_shares import largest_share
from newt_core.workflows.round_times import cloning_times, round_times
from newt_core.workflows.stage_times import seconds, stage_times
from newt_core.workflows.trial_loop import open_cloner, open_trial, trial_loop

ROUNDS = 3
"""That are timed as one where some of them is done at the same time; updates are seldom due in a
round with few environments."""


@dataclass(frozen=True)
class Forecast:
    """How long a run is."""

    steps: int
    """Agent steps, summed over all environments; 0 for a pretraining."""
    updates: int
    """Gradient steps, those of a pretraining included."""
    seconds: float | None
    """In all, evaluations included; None for environments on other machines, and for an agent that
    learns nothing for long, or diverges at once."""
    evaluation_seconds: float | None
    """Of these, in evaluations."""


def forecast(
    config: RunConfig, specs: Sequence[TaskSpec], *, pretraining: bool = False, ranks: int = 1
) -> Forecast:
    """Say how long a run is, having taken a few steps and updates of it.

    Newt's own agents and those built on it are timed past their first phase; other kinds, from
    their beginning, on experience of random numbers until it is known how often they learn.
    Of several ranks, the one with the most to do is timed, alone, on its part of the cores; what
    they say to each other is not counted. On a GPU, another process takes the steps, so that
    nothing of it lies there when the run begins.

    Args:
        config: The run's settings.
        specs: Its tasks.
        pretraining: Whether it only learns from demonstrations.
        ranks: Those that train it together, all on this machine.

    Raises:
        EnvironmentFailure: A task's simulator keeps failing.
    """
    if config.ray and not pretraining:  # This machine's pool says nothing of other machines.
        return _untimed(config, specs, pretraining)
    if choose_device(config.device).type == "cuda":
        values = in_own_process(_timed_values, config, list(specs), pretraining, ranks)
        return Forecast(**values)
    return _timed(config, specs, pretraining, ranks)


def _is_newt(config: RunConfig) -> bool:
    return isinstance(find_kind(config.agent.kind), NewtKind)


def _timed_values(*arguments: Any) -> dict[str, Any]:
    """Return the values of a forecast, as another process can say them."""
    return asdict(_timed(*arguments))


def _timed(config: RunConfig, specs: Sequence[TaskSpec], pretraining: bool, ranks: int) -> Forecast:
    try:
        if _is_newt(config):
            return _of_newt(config, specs, pretraining, ranks)
        return _of_cloning(config, specs) if pretraining else _of_a_policy(config, specs)
    except TrainingDiverged:  # The run will say so, and what to do.
        return _untimed(config, specs, pretraining)


def _untimed(config: RunConfig, specs: Sequence[TaskSpec], pretraining: bool) -> Forecast:
    """Return what is known of a run without timing anything."""
    if _is_newt(config):
        there = amounts(config, specs, pretraining=pretraining)
        return Forecast(there.steps, there.updates, None, None)
    if pretraining:
        return Forecast(0, config.pretrain.updates, None, None)
    return Forecast(config.steps, 0, None, None)


@dataclass(frozen=True)
class Amounts:
    """How much there is to do in a run."""

    steps: int
    """Agent steps, summed over all environments."""
    planned: int
    """Those that are planned for."""
    learned: int
    """Gradient steps beside them."""
    pretrained: int
    """Gradient steps before them."""

    @property
    def updates(self) -> int:
        """All gradient steps."""
        return self.learned + self.pretrained


def amounts(config: RunConfig, specs: Sequence[TaskSpec], *, pretraining: bool = False) -> Amounts:
    """Return how much there is to do; how long a task keeps its first reward back is not known.

    Args:
        config: The run's settings.
        specs: Its tasks.
        pretraining: Whether it only learns from demonstrations.
    """
    pretrained = config.pretrain.updates if pretraining or config.pretrains else 0
    if pretraining:
        return Amounts(0, 0, 0, pretrained)
    phase, steps = config.random_phase, config.steps
    lengths, envs = [spec.episode_length for spec in specs], len(specs) * config.envs_per_task
    # Each environment has to finish its own episodes, and the others go on meanwhile.
    first = min(steps, envs * min(phase.max_steps, phase.episodes * max(lengths)))
    planned = steps if phase.plans and config.begins_pretrained else steps - first
    # Learning waits for a whole episode, unless there are some before the run begins.
    seeded = config.demos.folder is not None and config.demos.seeding
    began = min(steps, max(first, 0 if seeded else envs * min(lengths)))
    owed = steps if config.update.catch_up and began < steps else steps - began
    return Amounts(steps, planned, round(owed * config.update.updates_per_step), pretrained)


def _of_newt(
    config: RunConfig, specs: Sequence[TaskSpec], pretraining: bool, ranks: int
) -> Forecast:
    there = amounts(config, specs, pretraining=pretraining)
    share = largest_share(config, specs, ranks)
    tasks, part = [specs[task] for task in share.tasks], share.config
    with cores_of_a_rank(ranks), trial_loop(part, tasks) as trial:
        times = stage_times(trial)
        step_s = (times.simulate + times.plan) / len(tasks)
        interaction_s = share.steps * there.planned * step_s + there.learned * times.update
        several = ROUNDS * len(tasks)
        if part.overlap != "off" and several * part.update.updates_per_step >= 1:
            round_s = seconds(partial(trial.rounds, ROUNDS))
            interaction_s = share.steps * there.planned * round_s / several
        unplanned = share.steps * (there.steps - there.planned)
        interaction_s += unplanned * times.simulate / len(tasks)
    evaluations = planned_evaluations(config, pretraining=pretraining)
    evaluation_s = evaluations * config.evaluation.episodes * share.episode_steps * step_s
    whole_s = there.pretrained * times.update + interaction_s + evaluation_s
    return Forecast(there.steps, there.updates, whole_s, evaluation_s)


def _of_a_policy(config: RunConfig, specs: Sequence[TaskSpec]) -> Forecast:
    """Return the forecast of an agent of another kind; one process alone trains it."""
    task_of_env = np.repeat(np.arange(len(specs)), config.envs_per_task)
    with open_trial(config, specs, task_of_env) as trial:
        times = round_times(trial)
    if times is None:
        return _untimed(config, specs, pretraining=False)
    step_s = times.step / len(task_of_env)
    learned = times.times_learned(math.ceil(config.steps / len(task_of_env)))
    evaluation_s = _evaluation_s(config, specs, planned_evaluations(config), step_s)
    whole_s = config.steps * step_s + learned * times.learning + evaluation_s
    return Forecast(config.steps, learned * times.updates, whole_s, evaluation_s)


def _of_cloning(config: RunConfig, specs: Sequence[TaskSpec]) -> Forecast:
    """Return the forecast of an agent of another kind that learns from demonstrations alone."""
    updates, every = config.pretrain.updates, config.pretrain.evaluate_every
    with open_cloner(config, specs, np.arange(len(specs))) as (player, learner):
        times = cloning_times(player, learner)
    evaluations = Evaluations(updates, every).after(0)
    evaluation_s = _evaluation_s(config, specs, evaluations, times.step / len(specs))
    return Forecast(0, updates, updates * times.update + evaluation_s, evaluation_s)


def _evaluation_s(
    config: RunConfig, specs: Sequence[TaskSpec], evaluations: int, step_s: float
) -> float:
    """Return the seconds of some evaluations of all tasks, by those of a step."""
    episode_steps = sum(spec.episode_length for spec in specs)
    return evaluations * config.evaluation.episodes * episode_steps * step_s


def planned_evaluations(config: RunConfig, *, pretraining: bool = False) -> int:
    """Return how many evaluations plan, where an agent does. Others are quick beside them."""
    after_pretraining = 2 * (config.pretrain.final_evaluation == "all")
    if pretraining:
        return after_pretraining
    evaluation = config.evaluation
    online = Evaluations(config.steps, evaluation.every, evaluation.at).after(-1)
    return online + (after_pretraining if config.pretrains else 0)
