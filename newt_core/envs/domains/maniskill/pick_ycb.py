"""Pick up an object of the YCB set: the library's task with one object that never changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from mani_skill.envs.tasks.tabletop.pick_single_ycb import PickSingleYCBEnv


class PickYCBEnv(PickSingleYCBEnv):
    """The library's PickSingleYCB with one object instead of a random one.

    Args:
        model: the object's id in the set, such as ``013_apple``.
        settings: the library's own arguments.
    """

    def __init__(self, *, model: str, **settings: Any) -> None:
        self._only_model = model
        super().__init__(**settings)

    def _load_scene(self, options: dict[str, Any]) -> None:
        # The library made the list in its constructor, which goes on to build the scene.
        self.all_model_ids = np.array([self._only_model])
        super()._load_scene(options)
