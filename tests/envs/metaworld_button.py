"""The reward that version 3 of Meta-World changed, as it was before, written out."""

from __future__ import annotations

import numpy as np

TURNED_AROUND = "mw-button-press-topdown-wall"
"""The task whose reward that is."""


def earlier_reward(environment, obs):
    """The button's reward before the library's version 3, and what goes with it."""

    def long_tail(distance, bound, margin):
        if distance <= bound:
            return 1.0
        # 0.1 at the margin.
        return 1.0 / (((distance - bound) / margin * 3.0) ** 2 + 1.0)

    button = obs[4:7]
    to_button = float(np.linalg.norm(button - environment.tcp_center))
    near = long_tail(to_button, 0.01, float(np.linalg.norm(button - environment.init_tcp)))
    to_press = abs(environment._target_pos[2] - button[2])
    pressed = long_tail(to_press, 0.005, environment._obj_to_target_init)
    closed = 1.0 - obs[3]
    both = closed + near - closed * near
    reward = 5.0 * (closed * near / both if both > 0.0 else 0.0)
    if to_button <= 0.03:
        reward += 5.0 * pressed
    return reward, to_button, obs[3], to_press, near, pressed
