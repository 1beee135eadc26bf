"""Reach: bring the gripper to a place in the air."""

from __future__ import annotations

from typing import Any

import sapien
import torch
from mani_skill.envs.tasks.tabletop.pick_cube import PickCubeEnv
from mani_skill.utils.building import actors
from mani_skill.utils.scene_builder.table import TableSceneBuilder
from mani_skill.utils.structs.pose import Pose

GOAL_THRESHOLD = 0.025
"""Metres between gripper and goal within which the goal is reached."""
GOAL_HALF_WIDTH, GOAL_HEIGHT = 0.1, 0.3
"""Metres: the goal is drawn from this far to each side and from the table up to this height."""


class ReachEnv(PickCubeEnv):
    """The library's PickCube without its cube."""

    def _load_scene(self, options: dict[str, Any]) -> None:
        self.table_scene = TableSceneBuilder(self, robot_init_qpos_noise=self.robot_init_qpos_noise)
        self.table_scene.build()
        self.goal_site = actors.build_sphere(
            self.scene,
            radius=GOAL_THRESHOLD,
            color=[0, 1, 0, 1],
            name="goal_site",
            body_type="kinematic",
            add_collision=False,
            initial_pose=sapien.Pose(),
        )
        self._hidden_objects.append(self.goal_site)

    def _initialize_episode(self, env_idx: torch.Tensor, options: dict[str, Any]) -> None:
        with torch.device(self.device):
            self.table_scene.initialize(env_idx)
            goal = torch.rand((len(env_idx), 3))
            goal[:, :2] = (2 * goal[:, :2] - 1) * GOAL_HALF_WIDTH
            goal[:, 2] *= GOAL_HEIGHT
            self.goal_site.set_pose(Pose.create_from_pq(goal))

    def evaluate(self) -> dict[str, torch.Tensor]:
        """Return the distance to the goal in metres, and whether that is success."""
        distance = torch.linalg.norm(self._way(), dim=1)
        return {"distance": distance, "success": distance <= GOAL_THRESHOLD}

    def _get_obs_extra(self, info: dict[str, Any]) -> dict[str, torch.Tensor]:
        return {
            "tcp_pose": self.agent.tcp_pose.raw_pose,
            "goal_pos": self.goal_site.pose.p,
            "tcp_to_goal_pos": self._way(),
        }

    def compute_normalized_dense_reward(
        self, obs: Any, action: torch.Tensor, info: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Closeness in (0, 1], and one more at the goal: in (0, 2], as the benchmark has it."""
        return 1 + info["success"] - torch.tanh(5 * info["distance"])

    def _way(self) -> torch.Tensor:
        """[1, 3] from the gripper to the goal, in metres."""
        return self.goal_site.pose.p - self.agent.tcp_pose.p
