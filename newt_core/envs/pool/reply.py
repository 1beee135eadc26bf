"""What a node answered, checked: nothing that it says is used before."""

from __future__ import annotations

import numpy as np

from newt_core.envs.pool.messages import Kind
from newt_core.envs.pool.node import NO_TASK
from newt_core.envs.pool.wire import Message, WireError, unpack
from newt_core.envs.session import LARGEST
from newt_core.types import BoolArray, IntArray


def read_reply(
    data: bytes, asked: Kind, envs: IntArray, padding: BoolArray, frames: int
) -> Message:
    """Return the answer to a message, if it is one that a node may give.

    Args:
        data: What came back.
        asked: The message's kind.
        envs: [K] the environments that it was about, ascending.
        padding: [E, S] the entries of observations that the tasks of the pool do not have.
        frames: Pictures of each environment.

    Raises:
        WireError: It is no message, is about something else, or holds values that no environment
            of these tasks can have.
    """
    reply = unpack(data)
    if reply.kind is Kind.FAILED:
        _require(
            all(isinstance(reply.content.get(name), str) for name in ("error", "text")),
            "a failure has no reason",
        )
        return reply
    wanted = Kind.BUILT if asked is Kind.BUILD else Kind.FINISHED
    _require(reply.kind is wanted, f"{reply.kind.name} does not answer {asked.name}")
    _require(np.array_equal(reply["env"], envs), "it is about other environments")
    died, deaths = reply["died"], reply["deaths"]
    named = (died == NO_TASK) | ((died >= 0) & (died < len(padding)))
    _require(len(died) == len(deaths), "a count is missing")
    _require(bool(named.all()) and bool((deaths >= 0).all()), "a count is of no task")
    if wanted is Kind.FINISHED:
        _check_rows(reply, asked, padding[envs], frames)
    return reply


def _check_rows(reply: Message, asked: Kind, padding: BoolArray, frames: int) -> None:
    done, lost = _flags(reply, "done"), _flags(reply, "lost")
    _require(not (done & lost).any(), "an episode that was lost has ended")
    _require(asked is Kind.STEP or not (done | lost).any(), "an episode ends as it begins")
    _require(len(reply["final_obs"]) == np.count_nonzero(done), "an episode's end is missing")
    for name, unused in (("obs", padding), ("final_obs", padding[done])):
        values = reply[name]
        _require(bool((np.abs(values) <= LARGEST).all()), f"an entry of '{name}' is not finite")
        _require(not values[unused].any(), f"'{name}' has entries that the task does not have")
    _require(bool((np.abs(reply["reward"]) <= LARGEST).all()), "a reward is not finite")
    success = reply["success"]
    known = (success == 0) | (success == 1) | np.isnan(success)
    _require(bool(known.all()), "a success is neither 0 nor 1")
    _require(bool(np.isfinite(reply["score"]).all()), "a score is not finite")
    _require(bool((reply["episode"] >= 0).all()), "an episode's number is below 0")
    _require(reply["frames"].shape[1] == frames, f"there are not {frames} pictures of each")
    _require(len(reply["frames"]) == len(done), "a picture is missing")
    _require(len(reply["final_frames"]) == np.count_nonzero(done), "a last picture is missing")


def _flags(reply: Message, name: str) -> BoolArray:
    values = reply[name]
    _require(bool((values <= 1).all()), f"'{name}' is neither 0 nor 1")
    return values.astype(np.bool_)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WireError(otherwise)
