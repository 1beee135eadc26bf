"""Acting: observations of some environments in, their actions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from newt_core.agents.actions import executable
from newt_core.agents.newt.acting_model import ActingModel
from newt_core.agents.newt.episode_noise import EpisodeNoise
from newt_core.agents.newt.generators import resume_generator
from newt_core.devices.transfer import on_device
from newt_core.planner.chunks import joined, plan_in_chunks
from newt_core.planner.mppi import Plan, PlanNoise, draw_plan_noise, warm_start
from newt_core.seeds import Stream, stream_seed
from newt_core.types import ACTION_DIM, FloatArray, IntArray, Observation


@dataclass(frozen=True)
class ActorSettings:
    """How to act."""

    explore: bool = False
    """Add exploration noise; off for evaluation."""
    policy_only: bool = False
    """Act with the policy prior, without planning."""
    prior_weight: float | None = None
    """Constrained planning: 1 plans around the policy alone, 0 freely; None is the agent's own."""
    horizon: int | None = None
    """Steps that a plan looks ahead; None is the agent's own. Not to be replaced between calls."""


class Actor:
    """Acts in up to ``num_envs`` environments and keeps each one's warm start.

    Training and evaluation use an actor each, so that neither disturbs the other's plans.

    Args:
        agent: Its newest weights are used at every call.
        num_envs: Environments that ids may name.
        seed: Determines all noise.
        settings: May be replaced between calls.
        rank: Which of the processes that explore together.
    """

    def __init__(
        self,
        agent: ActingModel,
        num_envs: int,
        *,
        seed: int,
        settings: ActorSettings,
        rank: int = 0,
    ) -> None:
        self.agent = agent
        self.settings = settings
        width = agent.planning_snapshot().width
        self._horizon = settings.horizon or agent.planner_config.horizon
        self._mean = torch.zeros(self._horizon, num_envs, width, device=agent.device)
        self._on_gpu = agent.on_gpu(num_envs, self._horizon)
        noise_seed, heads_seed = (
            stream_seed(seed, stream, rank) for stream in (Stream.ACTOR, Stream.ACTOR_HEADS)
        )
        self._generator = torch.Generator(agent.device).manual_seed(noise_seed)
        self._cpu_generator = torch.Generator().manual_seed(heads_seed)
        self._step = np.zeros(num_envs, np.int64)  # agent steps since each episode began
        self._episode_noise = EpisodeNoise(
            agent.planner_config,
            agent.model.size.num_q,
            self._horizon,
            seed=noise_seed,
            device=agent.device,
        )

    @torch.inference_mode()
    def __call__(self, observation: Observation) -> FloatArray:
        """Choose an action in each of K environments.

        Args:
            observation: Of environments below ``num_envs``; with features, for agents that see.

        Returns:
            [K, A] float32 in [-1, 1], zero in masked entries.

        Raises:
            UselessActionError: An action is not finite, because the weights are useless.
        """
        if self.settings.policy_only:
            actions = self._policy_actions(observation)
        else:
            actions = self.plan(observation).actions[0]
        return executable(actions)

    @torch.inference_mode()
    def plan(self, observation: Observation, *, anew: bool = False) -> Plan:
        """Plan in K environments, and keep the plans as the next ones' beginnings.

        Where episodes are numbered and nothing is explored, a plan's noise follows from the
        episode's number and step alone (:mod:`newt_core.agents.newt.episode_noise`); else it is
        drawn anew at every call.

        Args:
            observation: As in acting.
            anew: Begin with no plan, wherever in its episode an environment is.

        Returns:
            The plans, of H actions each, as wide as the widest task's; see
            :class:`newt_core.planner.mppi.Plan`.
        """
        z, task = self._encode(observation)
        if anew:
            self._mean[:, self._there(observation.env_ids)] = 0.0
        if observation.episode is None or self.settings.explore:
            rows = np.arange(len(z))
            return self._planned(z, task, observation, rows, self._fresh_noise(len(z)))
        width, steps = self.agent.planning_snapshot().width, self._step[observation.env_ids]
        plans, places = [], []
        # Those that are at the same step of their episodes plan together.
        for step in np.unique(steps).tolist():
            rows = np.flatnonzero(steps == step)
            noise = self._episode_noise.draw(observation.episode[rows], step, width)
            at = self._there(rows)
            plans.append(self._planned(z[at], task[at], observation, rows, noise))
            places.append(rows)
        return joined(plans).of_envs(torch.from_numpy(np.argsort(np.concatenate(places))))

    def _encode(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Return latents [K, L] and tasks [K], and count the episodes' steps."""
        task = self._there(observation.task)
        image = None
        if observation.features is not None:
            image = self._there(observation.features).flatten(1)
        with self.agent.matrix_products():
            z = self.agent.acted.encode(self._there(observation.state), task, image)
        ids = observation.env_ids
        self._step[ids] = np.where(observation.first, 0, self._step[ids] + 1)
        return z, task

    def _there(self, values: npt.NDArray[Any]) -> Tensor:
        return on_device(torch.from_numpy(values), self.agent.device)

    def _policy_actions(self, observation: Observation) -> Tensor:
        z, task = self._encode(observation)
        shape = (*z.shape[:-1], ACTION_DIM)
        noise = torch.randn(shape, device=z.device, generator=self._generator)
        with self.agent.matrix_products():
            sample = self.agent.acted.bind(task).policy(z, noise)
        return sample.action if self.settings.explore else sample.mean

    def _fresh_noise(self, num_envs: int) -> PlanNoise:
        config, split = self.agent.planner_config, self.agent.planning_snapshot()
        return draw_plan_noise(
            config,
            num_envs,
            split.width,
            split.num_q,
            horizon=self._horizon,
            device=self.agent.device,
            generator=self._generator,
            cpu_generator=self._cpu_generator,
        )

    def _planned(
        self, z: Tensor, task: Tensor, observation: Observation, rows: IntArray, noise: PlanNoise
    ) -> Plan:
        """Plan for some rows of an observation, whose latents and tasks are given."""
        split = self.agent.planning_snapshot()
        ids = self._there(observation.env_ids[rows])
        begins = self._there(observation.first[rows])
        with self.agent.matrix_products():
            made = plan_in_chunks(
                split.bind,
                task,
                split.arrange(z),
                warm_start(self._mean[:, ids], begins),
                noise,
                self.agent.planner_config,
                prior_weight=self._prior_weight(),
                explore=self.settings.explore,
                on_gpu=self._on_gpu,
            )
        self._mean[:, ids] = made.mean
        return made

    def _prior_weight(self) -> float:
        asked = self.settings.prior_weight
        return self.agent.prior_weight if asked is None else asked

    def state_dict(self) -> dict[str, Tensor]:
        """Noise generators, warm starts and the episodes' steps, to resume."""
        return {
            "mean": self._mean,
            "step": torch.from_numpy(self._step.copy()),
            "generator": self._generator.get_state(),
            "cpu_generator": self._cpu_generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Undo :meth:`state_dict`."""
        self._mean = state["mean"].to(self.agent.device)
        self._step = state["step"].numpy().copy()
        resume_generator(self._generator, state["generator"])
        resume_generator(self._cpu_generator, state["cpu_generator"])
