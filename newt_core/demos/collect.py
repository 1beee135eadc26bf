"""Pool and expert → file: collects a task's demonstrations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from newt_core.demos.quality import good_enough
from newt_core.demos.record import Tape
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.write import DemoWriter
from newt_core.envs.pool import Pool, observation
from newt_core.envs.pool.worker import episode_seed
from newt_core.errors import DemoError, EnvironmentFailure, disk_is_full
from newt_core.specs.score import has_success_signal
from newt_core.types import Act, ByteArray, CountProgress, FloatArray

MAX_ATTEMPTS = 4
"""An expert may try this many times as many episodes as are wanted, not more."""


@dataclass(frozen=True)
class Collection:
    """What came of one task's collecting."""

    task: str
    path: Path
    episodes: int
    """Whole episodes that the expert ran."""
    kept: int
    """Of them, those added to the file."""
    rejected: int
    """Of them, those that were not good enough."""
    mean_return: float | None
    """Of the kept ones."""
    success: float | None
    """Mean success of the kept ones; None where the task has no signal."""
    score: float | None
    """Mean score of the kept ones."""
    wanted: int = 0
    """Episodes that were asked for."""


def collect(
    act: Act,
    writer: DemoWriter,
    wanted: int,
    *,
    pool: Pool,
    seed: int = 0,
    rgb: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: CountProgress = lambda done, total: None,
) -> Collection:
    """Run an expert until ``wanted`` good episodes are there, and add them to the file.

    All environments of the pool act side by side. Episodes that miss the mark are replaced by
    further ones, up to :data:`MAX_ATTEMPTS` times as many as are wanted. Asked to stop, it keeps
    the episodes that have ended by then.

    Args:
        act: the expert.
        writer: of the task's file.
        wanted: episodes to add.
        pool: environments of this one task; with pictures, if ``rgb``.
        seed: determines the episodes, together with how many were collected before.
        rgb: record a picture of every state, too.
        should_stop: asked after every step.
        on_progress: told of every finished episode.

    Raises:
        DemoError: the file cannot be written, or holds only a part because the disk is full.
        EnvironmentFailure: the simulator keeps failing; the episodes before are kept.
    """
    episodes: list[DemoEpisode] = []
    failure: EnvironmentFailure | None = None
    while True:
        passed = good_enough([episode.info for episode in episodes], writer.spec)
        # The mark moves with the batch, so that more than enough may pass in the end.
        missing = wanted - int(np.count_nonzero(passed))
        room = MAX_ATTEMPTS * wanted - len(episodes)
        if missing <= 0 or room <= 0 or failure or should_stop():
            break
        before, count = len(episodes), min(missing, room)
        report = partial(_report, on_progress, before, before + count)
        batch = _Batch(act, pool, rgb, should_stop)
        try:
            batch.run(count, _seed_of(seed, writer.attempts + before), report)
        except EnvironmentFailure as error:
            failure = error
        episodes += batch.episodes
    good = [episode for episode, keep in zip(episodes, passed, strict=True) if keep]
    rejected = len(episodes) - len(good)
    kept = good[:wanted]
    if kept:
        _add_what_fits(writer, kept, rejected)
    if failure is not None:
        rest = f" {len(kept)} episodes from before are in {writer.path}." if kept else ""
        raise EnvironmentFailure(f"{failure}{rest}") from failure
    return _outcome(writer, len(episodes), kept, rejected, wanted)


def _add_what_fits(writer: DemoWriter, kept: list[DemoEpisode], rejected: int) -> None:
    """Add episodes to the file; where the disk is full, as many of the first ones as it holds.

    Raises:
        DemoError: the file cannot be written, or there was no room for all.
    """
    try:
        writer.add(kept, rejected=rejected)
        return
    except DemoError as error:
        if not disk_is_full(error):
            raise
        full = error
    fits, too_many = 0, len(kept)
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        try:
            writer.add(kept[fits:count])
            fits = count
        except DemoError:
            too_many = count
    raise DemoError(
        f"{full} {fits} of the {len(kept)} episodes collected are there by now: free some room, "
        "and collect the rest with --append."
    ) from full


def _report(on_progress: CountProgress, before: int, total: int, done: int) -> None:
    on_progress(before + done, total)


class _Batch:
    """Some episodes, shared out among the environments of a pool."""

    def __init__(self, act: Act, pool: Pool, rgb: bool, should_stop: Callable[[], bool]) -> None:
        self.episodes: list[DemoEpisode] = []
        self._act = act
        self._pool = pool
        self._rgb = rgb
        self._should_stop = should_stop

    def run(self, count: int, seed: int, on_progress: Callable[[int], None]) -> None:
        """Run ``count`` episodes, or as many as end before it is asked to stop."""
        pool = self._pool
        owed = count // pool.num_envs + (np.arange(pool.num_envs) < count % pool.num_envs)
        obs = pool.reset(seed)
        frames = pool.frames() if self._rgb else None
        tapes = [self._tape(env, seed, obs[env], frames, env) for env in range(pool.num_envs)]
        first, task = np.ones(pool.num_envs, np.bool_), np.zeros(pool.num_envs, np.int64)
        while owed.any() and not self._should_stop():
            ids = np.flatnonzero(owed)
            actions = self._act(observation(pool, ids, obs, task, first))
            pool.send(actions, ids)
            reply = pool.recv(min_envs=len(ids))
            for row, env in enumerate(ids.tolist()):
                if not reply.lost[row]:
                    tapes[env].add(reply, row)
                if reply.done[row]:
                    self.episodes.append(tapes[env].episode())
                    owed[env] -= 1
                    on_progress(len(self.episodes))
                if reply.done[row] or reply.lost[row]:
                    tapes[env] = self._tape(env, seed, reply.obs[row], reply.frames, row)
            obs[ids] = reply.obs
            first[ids] = reply.done | reply.lost

    def _tape(
        self, env: int, seed: int, obs: FloatArray, frames: ByteArray | None, row: int
    ) -> Tape:
        # The pool's own count: a reset that failed has used up a number, too.
        number = int(self._pool.episode_numbers[env])
        picture = frames[row, -1] if self._rgb and frames is not None else None
        return Tape(self._pool.specs[env], episode_seed(seed, env, number), obs, picture)


def _seed_of(seed: int, attempts: int) -> int:
    """Return a seed for the pool: a file that grows gets new episodes, not the same again."""
    return int(np.random.SeedSequence([seed, attempts]).generate_state(1, np.uint32)[0])


def _outcome(
    writer: DemoWriter, episodes: int, kept: list[DemoEpisode], rejected: int, wanted: int
) -> Collection:
    def mean(values: list[float]) -> float | None:
        known = [value for value in values if not math.isnan(value)]
        return float(np.mean(known)) if known else None

    infos = [episode.info for episode in kept]
    success = [info.success for info in infos]
    return Collection(
        task=writer.spec.id,
        path=writer.path,
        episodes=episodes,
        kept=len(kept),
        rejected=rejected,
        mean_return=mean([info.episode_return for info in infos]),
        success=mean(success) if has_success_signal(success, writer.spec.score) else None,
        score=mean([info.score for info in infos]),
        wanted=wanted,
    )
