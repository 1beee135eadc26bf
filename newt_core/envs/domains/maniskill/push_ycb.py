"""Push an object of the YCB set across the table."""

from __future__ import annotations

from typing import Any

import sapien
from mani_skill.envs.tasks.tabletop.push_cube import PushCubeEnv
from mani_skill.utils.building import actors
from mani_skill.utils.scene_builder.table import TableSceneBuilder


class PushYCBEnv(PushCubeEnv):
    """The library's PushCube with an object in the place of the cube.

    It is dropped from a little above the table, and counts as on the table while its centre is
    lower than where it was dropped from, and half a centimetre.

    Args:
        model: the object's id in the set, such as ``013_apple``.
        settings: the library's own arguments.
    """

    cube_half_size = 0.04
    """Metres: the height that it starts from, and how far behind its centre to push."""

    def __init__(self, *, model: str, **settings: Any) -> None:
        self._model = model
        super().__init__(**settings)

    def _load_scene(self, options: dict[str, Any]) -> None:
        self.table_scene = TableSceneBuilder(self, robot_init_qpos_noise=self.robot_init_qpos_noise)
        self.table_scene.build()
        builder = actors.get_actor_builder(self.scene, id=f"ycb:{self._model}")
        builder.initial_pose = sapien.Pose(p=[0, 0, self.cube_half_size])
        self.obj = builder.build(name=self._model)
        self.goal_region = actors.build_red_white_target(
            self.scene,
            radius=self.goal_radius,
            thickness=1e-5,
            name="goal_region",
            add_collision=False,
            body_type="kinematic",
            initial_pose=sapien.Pose(p=[0, 0, 1e-3]),
        )
