"""Players of the desk: the hand goes from place to place.

The observation tells where the hand is, but not where things are: what is moved about at a reset is
met wherever it is, by pushing through all the places where it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import dist
from typing import NamedTuple

from newt_core.experts.policy import MakePlayer, Policy, player_of
from newt_core.specs.schema import TaskSpec

GAIN = 25.0
"""Action per metre of way."""
WRIST_STILL, FINGERS_CLOSED = 0.0, -1.0
"""The action's last two entries."""


class Stop(NamedTuple):
    """Where the hand goes."""

    place: tuple[float, float, float]
    """In metres."""
    near: float = 0.03
    """Metres from which on the next stop is gone to."""
    patience: int = 30
    """Agent steps after which it is gone to anyway."""


def _tour(*stops: Stop) -> Callable[[], Policy]:
    """Return what makes policies that go from stop to stop and stay at the last."""

    def tour() -> Policy:
        current, waited = 0, 0

        def act(obs: Sequence[float]) -> Sequence[float]:
            nonlocal current, waited
            hand, stop = obs[0:3], stops[current]
            waited += 1
            if current + 1 < len(stops) and (
                dist(hand, stop.place) < stop.near or waited > stop.patience
            ):
                current, waited = current + 1, 0
                stop = stops[current]
            way = [GAIN * (aim - here) for aim, here in zip(stop.place, hand, strict=True)]
            return [*way, WRIST_STILL, FINGERS_CLOSED]

        return act

    return tour


def _press(x: float) -> Callable[[], Policy]:
    """Come down on a button, and stay. Pressed too hard, the hand would slip away."""
    return _tour(Stop((x, 0.625, 0.90)), Stop((x, 0.625, 0.79)))


POLICIES: dict[str, Callable[[], Policy]] = {
    "push_red": _press(-0.45),
    "push_green": _press(-0.25),
    "push_blue": _press(-0.05),
    "open_slide": _tour(
        Stop((-0.37, 0.65, 0.94)), Stop((-0.37, 0.77, 0.94)), Stop((0.40, 0.77, 0.94))
    ),
}
"""The library's name of a task → a function that returns a fresh policy."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a RoboDesk task, or None."""
    policy = POLICIES.get(str(spec.env.get("task")))
    return None if policy is None else player_of(policy)
