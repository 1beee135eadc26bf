"""DMControl Extended a second time: rewards from formulas, on plain MuJoCo.

Nothing here comes from the package under test. Velocities and momenta are computed from Jacobians
instead of being read from sensors.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np

from tests.envs.dmcontrol_ext_models import plain_model

SUBSTEPS = {"walker": 10, "hopper": 4, "ball_in_cup": 10}
"""Physics steps in a control step; 1 for the other bodies."""


class World:
    """A task's plain model with a state of its own."""

    def __init__(self, spec):
        self.model = plain_model(spec)
        self.data = mujoco.MjData(self.model)
        self.target = np.zeros(2)
        self._body = spec.env["domain_name"]
        self._substeps = SUBSTEPS.get(self._body, 1)

    def take_state(self, simulator):
        """Begin where a simulator of the package is."""
        self.data.qpos[:] = simulator._data.qpos
        self.data.qvel[:] = simulator._data.qvel
        self.data.qacc_warmstart[:] = simulator._data.qacc_warmstart
        self.data.ctrl[:] = 0
        if self._body == "reacher":
            self.target[:] = simulator._model.geom("target").pos[:2]
        mujoco.mj_forward(self.model, self.data)

    def control_step(self, action):
        self.data.ctrl[:] = action
        for _ in range(self._substeps):
            mujoco.mj_step2(self.model, self.data)
            mujoco.mj_step1(self.model, self.data)

    def z(self, body):
        return self.data.body(body).xpos[2]

    @property
    def u(self):
        return self.data.body("torso").xmat[8]

    def _moving(self):
        """Mass, place and velocity of each body's centre, and its own angular momentum."""
        model, data = self.model, self.data
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        for body in range(1, model.nbody):
            mujoco.mj_jacBodyCom(model, data, linear, angular, body)
            axes = data.ximat[body].reshape(3, 3)
            own = axes @ np.diag(model.body_inertia[body]) @ axes.T @ (angular @ data.qvel)
            yield model.body_mass[body], data.xipos[body].copy(), linear @ data.qvel, own

    @property
    def v(self):
        """The whole body's velocity along x: all bodies belong to the torso."""
        moving = list(self._moving())
        return sum(m * v[0] for m, _, v, _ in moving) / sum(m for m, *_ in moving)

    @property
    def L(self):  # noqa: N802 - the specification's letter
        """Angular momentum about the centre of mass, y component."""
        moving = list(self._moving())
        mass = sum(m for m, *_ in moving)
        centre = sum(m * x for m, x, _, _ in moving) / mass
        drift = sum(m * v for m, _, v, _ in moving) / mass
        total = sum(own + m * np.cross(x - centre, v - drift) for m, x, v, own in moving)
        return total[1]

    @property
    def finger(self):
        return self.data.body("finger").xpos[:2]

    @property
    def ball_to_target(self):
        cup, ball = self.data.body("cup").xpos, self.data.body("ball").xpos
        return (cup + np.array([0, 0, -0.05]) - ball)[[0, 2]]

    def obs(self):
        data = self.data
        matrices = data.xmat.reshape(-1, 3, 3)
        if self._body == "walker":
            parts = [matrices[1:, 0, [0, 2]].ravel(), [self.z("torso")], data.qvel]
        elif self._body == "hopper":
            touch = [data.sensor(name).data[0] for name in ("touch_toe", "touch_heel")]
            parts = [data.qpos[1:], data.qvel, np.log1p(touch)]
        elif self._body == "reacher":
            parts = [data.qpos, self.target - self.finger, data.qvel]
        elif self._body == "ball_in_cup":
            parts = [data.qpos, data.qvel]
        elif self._body == "pendulum":
            parts = [matrices[-1, [2, 0], 2], data.qvel]
        else:
            parts = [data.qpos[1:], data.qvel]
        return np.concatenate(parts).astype(np.float32)


def c(x: float) -> float:
    return min(max(x, 0.0), 1.0)


def G(x, low=-math.inf, high=math.inf, *, m):  # noqa: N802 - the specification's letter
    distance = max(low - x, x - high, 0.0)
    return 0.1 ** ((distance / m) ** 2)


def walker_stand(w):
    return (3 * G(w.z("torso"), 1.2, m=0.6) + (1 + w.u) / 2) / 4


def one_leg(w, foot):
    return (3 * G(w.z(foot), 1.2, m=0.6) + 2 * G(w.z("torso"), 1.2, m=0.6)) / 5


def hop_backward(w):
    height = w.data.body("torso").xipos[2] - w.data.body("foot").xipos[2]
    return float(0.6 <= height <= 2) * c(-w.v)


def cup_spin(w):
    offset = w.ball_to_target
    if np.all(np.abs(offset) < 0.05 - 0.025):
        return 0.0
    distance, speed = np.linalg.norm(offset), np.linalg.norm(w.data.qvel[2:])
    return (c(2 * float(distance)) + 2 * c(float(speed) / 6)) / 3


def touch(w, radius):
    return float(np.linalg.norm(w.target - w.finger) <= radius + 0.01)


def arabesque(w):
    torso, right = G(w.z("torso"), 1, m=0.5), G(w.z("right_foot"), 1, m=0.5)
    return (3 * torso + G(w.z("left_foot"), high=0.08, m=0.5) + right + (1 - w.u) / 2) / 6


def headstand(w):
    feet = (w.z("left_foot") + w.z("right_foot")) / 2
    thighs = (w.z("left_thigh") + w.z("right_thigh")) / 2
    return (3 * G(feet, 1.1, m=0.55) + 2 * G(thighs, 1, m=0.5)) / 5


def cheetah_jump(w):
    still = c(1 - max(abs(w.v) - 0.5, 0) / 0.5)
    feet = [G((w.z("torso") + w.z(foot)) / 2, 1.2, m=0.6) for foot in ("bfoot", "ffoot")]
    return (5 * sum(feet) / 2 + still) / 6


def jump(w):
    return G(w.z("torso"), 1.5, m=0.75)


def spin(w):
    return (2 * c(w.L / 8) + 3 * c(w.v / 8)) / 5


REWARDS = {
    "walker-walk-backward": lambda w: walker_stand(w) * (5 * c(-w.v) + 1) / 6,
    "walker-run-backward": lambda w: walker_stand(w) * (5 * c(-w.v / 8) + 1) / 6,
    "cheetah-run-backward": lambda w: c(-w.v / 8),
    "cheetah-run-front": lambda w: one_leg(w, "bfoot") * (5 * c(w.v / 6) + 1) / 6,
    "cheetah-run-back": lambda w: one_leg(w, "ffoot") * (5 * c(w.v / 6) + 1) / 6,
    "cheetah-jump": cheetah_jump,
    "hopper-hop-backward": hop_backward,
    "reacher-three-easy": lambda w: touch(w, 0.05),
    "reacher-three-hard": lambda w: touch(w, 0.015),
    "cup-spin": cup_spin,
    "pendulum-spin": lambda w: min(1, abs(w.data.qvel[0]) / 9),
    "jumper-jump": jump,
    "spinner-spin": spin,
    "spinner-spin-backward": lambda w: (2 * c(-w.L / 8) + 3 * c(-w.v / 8)) / 5,
    "spinner-jump": jump,
    "giraffe-run": lambda w: G(w.z("head"), 0.5, m=0.25) * (3 * c(w.v / 10) + 1) / 4,
    "spinner-spin-four": spin,
    "spinner-jump-four": jump,
    "walker-walk-incline": lambda w: walker_stand(w) * (5 * c(w.v) + 1) / 6,
    "walker-arabesque": arabesque,
    "walker-headstand": headstand,
}
"""The reward of a control step, from the world after it."""
