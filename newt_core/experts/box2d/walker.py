"""The player of the two-legged walker: three phases of a step, then the legs change roles."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Phase(Enum):
    """What the leg in front does."""

    SWING = "it is thrown forwards while the other one carries"
    LOWER = "it is put down"
    PUSH = "it carries while the other one pushes off"


class Style(NamedTuple):
    """Angles in radians, knees as the observation has them; speeds as the observation has them.

    The values were found by the cross-entropy method on flat, uneven and rugged ground.
    """

    speed: float = 0.157
    """Forward speed above which the carrying leg is bent less."""
    swing_hip: float = 1.027
    swing_knee: float = -0.669
    behind: float = 0.089
    """Hip angle at which the carrying leg has gone far enough back."""
    lower_hip: float = 0.162
    carry_knee: float = -0.106
    rise: float = 0.085
    """By how much a decision straightens the carrying knee."""
    pushed: float = 0.948
    """Knee angle at which the push is over."""
    rush: float = 1.112
    """Share of ``speed`` at which the push is over, too."""
    hip_gain: float = 0.911
    hip_damping: float = 0.213
    knee_gain: float = 10.194
    knee_damping: float = 0.323
    upright: float = 1.085
    upright_damping: float = 3.753
    bounce: float = 33.055
    """Gain on the vertical speed, against hopping."""
    torque: float = 0.59


class Gait:
    """Walks, for one episode."""

    def __init__(self, style: Style | None = None) -> None:
        self._style = style = style or Style()
        self._phase = Phase.SWING
        self._front = 0
        self._carry_knee = style.carry_knee

    def __call__(self, obs: Sequence[float]) -> Sequence[float]:
        """Return torques of hip 0, knee 0, hip 1, knee 1."""
        style, front, back = self._style, self._front, 1 - self._front
        legs = [obs[4:9], obs[9:14]]  # hip angle, hip speed, knee angle, knee speed, contact
        hips: list[float | None] = [None, None]
        knees: list[float | None] = [None, None]
        if self._phase is Phase.SWING:
            hips[front], knees[front] = style.swing_hip, style.swing_knee
            rise = style.rise * (2.0 if obs[2] > style.speed else 1.0)
            self._carry_knee = min(self._carry_knee + rise, style.carry_knee)
            knees[back] = self._carry_knee
            if legs[back][0] < style.behind:
                self._phase = Phase.LOWER
        if self._phase is Phase.LOWER:
            hips[front], knees[front] = style.lower_hip, style.carry_knee
            knees[back] = self._carry_knee
            if legs[front][4]:
                self._phase = Phase.PUSH
                self._carry_knee = min(legs[front][2], style.carry_knee)
        if self._phase is Phase.PUSH:
            knees[front], knees[back] = self._carry_knee, 1.0
            if legs[back][2] > style.pushed or obs[2] > style.rush * style.speed:
                self._phase, self._front = Phase.SWING, back
        upright = style.upright * obs[0] + style.upright_damping * obs[1]
        torques = []
        for leg, hip, knee in zip(legs, hips, knees, strict=True):
            lift = (
                0.0 if hip is None else _towards(hip, leg[0:2], style.hip_gain, style.hip_damping)
            )
            bend = (
                0.0
                if knee is None
                else _towards(knee, leg[2:4], style.knee_gain, style.knee_damping)
            )
            torques += [
                style.torque * (lift + upright),
                style.torque * (bend - style.bounce * obs[3]),
            ]
        return torques


def _towards(aim: float, joint: Sequence[float], gain: float, damping: float) -> float:
    """Return a torque that brings a joint, given by its angle and speed, to an angle."""
    return gain * (aim - joint[0]) - damping * joint[1]
