"""Nodes that run a pool's environments: shares them out, passes on requests, moves what is lost.

A node is asked by one message and answers by one. Of several messages that it has not answered yet,
it answers the oldest first. One that is gone, is silent for too long or says what cannot be is
given up for good: its environments are built on the nodes that are left.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from newt_core.envs.pool import buffers
from newt_core.envs.pool.api import OUTSIDE_TASKS, EpisodeNumbers, PoolStats
from newt_core.envs.pool.balance import spread
from newt_core.envs.pool.cluster import Cluster, NodeLostError
from newt_core.envs.pool.hosts import EnvState, OnLost
from newt_core.envs.pool.messages import Failure, Kind
from newt_core.envs.pool.node import NO_TASK, Orders
from newt_core.envs.pool.reply import read_reply
from newt_core.envs.pool.supervise import BUILD_TIMEOUT_S, as_error
from newt_core.envs.pool.wire import Message, WireError, pack
from newt_core.envs.step_cost import step_cost
from newt_core.errors import EnvironmentFailure, NewtError
from newt_core.specs.schema import TaskSpec
from newt_core.types import IntArray

PATIENCE_S = 2 * BUILD_TIMEOUT_S
"""Seconds that a node may be silent beyond what its environments may take: time for it to notice
one that hangs and to build it again."""

_LOOK_EVERY_S = 0.5
"""Seconds of listening between two looks at how long nodes have been silent."""


class NodeSettings(NamedTuple):
    """What all nodes are told alike; see :func:`newt_core.envs.pool.make_pool`."""

    frames: int
    timeout: float
    builders: Mapping[str, str]


@dataclass
class _Asked:
    """A message that is not answered yet."""

    kind: Kind
    envs: IntArray
    ticket: Hashable
    limit_s: float
    silent_s: float = 0.0


class Fleet:
    """The :class:`newt_core.envs.pool.hosts.Hosts` of a pool over several nodes.

    Args:
        specs: [E] the task of each environment.
        cluster: The nodes; owned from now on.
        settings: What every node is told.
        stats: where to count deaths; a lost node counts as one outside of any task.
        on_lost: called with the ids [K] of environments whose episode has just been lost.
        patience_s: see :data:`PATIENCE_S`.
    """

    def __init__(
        self,
        specs: Sequence[TaskSpec],
        cluster: Cluster,
        settings: NodeSettings,
        stats: PoolStats,
        on_lost: OnLost,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._specs = specs
        self._costs = np.array([step_cost(spec) for spec in specs])
        self._padding = np.stack([spec.obs_mask == 0 for spec in specs])
        self._cluster = cluster
        self._settings = settings
        self._stats = stats
        self._on_lost = on_lost
        self._patience_s = patience_s
        self.state = np.full(len(specs), int(EnvState.BUILDING))
        self._has_episode = np.zeros(len(specs), dtype=np.bool_)  # or had one when it was lost
        self._alive = [True] * len(cluster.nodes)
        self._asked: list[deque[_Asked]] = [deque() for _ in cluster.nodes]
        self._deaths: list[dict[str, int]] = [{} for _ in cluster.nodes]
        self._started = False
        shape = buffers.PoolShape(len(specs), len(cluster.nodes), settings.frames)
        memory_fd, self.shared = buffers.create(shape)
        os.close(memory_fd)
        self.number(EpisodeNumbers.own_series(np.zeros(len(specs), np.int64)))
        cores = [node.cores for node in cluster.nodes]
        self.worker_of = np.array(spread(self._costs.tolist(), cores))

    def start(self) -> None:
        """Have all environments built; see ``Hosts.start``."""
        self._request_build(np.arange(len(self._specs)))
        self.wait_until(lambda: not np.any(self.state == EnvState.BUILDING))
        self._started = True

    def close(self) -> None:
        """End all that was started."""
        self._cluster.close()

    def number(self, episodes: EpisodeNumbers) -> None:
        """Say which episodes the environments run from their next reset on."""
        self._numbers = episodes
        self.shared.number(episodes)

    def request(self, kind: Kind, env_ids: IntArray) -> None:
        """Have environments reset or stepped: one message to each node concerned."""
        self.state[env_ids] = EnvState.RUNNING
        self._has_episode[env_ids] = True
        shared = self.shared
        for node, mine in self._by_node(np.sort(env_ids)):
            if kind is Kind.STEP:
                self._ask(node, mine, Message(kind, {"env": mine, "action": shared.action[mine]}))
                continue
            repeats = np.full(len(mine), self._numbers.repeat_lost)
            columns = {"series": shared.series[mine], "first": shared.episode[mine]}
            columns |= {"stride": shared.stride[mine], "env": mine, "repeat_lost": repeats}
            self._ask(node, mine, Message(kind, columns, seed=int(shared.run_seed[0])))
            # Counted first, as workers do: if it is lost, the next one is another.
            shared.episode[mine] += shared.stride[mine]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Listen to the nodes until ``condition`` holds, looking after them meanwhile.

        Raises:
            EnvironmentFailure: a task died too often, or no node is left.
        """
        self._listen(0.0)
        while not condition():
            self._listen(_LOOK_EVERY_S)

    # ------------------------------------------------------------------------- requests

    def _by_node(self, env_ids: IntArray) -> list[tuple[int, IntArray]]:
        at = self.worker_of[env_ids]
        return [(int(node), env_ids[at == node]) for node in np.unique(at)]

    def _request_build(self, env_ids: IntArray) -> None:
        self.state[env_ids] = EnvState.BUILDING
        for node, mine in self._by_node(env_ids):
            specs = [self._specs[env] for env in mine]
            place = {spec: number for number, spec in enumerate(dict.fromkeys(specs))}
            orders = Orders(
                envs=mine.tolist(),
                tasks=list(place),
                task_of_env=[place[spec] for spec in specs],
                workers=self._cluster.nodes[node].cores,
                **self._settings._asdict(),
            )
            self._ask(node, mine, Message(Kind.BUILD, content=orders.model_dump(mode="json")))

    def _ask(self, node: int, envs: IntArray, message: Message) -> None:
        each_s = self._settings.timeout
        if message.kind is Kind.BUILD:
            each_s = max(each_s, BUILD_TIMEOUT_S)
        in_turn = -(-len(envs) // self._cluster.nodes[node].cores)
        limit_s = self._patience_s + each_s * in_turn
        ticket = self._cluster.ask(node, pack(message))
        self._asked[node].append(_Asked(message.kind, envs, ticket, limit_s))

    # ------------------------------------------------------------------------ listening

    def _listen(self, seconds: float) -> None:
        """Handle what nodes said, waiting up to ``seconds`` for the first word."""
        waiting = {asked[0].ticket: node for node, asked in enumerate(self._asked) if asked}
        if not waiting:
            return
        start = time.monotonic()
        answered = self._cluster.wait(list(waiting), seconds)
        waited_s = time.monotonic() - start
        for ticket in answered:
            self._take_answer(waiting[ticket])
        for ticket, node in waiting.items():
            asked = self._asked[node]
            if asked and asked[0].ticket == ticket:
                asked[0].silent_s += waited_s
                if asked[0].silent_s > asked[0].limit_s:
                    self._give_up(node, f"no answer for {asked[0].limit_s:g} s")

    def _take_answer(self, node: int) -> None:
        asked = self._asked[node].popleft()
        try:
            data = self._cluster.answer(asked.ticket)
            reply = read_reply(data, asked.kind, asked.envs, self._padding, self._settings.frames)
        except NodeLostError as error:
            self._give_up(node, str(error))
        except WireError as error:
            self._give_up(node, f"what it says cannot be: {error}")
        else:
            self._hear(node, asked.kind, reply)

    def _hear(self, node: int, asked: Kind, reply: Message) -> None:
        if reply.kind is Kind.FAILED:
            raise self._as_error(node, reply)
        envs: IntArray = reply["env"].astype(np.int64)
        self._count_deaths(node, reply)
        if reply.kind is Kind.BUILT:
            # Those that had an episode are asked for another already.
            self.state[envs] = np.where(self._has_episode[envs], EnvState.RUNNING, EnvState.BUILT)
            return
        shared = self.shared
        done = reply["done"].astype(np.bool_)
        shared.episode[envs] = reply["episode"] + shared.stride[envs]
        shared.obs[envs] = shared.final_obs[envs] = reply["obs"]
        shared.final_obs[envs[done]] = reply["final_obs"]
        shared.done[envs] = done
        for name in ("reward", "success", "score", "frames"):
            getattr(shared, name)[envs] = reply[name]
        shared.final_frames[envs[done]] = reply["final_frames"]
        self.state[envs] = EnvState.READY
        lost = envs[reply["lost"].astype(np.bool_)]
        if len(lost) > 0:
            self._on_lost(lost)

    def _as_error(self, node: int, reply: Message) -> NewtError:
        """Return the error to raise for a node's own pool that cannot go on."""
        name = self._cluster.nodes[node].name
        text = f"node {name}: {reply.content['text']}"
        if self._started:
            return EnvironmentFailure(text)
        failure = Failure(-1, "build", reply.content["error"], text)
        return as_error(failure, f"node {name} cannot build its environments")

    def _count_deaths(self, node: int, reply: Message) -> None:
        known, deaths = self._deaths[node], self._stats.deaths
        for env, count in zip(reply["died"].tolist(), reply["deaths"].tolist(), strict=True):
            task = OUTSIDE_TASKS if env == NO_TASK else self._specs[env].id
            deaths[task] = deaths.get(task, 0) + count - known.get(task, 0)
            known[task] = count

    # ------------------------------------------------------------------------ accidents

    def _give_up(self, node: int, cause: str) -> None:
        """Do without a node: build its environments on those that are left."""
        self._alive[node] = False
        self._asked[node].clear()
        self._cluster.drop(node)
        self._stats.deaths[OUTSIDE_TASKS] = self._stats.deaths.get(OUTSIDE_TASKS, 0) + 1
        env_ids = np.flatnonzero(self.worker_of == node)
        self.state[env_ids] = EnvState.BUILDING
        begun = env_ids[self._has_episode[env_ids]]
        if self._numbers.repeat_lost:
            before = self.shared.episode[begun] - self.shared.stride[begun]
            self.shared.episode[begun] = np.maximum(before, self._numbers.first[begun])
        self._on_lost(begun)
        left = np.flatnonzero(self._alive)
        if not len(left):
            name = self._cluster.nodes[node].name
            raise EnvironmentFailure(f"no node is left to run environments; {name}: {cause}.")
        cores = [self._cluster.nodes[other].cores for other in left]
        loads = [float(self._costs[self.worker_of == other].sum()) for other in left]
        moved = spread(self._costs[env_ids].tolist(), cores, loads)
        self.worker_of[env_ids] = left[moved]
        self._request_build(env_ids)
        if len(begun):
            self.request(Kind.RESET, begun)
