"""Players of ManiSkill's tasks in which a Panda's hand holds something long: a peg, or a hook.

The action shifts the hand along x, y and z, turns it, and sets the gripper. The robot stands at
x = -0.615 m and looks along x, as pegs and hook do at first. The observation begins with nine joint
positions and nine velocities; the hand's pose follows, with its rotation as a quaternion.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, cos, hypot, radians, sin

from newt_core.experts.maniskill.panda import (
    AT,
    CLOSED,
    GAIN,
    OPEN,
    PATIENCE,
    SHOVE,
    Vector,
    come_down,
    minus,
)
from newt_core.experts.policy import Policy

TURN_GAIN = 10.0
"""Action per radian of turn. An action of 1 means 0.1 rad, in each of two steps."""
BASE_X = -0.615
"""Where the robot stands, in metres."""

PEG_HALF_LENGTH, PEG_HALF_WIDTH = 0.12, 0.025
"""In metres."""
ASIDE = 0.08
"""Metres from its middle, toward the robot, at which a peg is grasped."""
IN_LINE = 0.005
"""Metres beside the cube's middle within which the peg may poke."""

LEAN = 0.4
"""Radians by which the hand leans outward when it grasps a peg that is to stand: there is no time
for a whole quarter turn after that."""
PINCH = 0.0
"""The gripper's entry for that peg: loose enough for the peg's weight to help with the turn."""
TIPPED = radians(81.0)
"""From this tilt on the peg stands up by itself."""

HANDLE = 0.03
"""Metres from the handle's end at which the hook is grasped: near it, for the sake of reach."""
CARRY, LYING = 0.12, 0.035
"""Metres above the table at which the hook is carried, and below which it is down."""
HOOK_AHEAD, HOOK_BESIDE = 0.115, 0.065
"""Metres along x and y from the handle's end to where the cube is caught."""
REACH = 0.7
"""Metres from the base from which on the arm takes small steps: others would be too far for it."""
STEP, SMALL_STEP = 0.08, 0.02
"""Metres of way that are asked for at most."""
PULL, NEAR = 0.06, 0.55
"""Metres of way that are asked for while pulling, and from the base at which the cube is near."""


def poke() -> Policy:
    """Grasp the peg, bring it into line with the cube, and push the cube onto the target."""
    held, poking = 0, False

    def act(obs: Vector) -> Vector:
        nonlocal held, poking
        to_peg, to_goal, head = obs[42:45], obs[48:51], obs[51:54]
        if held < PATIENCE:
            way = [to_peg[0] - ASIDE, to_peg[1], to_peg[2]]
            if hypot(*way) > AT:
                return _action(come_down(way), 0.0, OPEN)
            held += 1
            return _action(way, 0.0, CLOSED)
        lift = PEG_HALF_WIDTH + 0.005 - obs[34]
        poking = poking or abs(head[1]) < IN_LINE
        most = (SMALL_STEP if _is_far(obs[18:21]) else SHOVE) if poking else 0.0
        forward = min(max(to_goal[0] + 0.02, 0.0), most)
        return _action([forward, -head[1], lift], 0.0, CLOSED)

    return act


def stand() -> Policy:
    """Grasp the peg's near end, lift it while the hand turns, set the peg down and let go."""
    held, stood = False, 0

    def act(obs: Vector) -> Vector:
        nonlocal held, stood
        hand, peg = obs[18:21], obs[25:28]
        if not held:
            way = minus([peg[0] - ASIDE, peg[1], PEG_HALF_WIDTH + 0.005], hand)
            turn = LEAN + _dip(obs[21:25])
            held = hypot(*way) < 0.02 and abs(turn) < 0.2
            return _action(way, 0.0, PINCH) if held else _action(come_down(way), turn, OPEN)
        tilt = _dip(obs[28:32])
        if stood == 0 and tilt < TIPPED:
            # So high that the far end barely leaves the table.
            height = PEG_HALF_WIDTH * cos(tilt) + (PEG_HALF_LENGTH + ASIDE) * sin(tilt) + 0.01
            return _action([0.0, 0.0, height + 0.07 * cos(tilt) - hand[2]], -1.0, PINCH)
        stood += 1
        if stood <= PATIENCE:
            return _action([0.0, 0.0, PEG_HALF_LENGTH - peg[2]], -1.0, PINCH)
        return _action([0.0, 0.0, 0.0], 0.0, OPEN)

    return act


def hook() -> Policy:
    """Grasp the hook, put it down behind the cube, and pull the cube near."""
    held, down, pulling = 0, False, False

    def act(obs: Vector) -> Vector:
        nonlocal held, down, pulling
        hand, cube, handle = obs[18:21], obs[25:28], obs[32:35]
        if held < PATIENCE:
            way = minus([handle[0] + HANDLE, handle[1], handle[2]], hand)
            if hypot(*way) > AT:
                return _action(come_down(way), 0.0, OPEN)
            held += 1
            return _action(way, 0.0, CLOSED)
        over = minus([cube[0] - HOOK_AHEAD, cube[1] - HOOK_BESIDE], handle[:2])
        down = down or hypot(*over) < AT
        pulling = pulling or (down and handle[2] < LYING)
        if pulling:
            left = hypot(cube[0] - BASE_X, cube[1]) > NEAR
            way = [-PULL if left else 0.0, 0.0, 0.028 - handle[2]]
        elif down:
            way = [*over, 0.025 - handle[2]]
        else:
            way = _at_most(SMALL_STEP if _is_far(hand) else STEP, [*over, CARRY - handle[2]])
        return _action(way, _dip(obs[35:39]), CLOSED)  # its weight makes the hook sink

    return act


def _action(way: Vector, turn: float, gripper: float) -> list[float]:
    """Return an action.

    Args:
        way: of the hand, [3] in metres.
        turn: by which its fingers should point further outward, away from the robot, in radians.
        gripper: its entry.
    """
    return [*(GAIN * metres for metres in way), 0.0, TURN_GAIN * turn, 0.0, gripper]


def _dip(rotation: Vector) -> float:
    """Return how far a body's x axis points below the horizon, in radians.

    The hand's does as its fingers point toward the robot.
    """
    w, x, y, z = rotation
    return asin(min(max(2.0 * (w * y - x * z), -1.0), 1.0))


def _is_far(hand: Vector) -> bool:
    """Whether the arm is nearly stretched."""
    return hypot(hand[0] - BASE_X, hand[1]) > REACH


def _at_most(metres: float, way: Vector) -> list[float]:
    """Return a way, shortened so that no entry is beyond ``metres``."""
    share = min(1.0, metres / max(abs(entry) for entry in way))
    return [share * entry for entry in way]


POLICIES: dict[str, Callable[[], Policy]] = {
    "LiftPegUpright-v1/pd_ee_delta_pose": stand,
    "PokeCube-v1/pd_ee_delta_pose": poke,
    "PullCubeTool-v1/pd_ee_delta_pose": hook,
}
"""The environment's id and control mode → a function that returns a fresh policy."""
