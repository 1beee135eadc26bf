"""What the new bodies on a free planar root share: jumper, spinner and giraffe.

They begin an episode and are observed as the suite's cheetah is: joints are drawn within their
limits, the body then settles on the ground for 200 steps of the physics, and the observation is
all positions but the horizontal one, then all velocities.
"""

from __future__ import annotations

from dm_control.suite import cheetah

from newt_core.envs.domains.dmcontrol_ext.shaping import at_least

JUMP_HEIGHT = 1.5
"""Metres above the ground at which a torso's jump is paid in full."""
JUMP_MARGIN = 0.75


class Physics(cheetah.Physics):
    """A torso with a velocity sensor, on a planar root."""

    def height(self, body: str) -> float:
        """Return how high a body's frame is above the ground, in metres."""
        return float(self.named.data.xpos[body, "z"])

    def spin(self) -> float:
        """Return the angular momentum about the y axis, in kg m²/s; rolling forward is positive.

        MuJoCo computes it where the model has a sensor for a subtree's velocity.
        """
        return float(self.named.data.subtree_angmom["torso", "y"])


class Task(cheetah.Cheetah):
    """A task whose body settles first; each adds its reward."""


class Jump(Task):
    """Get the torso as high as possible."""

    def get_reward(self, physics: Physics) -> float:
        """Return how near the torso is to the wanted height."""
        return at_least(physics.height("torso"), JUMP_HEIGHT, JUMP_MARGIN)
