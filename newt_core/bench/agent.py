"""How fast agents act and learn, and the memory that takes, each in a process of its own.

A round is one step of all environments and the updates that are due after it. What is timed begins
and ends with a round that learned, so that whole rollouts count of agents that learn from those.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from newt_core.agents.base import Acting
from newt_core.agents.newt.setup import choose_device
from newt_core.bench.inputs import synchronise
from newt_core.bench.timing import Told, describe_hardware, untold
from newt_core.errors import ConfigError, EnvironmentFailure
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.training.loop import Loop
from newt_core.version import git_version
from newt_core.workflows.able import require_able
from newt_core.workflows.agent_kinds import find_kind, options_of
from newt_core.workflows.own_process import in_own_process
from newt_core.workflows.sizes import check_sizes
from newt_core.workflows.trial_loop import open_cloner, open_trial

AGENTS = ("newt", "tdmpc2", "bc", "ppo", "fasttd3", "brc")
"""Measured unless others are named."""
_PATIENCE = 20_000
"""Rounds in which an agent has to learn something."""


def bench_agent(
    configs: Mapping[str, RunConfig],
    specs: Sequence[TaskSpec],
    *,
    steps: int,
    repeats: int,
    told: Told = untold,
) -> dict[str, Any]:
    """Measure kinds of agents one after the other.

    Args:
        configs: Kind → the settings of a run of it; its tasks are ``specs``.
        specs: As many environments of each as the settings say.
        steps: Rounds in a timed run; of agents that do not learn after each, a few more.
        repeats: Timed runs, of which medians are reported.
        told: Hears of every kind that is measured.

    Returns:
        The document that ``newt bench agent --json`` prints; see :func:`measure`.

    Raises:
        ConfigError: A kind does not exist, or cannot do what its settings ask.
        EnvironmentFailure: Measuring one failed.
    """
    for config in configs.values():
        check(config, specs)
    variants = {}
    for name, config in configs.items():
        variants[name] = measure_apart(config, specs, steps, repeats)
        told(len(variants), len(configs))
    first = next(iter(configs.values()))
    return {
        "what": f"agents: {len(specs) * first.envs_per_task} environments",
        "tasks": [spec.id for spec in specs],
        "commit": git_version(),
        "hardware": describe_hardware(),
        "settings": {
            "device": first.device,
            "envs_per_task": first.envs_per_task,
            "steps": steps,
            "agents": {name: config.agent.options for name, config in configs.items()},
        },
        "variants": variants,
        "ratios": {},
    }


def check(config: RunConfig, specs: Sequence[TaskSpec]) -> None:
    """Return if a kind of agent can be measured with these settings.

    Raises:
        ConfigError: It cannot.
    """
    kind = find_kind(config.agent.kind)
    options_of(kind, config)
    able = kind.capabilities
    require_able(able, config, len(specs), online=able.learns_online)
    if able.keeps_episodes:
        check_sizes(config, specs)
    kind.check(config, specs)


def measure_apart(
    config: RunConfig, specs: Sequence[TaskSpec], steps: int, repeats: int
) -> dict[str, Any]:
    """Return what a process of its own measures."""
    try:
        measured: dict[str, Any] = in_own_process(measure, config, list(specs), steps, repeats)
    except EnvironmentFailure as error:
        raise EnvironmentFailure(
            f"an agent '{config.agent.kind}' could not be measured: {error}"
        ) from error
    return measured


def measure(
    config: RunConfig, specs: Sequence[TaskSpec], steps: int, repeats: int
) -> dict[str, Any]:
    """Measure a kind of agent in this process.

    Returns:
        ``steps_per_s`` agent steps of all environments, learning included;
        ``acting_steps_per_s`` without it; ``updates_per_s`` in the time in which it learns;
        ``updates_per_step``; ``learning_share`` of the time; ``parameters`` that learn;
        ``memory_mb``, by how much its process grew at most, and ``gpu_memory_mb``, the most that
        PyTorch had in use on a GPU; ``runs``, what was timed. Of a kind that learns from
        demonstrations alone, no time is shared.
    """
    kind = find_kind(config.agent.kind)
    device = choose_device(config.device)
    before = _memory("VmRSS")
    task_of_env = np.repeat(np.arange(len(specs)), config.envs_per_task)
    if kind.capabilities.learns_online:
        found = _online(config, specs, task_of_env, steps, repeats)
    else:
        found = _offline(config, specs, task_of_env, steps, repeats)
    found["memory_mb"] = None if before is None else (_memory("VmHWM") or before) - before
    found["gpu_memory_mb"] = None
    if device.type == "cuda":
        found["gpu_memory_mb"] = torch.cuda.max_memory_allocated(device) / 2**20
    return found


def _online(
    config: RunConfig, specs: Sequence[TaskSpec], tasks: np.ndarray, steps: int, repeats: int
) -> dict[str, Any]:
    device = choose_device(config.device)
    with open_trial(config, specs, tasks) as trial:
        loop, made = Loop(trial.learner, trial.collector), 0

        def one_round() -> tuple[float, float, int]:
            nonlocal made
            start = time.perf_counter()
            made += loop.act(made)
            synchronise(device)
            between = time.perf_counter()
            updates = sum(1 for _ in trial.learner.learn(made))
            synchronise(device)
            return between - start, time.perf_counter() - between, updates

        def rounds(least: int) -> dict[str, float]:
            """Make rounds until it learns, and as many as are asked for."""
            acted = learned = 0.0
            updates = count = newest = 0
            while count < least or not newest:
                if not updates and count >= _PATIENCE:
                    raise ConfigError(
                        f"an agent '{config.agent.kind}' learned nothing in {count:,} steps of "
                        "every environment: let it learn earlier."
                    )
                passed = one_round()
                newest, count = passed[2], count + 1
                acted, learned, updates = acted + passed[0], learned + passed[1], updates + newest
            steps_made = count * len(tasks)
            return {"steps": steps_made, "updates": updates, "act_s": acted, "learn_s": learned}

        rounds(1)
        runs = [rounds(steps) for _ in range(repeats)]
        parameters = _parameters(trial.agent)
    return {
        "steps_per_s": median(run["steps"] / (run["act_s"] + run["learn_s"]) for run in runs),
        "acting_steps_per_s": median(run["steps"] / run["act_s"] for run in runs),
        "updates_per_s": median(run["updates"] / run["learn_s"] for run in runs),
        "updates_per_step": median(run["updates"] / run["steps"] for run in runs),
        "learning_share": median(run["learn_s"] / (run["act_s"] + run["learn_s"]) for run in runs),
        "parameters": parameters,
        "runs": runs,
    }


def _offline(
    config: RunConfig, specs: Sequence[TaskSpec], tasks: np.ndarray, steps: int, repeats: int
) -> dict[str, Any]:
    device = choose_device(config.device)
    with open_cloner(config, specs, tasks) as (player, learner):
        agent, collector = player.agent, player.collector
        act = agent.player(len(tasks), seed=0, how=Acting())

        def run() -> dict[str, float]:
            start = time.perf_counter()
            for _ in range(steps):
                collector.step(act(collector.observation))
            synchronise(device)
            between = time.perf_counter()
            for _ in range(steps):
                learner.update()
            synchronise(device)
            learned = time.perf_counter() - between
            made = steps * len(tasks)
            return {"steps": made, "updates": steps, "act_s": between - start, "learn_s": learned}

        run()
        runs = [run() for _ in range(repeats)]
    acting = median(run["steps"] / run["act_s"] for run in runs)
    return {
        "steps_per_s": acting,
        "acting_steps_per_s": acting,
        "updates_per_s": median(run["updates"] / run["learn_s"] for run in runs),
        "updates_per_step": None,
        "learning_share": None,
        "parameters": _parameters(agent),
        "runs": runs,
    }


def _parameters(agent: Any) -> int | None:
    """Return how many numbers of an agent learn; None if it keeps no ``model``."""
    model = getattr(agent, "model", None)
    if not isinstance(model, torch.nn.Module):
        return None
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def _memory(field: str) -> float | None:
    """Return a line of this process's status in MB; the largest size so far where there is none.

    The system's own account of the largest size counts what the parent process had, too.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(size) / (2**20 if sys.platform == "darwin" else 2**10)
    for line in status.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return None
