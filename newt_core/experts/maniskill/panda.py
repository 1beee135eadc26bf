"""Players of ManiSkill's tasks: a Panda's hand goes where the observation says that things are.

The action shifts the hand along x, y and z, turns it (in tasks with seven entries), and sets the
gripper. The observation begins with nine joint positions and nine velocities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot

from newt_core.experts.policy import MakePlayer, Policy, as_player

GAIN = 8.0
"""Action per metre of way. An action of 1 means 0.1 m, in each of two steps."""
OPEN, CLOSED = 1.0, -1.0
"""The gripper's entry."""
HOVER = 0.09
"""Metres above a thing at which the hand is brought over it."""
OVER = 0.02
"""Metres beside a thing from which on the hand may come down."""
AT = 0.015
"""Metres from a thing from which on the gripper may close."""
SHOVE = 0.04
"""Metres of way that are asked for at most while shoving."""
PATIENCE = 2
"""Decisions that the gripper is given to close or open."""

Vector = Sequence[float]
Plan = Callable[[Vector], tuple[Vector, float]]
"""From an observation to the way of the hand, [3] in metres, and the gripper's entry."""


def _follow(plan: Plan, turns: int) -> Policy:
    """Return the policy that does what a plan says, with ``turns`` entries for turning."""

    def act(obs: Vector) -> Vector:
        way, gripper = plan(obs)
        return [*(GAIN * metres for metres in way), *[0.0] * turns, gripper]

    return act


def minus(one: Vector, other: Vector) -> Vector:
    """Return the way from the other to the one."""
    return [a - b for a, b in zip(one, other, strict=True)]


def come_down(way: Vector) -> Vector:
    """Return the way to a thing from above: over it first, then down."""
    return way if hypot(way[0], way[1]) < OVER else [way[0], way[1], way[2] + HOVER]


def reach() -> Plan:
    """Go to the goal; the way there ends the observation."""
    return lambda obs: (obs[-3:], CLOSED)


def pick() -> Plan:
    """Grasp the cube and carry it to the goal."""
    held = 0

    def plan(obs: Vector) -> tuple[Vector, float]:
        nonlocal held
        to_cube, to_goal = obs[36:39], obs[39:42]
        if held < PATIENCE and not obs[18]:
            if hypot(*to_cube) > AT:
                return come_down(to_cube), OPEN
            held += 1
            return to_cube, CLOSED
        return to_goal, CLOSED

    return plan


def push() -> Plan:
    """Come down on the cube's near side and push it to the goal."""
    return _shove(-0.05)


def pull() -> Plan:
    """Come down on the cube's far side and pull it to the goal."""
    return _shove(0.05)


def _shove(offset: float) -> Plan:
    """Return a plan that brings the hand ``offset`` metres along x from the cube, then shoves."""
    shoving = False

    def plan(obs: Vector) -> tuple[Vector, float]:
        nonlocal shoving
        tcp, goal, cube = obs[18:21], obs[25:28], obs[28:31]
        way = minus([cube[0] + offset, cube[1], 0.02], tcp)
        shoving = shoving or hypot(*way) < AT
        if shoving:
            left = goal[0] + offset / 2 - tcp[0]
            # Pushed faster, the cube would slide on.
            return [min(max(left, -SHOVE), SHOVE), way[1], way[2]], CLOSED
        return come_down(way), CLOSED

    return plan


def stack() -> Plan:
    """Grasp the first cube, put it on the second, let go and rise."""

    def place(obs: Vector) -> tuple[Vector, Vector]:
        to_b = obs[45:48]
        return obs[39:42], [to_b[0], to_b[1], to_b[2] + 0.04]

    return _put(place)


def place_sphere() -> Plan:
    """Grasp the sphere, put it into the bin, let go and rise."""

    def place(obs: Vector) -> tuple[Vector, Vector]:
        sphere, bin_place = obs[29:32], obs[26:29]
        off = minus(bin_place, sphere)
        return obs[36:39], [off[0], off[1], off[2] + 0.025]

    return _put(place)


def _put(where: Callable[[Vector], tuple[Vector, Vector]]) -> Plan:
    """Return a plan that puts a thing somewhere.

    Args:
        where: from an observation to the ways from the hand to the thing, and from the thing to
            its place.
    """
    held, opened = 0, 0

    def plan(obs: Vector) -> tuple[Vector, float]:
        nonlocal held, opened
        to_thing, to_place = where(obs)
        if held < PATIENCE:
            if hypot(*to_thing) > AT:
                return come_down(to_thing), OPEN
            held += 1
            return to_thing, CLOSED
        if opened == 0 and hypot(*to_place) > 0.007:
            if hypot(to_place[0], to_place[1]) > OVER:  # over it first
                return [to_place[0], to_place[1], to_place[2] + 0.03], CLOSED
            return to_place, CLOSED
        opened += 1
        return [0.0, 0.0, 0.0 if opened <= PATIENCE else 0.1], OPEN

    return plan


PLANS: dict[str, tuple[Callable[[], Plan], int]] = {
    "PickCube-v1/pd_ee_delta_pos": (pick, 0),
    "PickCube-v1/pd_ee_delta_pose": (pick, 3),
    "PlaceSphere-v1/pd_ee_delta_pos": (place_sphere, 0),
    "PullCube-v1/pd_ee_delta_pose": (pull, 3),
    "PushCube-v1/pd_ee_delta_pose": (push, 3),
    "Reach-v1/pd_ee_delta_pos": (reach, 0),
    "Reach-v1/pd_ee_delta_pose": (reach, 3),
    "StackCube-v1/pd_ee_delta_pose": (stack, 3),
}
"""The environment's id and control mode → what makes plans, and how many entries turn the hand."""


def player(name: str) -> MakePlayer | None:
    """Return what makes players of an environment, ``ID/CONTROL_MODE``, or None."""
    found = PLANS.get(name)
    if found is None:
        return None
    make_plan, turns = found
    return MakePlayer(
        lambda: as_player(_follow(make_plan(), turns)), make_plan.__name__, "maniskill/panda.py"
    )
