"""What a run would cost: time, memory, disk, energy and money, from a machine's profile.

Stages follow each other, so their times add up, but for what a run with overlap does at the same
time: on a GPU, simulation is hidden behind planning and learning; on a CPU, all of them want the
same cores, and nothing is taken off. With several GPUs, each plans and learns for its share, and
simulators share the machine's cores as before; what they say to each other is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from newt_core.agents.newt.work import plan_flops, update_flops
from newt_core.errors import ConfigError
from newt_core.model.count import count_parameters
from newt_core.model.sizes import NUM_BINS, SIZES
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.workflows.able import require_able
from newt_core.workflows.agent_kinds import find_kind
from newt_core.workflows.forecast import amounts, planned_evaluations
from newt_core.workflows.newt_kind import NewtKind
from newt_core.workflows.overlap import GPU_GROUPS
from newt_core.workflows.profile import Profile
from newt_core.workflows.sizes import replay_bytes

SINGLE = 4
"""Bytes of a number in float32."""
COPIES = 5.5
"""Of each weight: itself, its gradient, Adam's two moments, the planner's; and the targets of the
Q heads, which have about half of them."""
KEPT, KEPT_OF_A_HEAD = 7.5, 0.9
"""How often the widest layer's row is kept for a transition of a batch: by the networks together,
and by each Q head; measured, as the following are (`benchmarks/memory.py`)."""
LIBRARY_BYTES, OTHER_LIBRARY_BYTES = {"maniskill": 360e6, "metaworld": 110e6}, 70e6
"""A worker process of the pool, by the largest library of its simulators."""
ENVIRONMENT_BYTES, OTHER_ENVIRONMENT_BYTES = {"metaworld": 18e6}, 2e6
"""A simulator without pictures."""


@dataclass(frozen=True)
class Prices:
    """What is paid for a machine."""

    gpus: int = 1
    per_hour: float | None = None
    """Money for the whole machine."""
    watts: float | None = None
    """Power of the whole machine."""


@dataclass(frozen=True)
class Cost:
    """What a run would take."""

    steps: int
    """Agent steps, summed over all environments."""
    updates: int
    seconds: dict[str, float]
    """By stage; evaluations and pretraining apart, ``total`` last."""
    hidden_seconds: float
    """Of these, what goes on beside other stages and is not in the total."""
    steps_per_s: float
    memory: dict[str, float]
    """Bytes, on the GPU where there is one: ``model``, ``planning``, ``learning``; in the
    machine's memory: ``simulators``, ``replay``."""
    disk: dict[str, float]
    """Bytes of ``replay`` and ``checkpoints``."""
    kwh: float | None
    price: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the part of the document that ``newt plan --json`` prints."""
        return asdict(self)


def require_counted(config: RunConfig, tasks: int) -> None:
    """Return if it can be worked out what a run of so many tasks costs.

    Raises:
        ConfigError: It is of a kind of agent without Newt's model and planner, or its agent cannot
            do what is asked of it.
    """
    if not isinstance(find_kind(config.agent.kind), NewtKind):
        raise ConfigError(
            f"what an agent '{config.agent.kind}' takes is not known: only 'newt' and 'tdmpc2' "
            "are counted. The time of any other is said where its run begins."
        )
    able = find_kind(config.agent.kind).capabilities
    require_able(able, config, tasks, online=True)


def cost(config: RunConfig, specs: Sequence[TaskSpec], profile: Profile, prices: Prices) -> Cost:
    """Work out what a run costs on a machine.

    Args:
        config: The run's settings.
        specs: Its tasks.
        profile: The machine; measured with other settings or tasks, it is scaled by the
            operations that planning and updates take.
        prices: How many GPUs it has, and what it is paid for.

    Raises:
        ConfigError: See :func:`require_counted`.
    """
    require_counted(config, len(specs))
    envs = len(specs) * config.envs_per_task
    gpus = min(prices.gpus, envs)
    shared = min(profile.cores, envs)
    step = {
        "simulation": profile.simulation_core_s / shared,
        "planning": plan_flops(config.model, config.planner) / profile.planning_flops_per_s / gpus,
    }
    update = update_flops(config.model, config.update) / profile.learning_flops_per_s / gpus
    there = amounts(config, specs)
    lengths = sum(spec.episode_length for spec in specs)
    evaluated = planned_evaluations(config) * config.evaluation.episodes * lengths
    seconds = {
        "simulation": there.steps * step["simulation"],
        "planning": there.planned * step["planning"],
        "learning": there.learned * update,
        "evaluations": evaluated * sum(step.values()),
        "pretraining": there.pretrained * update,
    }
    hidden = 0.0 if profile.device == "cpu" else _hidden(config, seconds, envs)
    total = sum(seconds.values()) - hidden
    hours = total / 3600
    return Cost(
        there.steps,
        there.updates,
        {**seconds, "total": total},
        hidden,
        config.steps / total if total else math.inf,
        _memory(config, specs, gpus, profile),
        _disk(config, specs),
        None if prices.watts is None else prices.watts * hours / 1000,
        None if prices.per_hour is None else prices.per_hour * hours,
    )


def _hidden(config: RunConfig, seconds: Mapping[str, float], envs: int) -> float:
    """Return how much of simulation goes on while a GPU plans and learns."""
    groups = min(envs, GPU_GROUPS)
    if config.overlap == "off":
        return 0.0
    # The last group has nobody to plan for beside it.
    others = (groups - 1) / groups
    hidden = min(others * seconds["simulation"], others * seconds["planning"])
    if config.overlap == "full":
        hidden += min(seconds["simulation"] - hidden, seconds["learning"])
    return hidden


def _memory(
    config: RunConfig, specs: Sequence[TaskSpec], gpus: int, profile: Profile
) -> dict[str, float]:
    envs = len(specs) * config.envs_per_task
    size, planner, update = SIZES[config.model.size], config.planner, config.update
    copies = COPIES + (config.overlap == "full")  # What acts while the others learn.
    # The widest moment of a network: its layers' inputs and outputs, and the logits.
    row = SINGLE * (6 * size.mlp_dim + size.latent_dim + NUM_BINS)
    planned = planner.num_samples * (1 if profile.device == "cpu" else math.ceil(envs / gpus))
    # Backward keeps what forward made, of every step of the rollout.
    kept = KEPT + KEPT_OF_A_HEAD * size.num_q
    learned = math.ceil(update.batch_size / gpus) * (update.horizon + 1) * kept
    return {
        "model": float(copies * SINGLE * _parameters(config)),
        "planning": float(planned * row),
        "learning": float(learned * row),
        "simulators": _simulators(specs, config.envs_per_task, profile.cores),
        "replay": 0.0 if config.replay.on_disk else float(replay_bytes(config, specs)),
    }


def _simulators(specs: Sequence[TaskSpec], envs_per_task: int, cores: int) -> float:
    workers = min(cores, len(specs) * envs_per_task)
    library = max(LIBRARY_BYTES.get(spec.domain, OTHER_LIBRARY_BYTES) for spec in specs)
    each = (ENVIRONMENT_BYTES.get(spec.domain, OTHER_ENVIRONMENT_BYTES) for spec in specs)
    return workers * library + envs_per_task * sum(each)


def _disk(config: RunConfig, specs: Sequence[TaskSpec]) -> dict[str, float]:
    # Weights and Adam's moments; newest, best and step files.
    one = 3 * SINGLE * _parameters(config)
    kept = config.checkpoint.keep + 2
    return {
        "replay": float(replay_bytes(config, specs)) if config.replay.on_disk else 0.0,
        "checkpoints": float(one * kept),
    }


def _parameters(config: RunConfig) -> int:
    model = config.model
    return sum(
        count_parameters(
            model.size, state=model.obs != "rgb", feature_stack=model.feature_stack
        ).values()
    )
