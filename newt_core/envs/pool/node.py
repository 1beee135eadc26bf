"""What runs on a node: local pools for its share of the environments, and answers to messages.

One message asks for a step of everything that is asked of here, and one comes back. It imports
neither PyTorch nor Ray: whatever carries the bytes calls :meth:`Node.answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from newt_core.envs.pool.api import OUTSIDE_TASKS, EpisodeNumbers, PoolStats
from newt_core.envs.pool.hosts import Hosts, OnLost
from newt_core.envs.pool.local import EnvPool
from newt_core.envs.pool.messages import Kind
from newt_core.envs.pool.process import usual_workers
from newt_core.envs.pool.supervise import Crew
from newt_core.envs.pool.wire import Message, WireError, pack, unpack
from newt_core.errors import ConfigError, NewtError, located
from newt_core.settings import limits
from newt_core.settings.base import Settings
from newt_core.specs.schema import TaskSpec
from newt_core.types import IntArray, Transitions
from newt_core.version import __version__

NO_TASK = -1
"""In the place of a task's first environment: a worker died outside of any task."""

_Index = Annotated[int, Field(ge=0, lt=limits.ENVIRONMENTS)]


class Orders(Settings):
    """What a node is to build: the text of a BUILD message."""

    newt: str = __version__
    """Of whoever asks."""
    envs: list[_Index] = Field(min_length=1)
    """[K] the environments' numbers in the whole pool, ascending."""
    tasks: list[TaskSpec]
    task_of_env: list[_Index]
    """[K] index of each environment's task."""
    workers: int = Field(ge=0, le=limits.ENVIRONMENTS)
    """Processes, where the node's own ``NEWT_WORKERS`` does not say otherwise."""
    frames: int = Field(0, ge=0, le=limits.HORIZON)
    timeout: float = Field(60.0, gt=0)
    """See :func:`newt_core.envs.pool.make_pool`, as of the next."""
    builders: dict[str, str] = Field(default_factory=dict)


class Share(NamedTuple):
    """Environments that came together: those of the beginning, or a lost node's."""

    envs: IntArray
    """[K] their numbers in the whole pool, ascending."""
    pool: EnvPool


class Node:
    """The environments of one node. Each BUILD message adds a share of them."""

    def __init__(self) -> None:
        self._shares: list[Share] = []

    def answer(self, data: bytes) -> bytes:
        """Do what a message asks, and return what there is to say; an error is said, not raised."""
        try:
            said = self._answer(unpack(data))
        except NewtError as error:
            said = _failed(error, str(error))
        except Exception as error:  # noqa: BLE001 (whatever it is has to be said over there)
            said = _failed(error, located(error))
        return pack(said)

    def close(self) -> None:
        """End all workers."""
        for share in self._shares:
            share.pool.close()

    def _answer(self, asked: Message) -> Message:
        if asked.kind is Kind.BUILD:
            return self._build(_orders(asked.content))
        if asked.kind is Kind.RESET:
            return self._reset(asked)
        if asked.kind is Kind.STEP:
            return self._step(asked)
        raise WireError(f"a node takes no messages of kind {asked.kind.name}")

    def _build(self, orders: Orders) -> Message:
        envs = np.array(orders.envs)
        if any(np.isin(envs, share.envs).any() for share in self._shares):
            raise WireError("it builds an environment twice")
        specs = [orders.tasks[task] for task in orders.task_of_env]
        workers = min(usual_workers(orders.workers), len(envs))

        def crew(stats: PoolStats, on_lost: OnLost) -> Hosts:
            frames, timeout, builders = orders.frames, orders.timeout, orders.builders
            return Crew(specs, workers, frames, timeout, builders, stats, on_lost)

        self._shares.append(Share(envs, EnvPool(specs, 0, crew)))
        return Message(Kind.BUILT, {"env": envs, **self._deaths()})

    def _reset(self, asked: Message) -> Message:
        """Begin an episode in all environments of some shares."""
        replies, numbers = [], []
        for share, rows in self._shares_of(asked["env"]):
            if len(rows) < len(share.envs):
                raise WireError("it resets some of the environments that came together")
            begun = EpisodeNumbers(
                asked["series"][rows],
                asked["first"][rows],
                asked["stride"][rows],
                repeat_lost=bool(asked["repeat_lost"].any()),
            )
            replies.append(_begun(share, share.pool.reset(asked.seed, begun)))
            numbers.append(share.pool.episode_numbers)
        return self._finished(replies, numbers)

    def _step(self, asked: Message) -> Message:
        """Make a step in some environments: all shares begin theirs before one is waited for."""
        sent = []
        for share, rows in self._shares_of(asked["env"]):
            own = np.searchsorted(share.envs, asked["env"][rows])
            share.pool.send(asked["action"][rows], own)
            sent.append((share, own))
        replies, numbers = [], []
        for share, own in sent:
            reply = share.pool.recv(len(own))
            replies.append(replace(reply, env_ids=share.envs[reply.env_ids]))
            numbers.append(share.pool.episode_numbers[own])
        return self._finished(replies, numbers)

    def _shares_of(self, envs: NDArray[np.int32]) -> Iterator[tuple[Share, IntArray]]:
        """Yield shares, and which rows of a message are about them."""
        if not len(envs) or np.any(np.diff(envs) <= 0):
            raise WireError("its environments are not in ascending order")
        if not np.isin(envs, np.concatenate([share.envs for share in self._shares])).all():
            raise WireError("it is about environments that are not here")
        for share in self._shares:
            rows = np.flatnonzero(np.isin(envs, share.envs))
            if len(rows):
                yield share, rows

    def _finished(self, replies: Sequence[Transitions], numbers: Sequence[IntArray]) -> Message:
        """Return what is said of a step or a reset, in the order of the environments."""

        def joined(name: str) -> Any:
            parts = [getattr(reply, name) for reply in replies]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)[order]

        order = np.argsort(np.concatenate([reply.env_ids for reply in replies]))
        done = joined("done")
        columns = {
            "episode": np.concatenate(numbers)[order],
            "env": joined("env_ids"),
            "final_obs": joined("final_obs")[done],
            "done": done,
            **{name: joined(name) for name in ("obs", "reward", "success", "score", "lost")},
        }
        if replies[0].frames is not None:
            columns |= {"frames": joined("frames"), "final_frames": joined("final_frames")[done]}
        return Message(Kind.FINISHED, {**columns, **self._deaths()})

    def _deaths(self) -> dict[str, IntArray]:
        """Return how often simulators have died here, by task."""
        found: dict[int, int] = {}
        for share in self._shares:
            first = {OUTSIDE_TASKS: NO_TASK}
            for env, spec in zip(share.envs.tolist(), share.pool.specs, strict=True):
                first.setdefault(spec.id, env)
            for task, count in share.pool.stats.deaths.items():
                found[first[task]] = found.get(first[task], 0) + count
        return {"died": np.array([*found], np.int64), "deaths": np.array([*found.values()])}


def _orders(content: Mapping[str, Any]) -> Orders:
    """Return what a text says that is to be built.

    Raises:
        ConfigError: it comes from another version of Newt.
        WireError: it is none of ours.
    """
    if content.get("newt") != __version__:
        raise ConfigError(
            f"this node has Newt {__version__}, and the run's machine {content.get('newt')}: "
            "install the same version on all of them."
        )
    try:
        orders = Orders.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WireError(f"{place} cannot be built: {first['msg']}") from error
    if len(orders.envs) != len(orders.task_of_env) or np.any(np.diff(orders.envs) <= 0):
        raise WireError("its environments are not in ascending order")
    if max(orders.task_of_env) >= len(orders.tasks):
        raise WireError("an environment has none of the tasks")
    return orders


def _begun(share: Share, obs: NDArray[np.float32]) -> Transitions:
    """Return the rows of environments that have begun an episode and made no step."""
    nothing = np.zeros(len(obs), np.float32)
    never = np.zeros(len(obs), np.bool_)
    frames = share.pool.frames() if share.pool.draws else None
    return Transitions(
        env_ids=share.envs,
        obs=obs,
        final_obs=obs,
        reward=nothing,
        done=never,
        success=nothing,
        score=nothing,
        lost=never,
        action=np.zeros((len(obs), 0), np.float32),
        frames=frames,
        final_frames=frames,
    )


def _failed(error: Exception, text: str) -> Message:
    return Message(Kind.FAILED, content={"error": type(error).__name__, "text": text})
