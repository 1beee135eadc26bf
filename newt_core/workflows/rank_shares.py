"""What each rank of a run has of its own: environments, and a replay of what happens in them."""

from __future__ import annotations

import heapq
import math
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.agents.ranks import Ranks
from newt_core.envs.pool.balance import share_out
from newt_core.envs.step_cost import step_cost
from newt_core.errors import ConfigError
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.training.rank_states import own_envs, saved_ranks
from newt_core.training.run_folder import RunFolder
from newt_core.types import Episode, IntArray
from newt_core.workflows.agent_kinds import find_kind


@dataclass(frozen=True)
class EnvShare:
    """The environments of a run, and which of them are this rank's."""

    task_of_env: IntArray
    """[all] index of each one's task."""
    rank_of_env: IntArray
    """[all] who plays it."""
    rank: int
    """This one's number."""

    @property
    def envs(self) -> IntArray:
        """[E] the numbers of this rank's, in ascending order."""
        return np.flatnonzero(self.rank_of_env == self.rank)

    @property
    def tasks(self) -> IntArray:
        """[E] index of each one's task."""
        return self.task_of_env[self.envs]

    def takers(self) -> dict[int, list[int]]:
        """Return the ranks that play each task."""
        found: dict[int, list[int]] = {}
        for task, rank in zip(self.task_of_env.tolist(), self.rank_of_env.tolist(), strict=True):
            if rank not in found.setdefault(task, []):
                found[task].append(rank)
        return found


def share_environments(
    config: RunConfig,
    specs: Sequence[TaskSpec],
    ranks: Ranks,
    state: Mapping[str, Any] | None = None,
) -> EnvShare:
    """Say who plays what: by what a step costs, or as in the checkpoint of as many ranks.

    Args:
        config: The run's settings.
        specs: Its tasks.
        ranks: Those that share.
        state: Of the checkpoint that is gone on with.
    """
    task_of_env = np.repeat(np.arange(len(specs)), config.envs_per_task)
    saved = saved_ranks(state) if state is not None else []
    if len(saved) == ranks.size:
        rank_of_env = np.zeros(len(task_of_env), np.int64)
        for rank, own in enumerate(saved):
            rank_of_env[own_envs(own).numpy()] = rank
    else:
        rank_of_env, _ = _dealt(task_of_env, specs, ranks.size)
    return EnvShare(task_of_env, rank_of_env, ranks.rank)


def _dealt(
    task_of_env: IntArray, specs: Sequence[TaskSpec], ranks: int
) -> tuple[IntArray, list[float]]:
    """Return who plays each environment, and what a step of each costs."""
    costs = [step_cost(specs[task]) for task in task_of_env]
    return np.array(share_out(costs, ranks), np.int64), costs


@dataclass(frozen=True)
class LargestShare:
    """What the rank with the most to do has to do."""

    config: RunConfig
    """As if its part of every batch were all, and its environments had all updates to wait for."""
    tasks: list[int]
    """Indices of those that it plays."""
    steps: float
    """The part of all agent steps that are its own."""
    episode_steps: int
    """Steps in an episode of each task that it evaluates, whichever rank has the most."""


def largest_share(config: RunConfig, specs: Sequence[TaskSpec], ranks: int) -> LargestShare:
    """Return what the rank does that the others wait for.

    Args:
        config: The run's settings.
        specs: Its tasks.
        ranks: How many train it.
    """
    task_of_env = np.repeat(np.arange(len(specs)), config.envs_per_task)
    rank_of_env, costs = _dealt(task_of_env, specs, ranks)
    own = [np.flatnonzero(rank_of_env == rank) for rank in range(ranks)]
    most = max(own, key=lambda envs: (len(envs), sum(costs[env] for env in envs)))
    part = len(most) / len(task_of_env)
    lengths = [spec.episode_length for spec in specs]
    evaluated = Counter[int]()
    for rank, length in zip(share_out(lengths, ranks), lengths, strict=True):
        evaluated[rank] += length
    update = config.update.model_copy(
        update={
            "batch_size": math.ceil(config.update.batch_size / ranks),
            "updates_per_step": config.update.updates_per_step / part,
        }
    )
    return LargestShare(
        config.model_copy(update={"update": update}),
        np.unique(task_of_env[most]).tolist(),
        part,
        max(evaluated.values()),
    )


def require_ranks(
    config: RunConfig, specs: Sequence[TaskSpec], ranks: int, *, online: bool
) -> None:
    """Return if a run can be shared out.

    Args:
        config: Its settings.
        specs: Its tasks.
        ranks: How many are to train it.
        online: Whether it interacts.

    Raises:
        ConfigError: There is too little to share, or its agent is not one to be shared.
    """
    if ranks == 1:
        return
    if not find_kind(config.agent.kind).capabilities.learns_on_ranks:
        raise ConfigError(
            f"an agent '{config.agent.kind}' learns in one process: start it without --gpus, "
            "--ranks and torchrun."
        )
    if online and config.overlap == "full":
        raise ConfigError(
            "overlap is full, and updates beside a round are taken by one rank alone: set it to "
            "simulation."
        )
    if ranks > config.update.batch_size:
        raise ConfigError(
            f"update.batch_size is {config.update.batch_size}, which {ranks} ranks cannot share: "
            "start fewer, or raise it."
        )
    environments = len(specs) * config.envs_per_task
    if online and ranks > environments:
        raise ConfigError(
            f"{ranks} ranks are more than the environments of this run, {environments}: start "
            "fewer, or add some with --envs-per-task."
        )
    longest, capacity = max(spec.episode_length for spec in specs), config.replay.capacity
    if online and capacity // ranks <= longest:
        raise ConfigError(
            f"replay.capacity is {capacity:,}, of which each of {ranks} ranks has a part, and an "
            f"episode takes up to {longest + 1:,} rows: raise it, or start fewer."
        )


def replay_folder(folder: RunFolder, rank: int, ranks: int) -> Path:
    """Return where a rank keeps its replay; one that is alone, in the run's own place."""
    return folder.replay if ranks == 1 else folder.replay / f"rank-{rank}-of-{ranks}"


def carry_replay(
    state: Mapping[str, Any],
    folder: RunFolder,
    config: RunConfig,
    share: EnvShare,
    to: ReplayBuffer,
) -> None:
    """Fill a rank's replay with its share of what another number of ranks remembered.

    Each episode goes to a rank that plays its task now; the oldest ones first.

    Args:
        state: Of the checkpoint.
        folder: The run's.
        config: Its settings.
        share: Who plays what.
        to: The rank's replay.
    """
    to.clear()
    saved = saved_ranks(state)
    if not config.replay.on_disk:
        return
    takers, met = share.takers(), count()
    for episode in _in_order([_opened(folder, n, each, config) for n, each in enumerate(saved)]):
        choice = takers[episode.task]
        if choice[next(met) % len(choice)] == share.rank:
            to.add(episode)


def _opened(
    folder: RunFolder, rank: int, state: Mapping[str, Any], config: RunConfig
) -> ReplayBuffer:
    ranks = len(saved_ranks(state))
    replay = ReplayBuffer(
        state["replay"]["capacity"],
        storage="disk",
        folder=replay_folder(folder, rank, ranks),
        feature_stack=config.model.feature_stack,
        restoring=True,
        private=True,
    )
    replay.load_state_dict(dict(state["replay"]))
    return replay


def _in_order(replays: Sequence[ReplayBuffer]) -> Iterator[Episode]:
    """Yield the episodes of some replays side by side, each replay's oldest first."""

    def aged(which: int, replay: ReplayBuffer) -> Iterator[tuple[float, int, Episode]]:
        for number, episode in enumerate(replay.episodes()):
            yield (number + 0.5) / replay.num_episodes, which, episode

    sources = [aged(which, replay) for which, replay in enumerate(replays)]
    for _, _, episode in heapq.merge(*sources, key=lambda each: each[:2]):
        yield episode


def empty_replay(folder: Path) -> None:
    """Remove the files of a rank's replay that no checkpoint counts on; folders inside stay."""
    for file in folder.glob("*"):
        if file.is_file():
            file.unlink()


def discard_other_replays(folder: RunFolder, ranks: int) -> None:
    """Remove what other numbers of ranks have left, once a checkpoint of this one is written."""
    if ranks > 1:
        empty_replay(folder.replay)
    for other in folder.replay.glob("rank-*-of-*"):
        if not other.name.endswith(f"-of-{ranks}"):
            shutil.rmtree(other, ignore_errors=True)
