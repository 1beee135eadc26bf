"""How wrong a model's imagination is, by how many steps ahead it imagines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from newt_core.agents.base import Imagining
from newt_core.evaluation.traces import Trace
from newt_core.types import FloatArray


@dataclass(frozen=True)
class Imagination:
    """Errors after 1 … D imagined steps, and what they are to be compared with.

    Means over starts and episodes: absolute ones of rewards and values, squared ones per entry of
    latents.
    """

    reward: FloatArray
    """[D] of the reward of the last of the steps."""
    value: FloatArray
    """[D] of the value of the latent that was imagined, beside that of the state encoded."""
    latent: FloatArray
    """[D] of the latent that was imagined, beside the state encoded."""
    reward_of_the_mean: float
    """The reward's error if always the episode's mean was predicted."""
    mean_value: float
    """Magnitude of the values of the states encoded."""
    latent_standing_still: FloatArray
    """[D] the latent's error if nothing changed at all."""
    latent_of_the_mean: float
    """The latent's error if always the episode's mean was predicted."""

    def relative(self) -> dict[str, list[float | None]]:
        """Return the errors as shares of the mean reward's, the mean value and standing still.

        None where that is 0.
        """
        return {
            "reward": _shares(self.reward, np.full(len(self.reward), self.reward_of_the_mean)),
            "value": _shares(self.value, np.full(len(self.value), self.mean_value)),
            "latent": _shares(self.latent, self.latent_standing_still),
        }

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's own types."""
        return {
            name: part.tolist() if isinstance(part, np.ndarray | np.generic) else part
            for name, part in asdict(self).items()
        }


def imagination_errors(
    agent: Imagining, traces: Sequence[Trace], depth: int, starts: int | None = None
) -> Imagination:
    """Imagine along episodes from many of their states, with the actions that were taken there.

    Args:
        agent: Imagines.
        traces: Episodes, equally long, of one task.
        depth: Steps D ahead, at most as many as the episodes have.
        starts: States of each episode from which it imagines, evenly spread; all by default.
    """
    parts = [_along(agent, trace, depth, starts) for trace in traces]
    mean: dict[str, Any] = {
        part.name: np.mean([getattr(each, part.name) for each in parts], axis=0)
        for part in fields(Imagination)
    }
    return Imagination(**mean)


def _along(agent: Imagining, trace: Trace, depth: int, starts: int | None) -> Imagination:
    last = len(trace.reward) - depth
    spread = np.linspace(0, last, min(starts or last + 1, last + 1))
    begin = np.unique(spread.round().astype(np.int64))
    steps = begin + np.arange(depth)[:, None]  # [D, starts], and so is all below
    imagined = agent.imagine(trace.seen.of_rows(begin), trace.action[steps])
    nothing = np.zeros((0, len(trace.seen.state), trace.action.shape[-1]), np.float32)
    real = agent.imagine(trace.seen, nothing)
    latent, value = real.latent[0], real.value[0]
    goal = latent[steps + 1]
    return Imagination(
        reward=np.abs(imagined.reward - trace.reward[steps]).mean(1),
        value=np.abs(imagined.value[1:] - value[steps + 1]).mean(1),
        latent=np.square(imagined.latent[1:] - goal).mean((1, 2)),
        reward_of_the_mean=float(np.abs(trace.reward - trace.reward.mean()).mean()),
        mean_value=float(np.abs(value).mean()),
        latent_standing_still=np.square(latent[begin] - goal).mean((1, 2)),
        latent_of_the_mean=float(latent.var(0).mean()),
    )


def _shares(errors: FloatArray, whole: FloatArray) -> list[float | None]:
    pairs = zip(errors.tolist(), whole.tolist(), strict=True)
    return [error / base if base > 1e-12 else None for error, base in pairs]
