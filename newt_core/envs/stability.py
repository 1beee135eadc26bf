"""MuJoCo simulations that blow up, which MuJoCo itself passes over."""

from __future__ import annotations

from typing import Any

import mujoco

SIGNS = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)
"""After one of these, MuJoCo has silently put everything back to where the model begins."""


class StabilityWatch:
    """Notices that a simulation has become unstable since its data were last reset.

    Args:
        data: a ``mujoco.MjData``.
    """

    def __init__(self, data: Any) -> None:
        self._warnings = [data.warning[sign] for sign in SIGNS]  # live views

    def check(self) -> None:
        """Return if all is well.

        Raises:
            FloatingPointError: it is not; what was simulated since is worthless.
        """
        if any(warning.number for warning in self._warnings):
            raise FloatingPointError("MuJoCo warns that the simulation is unstable")
