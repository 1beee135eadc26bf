"""What each rank has of its own, in the one checkpoint of all of them.

Weights, optimisers and counts are the same on every rank. The rest is a rank's own: its
environments with their open episodes, its replay, its streams of random numbers. A checkpoint
holds the first rank's beside what is shared, as if that one were alone, and a list of the others'.
Gone on with by as many ranks, each takes its own back. By another number of them, whatever belongs
to an environment goes to the rank that plays it now; a rank that was not there before begins
streams of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from newt_core.agents.base import Stateful
from newt_core.agents.ranks import Ranks
from newt_core.training.run_state import save_parts

OTHERS = "ranks"
"""Under this name a checkpoint lists what the second rank and those after it have of their own."""
_SHARED = frozenset({"agent", "interaction", "health", "counters"})
"""Parts that are the same on every rank."""

State = Mapping[str, Any]


def save_ranks(parts: Mapping[str, Stateful], ranks: Ranks) -> dict[str, Any]:
    """Return the state of all parts of all ranks; all of them have to call this."""
    state = save_parts(parts)
    own = {name: part for name, part in state.items() if name not in _SHARED}
    return {**state, OTHERS: ranks.gather(own)[1:]}


def saved_ranks(state: State) -> list[State]:
    """Return what each rank of a checkpoint had of its own, with all that was shared beside it."""
    return [state, *({**state, **own} for own in state.get(OTHERS, ()))]


def own_envs(state: State) -> Tensor:
    """Return which environments of the run a rank of a checkpoint had."""
    collector = state["collector"]
    found: Tensor = collector.get("envs", torch.arange(len(collector["numbers"])))
    return found


def own_state(state: State, parts: Mapping[str, Stateful], ranks: Ranks) -> State:
    """Return what this rank goes on with.

    Args:
        state: Of a checkpoint.
        parts: This rank's, as they begin, the replay with the episodes that it is to have.
        ranks: All of them.
    """
    saved = saved_ranks(state)
    if len(saved) == ranks.size:
        return saved[ranks.rank]
    fresh = save_parts(parts)
    # The streams of a rank that was there before go on; those of another one begin.
    before = saved[ranks.rank] if ranks.rank < len(saved) else fresh
    own = {name: before[name] for name in fresh if name not in _SHARED}
    if "replay" in fresh:
        own["replay"] = fresh["replay"]
    if "collector" in fresh:
        envs = _Envs(saved, own_envs(fresh))
        own["collector"] = _collector(saved, envs, first=ranks.rank == 0)
        own["actor"] = {
            **before["actor"],
            "mean": envs.pick("actor", "mean", dim=1),
            "step": envs.pick("actor", "step"),
        }
        own["random_phase"] = _random_phase(saved, envs, before, fresh)
    return {**state, **own}


class _Envs:
    """Some environments among those of all ranks of a checkpoint.

    Args:
        saved: What each rank had.
        wanted: [E] their numbers in the run.
    """

    def __init__(self, saved: Sequence[State], wanted: Tensor) -> None:
        self.wanted = wanted
        self.saved = saved
        every = torch.cat([own_envs(rank) for rank in saved])
        place = {env: index for index, env in enumerate(every.tolist())}
        self.places = torch.tensor([place[env] for env in wanted.tolist()], dtype=torch.int64)
        """[E] where they are in what all ranks had, one after the other."""

    def pick(self, part: str, name: str, dim: int = 0) -> Tensor:
        """Return what there is of each of them in a part's state, along one dimension."""
        joined = torch.cat([torch.as_tensor(rank[part][name]) for rank in self.saved], dim)
        return joined.index_select(dim, self.places)


def _collector(saved: Sequence[State], envs: _Envs, *, first: bool) -> dict[str, Any]:
    before = [rank["collector"] for rank in saved]
    open_actions = [
        actions
        for rank in before
        for actions in rank["open_actions"].split(rank["open_steps"].tolist())
    ]
    returns = torch.cat([rank["recent"]["returns"] for rank in before])
    ended: dict[str, list[Any]] = {}
    for rank in before if first else ():
        for task, outcomes in rank["recent"]["ended"].items():
            ended.setdefault(task, []).extend(outcomes)
    return {
        "envs": envs.wanted,
        "numbers": envs.pick("collector", "numbers"),
        "open_steps": envs.pick("collector", "open_steps"),
        "open_actions": torch.cat([open_actions[place] for place in envs.places.tolist()]),
        # What was counted by all ranks goes on with the first.
        "lost_episodes": sum(rank["lost_episodes"] for rank in before) if first else 0,
        "deaths": sum(rank["deaths"] for rank in before) if first else 0,
        "recent": {"returns": returns[envs.places], "ended": ended},
    }


def _random_phase(
    saved: Sequence[State], envs: _Envs, before: State, fresh: State
) -> dict[str, Any]:
    lowest, highest = (fresh["random_phase"][name].clone() for name in ("lowest", "highest"))
    for rank in saved:
        met = rank["random_phase"]
        common = min(len(lowest), len(met["lowest"]))
        lowest[:common] = torch.minimum(lowest[:common], met["lowest"][:common])
        highest[:common] = torch.maximum(highest[:common], met["highest"][:common])
    picked = {
        name: envs.pick("random_phase", name) for name in ("episodes", "steps", "action", "left")
    }
    return {**before["random_phase"], **picked, "lowest": lowest, "highest": highest}
