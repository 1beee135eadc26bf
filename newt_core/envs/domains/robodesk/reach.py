"""Inverse kinematics: which joint positions bring the hand to a place.

The Gauss-Newton method of dm_control's ``qpos_from_site_pose``, with the constants that the
library uses it with. That one computes everything that follows from positions, of which
collisions take most of the time; the method reads only the hand's place and its Jacobian.
"""

from __future__ import annotations

import math
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

ARM_JOINTS = 6
"""The arm's joints that move the hand: the model's first; the seventh turns the wrist."""

CLOSE_ENOUGH = 1e-14
"""Metres from the goal at which the search ends."""
MAX_UPDATES = 100
FAR = 0.1
"""Metres from the goal beyond which large updates are held back."""
HOLD_BACK = 0.03
"""Weight on the squared update, beyond :data:`FAR`."""
MAX_UPDATE = 2.0
"""Largest norm of an update, in radians."""
MIN_PROGRESS = 20.0
"""The search gives up where the distance is more than this many times the next update."""

Vector = NDArray[np.float64]


class Reach:
    """Moves an arm of its own to find out how the real one should be held.

    Args:
        model: a ``mujoco.MjModel`` whose first joints are the arm's.
        site: the name of the site that is to be brought somewhere.
    """

    def __init__(self, model: Any, site: str) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, site)
        self._place = self._data.site_xpos[self._site]  # a live view, as the next two
        self._qpos = self._data.qpos
        self._angles = self._data.qpos[:ARM_JOINTS]
        self._jacobian = np.empty((3, model.nv))
        self._columns = np.arange(ARM_JOINTS)

    def solve(self, qpos: Vector, goal: Vector) -> Vector:
        """Return the arm's joint positions, [6] in radians, a view until the next call.

        Args:
            qpos: the positions of everything now, where the search begins.
            goal: [3] where the site should be, in metres.
        """
        np.copyto(self._qpos, qpos)
        self._move()
        for _ in range(MAX_UPDATES):
            error = goal - self._place
            distance = _norm(error)
            if distance < CLOSE_ENOUGH:
                break
            mujoco.mj_jacSite(self._model, self._data, self._jacobian, None, self._site)
            update = _update(self._jacobian[:, self._columns], error, distance)
            size = _norm(update)
            if size == 0.0 or distance / size > MIN_PROGRESS:
                break
            if size > MAX_UPDATE:
                update *= MAX_UPDATE / size
            self._angles += update
            self._move()
        return self._angles

    def _move(self) -> None:
        """Bring the site's place, and what its Jacobian needs, up to date with the positions."""
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)


def _update(jacobian: Vector, error: Vector, distance: float) -> Vector:
    """Return the change of the joints, [6], that would lead by ``error``, [3], to first order."""
    squared = jacobian.T.dot(jacobian)
    direction = jacobian.T.dot(error)
    if distance > FAR:
        return np.linalg.solve(squared + np.eye(ARM_JOINTS) * HOLD_BACK, direction)
    return np.linalg.lstsq(squared, direction, rcond=-1)[0]


def _norm(vector: Vector) -> float:
    return math.sqrt(vector.dot(vector))
