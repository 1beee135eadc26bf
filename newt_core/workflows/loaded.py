"""A trained agent for use in other programs.

Example::

    agent = newt_core.load("runs/demo/checkpoints/last.pt")
    env = newt_core.make("cartpole-swingup")
    for seed in range(10):
        obs, info = env.reset(seed=seed)
        agent.reset("cartpole-swingup")  # a new episode: the plans of the one before are void
        done = False
        while not done:
            action = agent.act(obs, task="cartpole-swingup")
            obs, reward, _, done, info = env.step(action)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from newt_core.agents.base import Acting, Agent
from newt_core.encoders import TextOptions
from newt_core.errors import InvalidActionError, NoEpisodeError, UnknownTaskError, did_you_mean
from newt_core.specs import TaskSpec, Wording, load_specs
from newt_core.types import (
    FRAME_SIZE,
    IMAGE_DIM,
    STATE_DIM,
    Act,
    ByteArray,
    FloatArray,
    HalfArray,
    Observation,
)
from newt_core.workflows.load_agent import load_agent


class LoadedAgent:
    """Acts in one environment per task, planning from its own previous plan.

    A plan begins where the one of the step before was, so the agent has to know where an episode
    begins: :meth:`reset` says so. It refuses to act for longer than a task's episodes last.
    """

    def __init__(self, agent: Agent, act: Act, specs: Sequence[TaskSpec]) -> None:
        self._agent = agent
        self._act = act
        self._index = {spec.id: index for index, spec in enumerate(specs)}
        self._specs = list(specs)
        self._acted = dict.fromkeys(self._index, 0)
        """Task → actions chosen in its present episode."""
        stack = (len(specs), agent.feature_stack, IMAGE_DIM)
        self._seen: HalfArray = np.zeros(stack, np.float16)

    @property
    def tasks(self) -> list[str]:
        """The tasks it can act in."""
        return list(self._index)

    @property
    def obs(self) -> Literal["state", "rgb", "both"]:
        """What it observes: ``state``, ``rgb`` or ``both``, as in :func:`newt_core.make`."""
        return self._agent.obs

    def reset(self, task: str) -> None:
        """Begin an episode of a task: the next observation is its first.

        Before the very first one it need not be said. An episode that is given up half-way has
        to be ended like this, too; nothing else could tell.

        Raises:
            UnknownTaskError: The agent was not loaded for this task.
        """
        self._acted[self._spec(task).id] = 0

    def act(
        self,
        obs: ArrayLike | Mapping[str, ArrayLike],
        task: str,
        *,
        first: bool | None = None,
    ) -> FloatArray:
        """Choose an action.

        Args:
            obs: What :func:`newt_core.make` gives with ``obs=agent.obs``: the task's state
                [obs_dim], or padded to [128]; a picture [224, 224, 3] uint8; or a mapping with
                both under ``state`` and ``rgb``.
            task: The task's id.
            first: True is another way to call :meth:`reset` before.

        Returns:
            [action_dim] float32 in [-1, 1].

        Raises:
            UnknownTaskError: The agent was not loaded for this task.
            InvalidActionError: The observation is another, or not finite.
            NoEpisodeError: As many actions were chosen as an episode of the task has.
        """
        spec = self._spec(task)
        if first:
            self.reset(task)
        acted = self._acted[task]
        if acted >= spec.episode_length:
            raise NoEpisodeError(
                f"an episode of '{task}' has {spec.episode_length} steps, and the agent has acted "
                f"in all of them: call agent.reset('{task}') when a new one begins."
            )
        state, picture = self._parts(obs, task)
        padded = np.zeros((1, STATE_DIM), np.float32)
        if state is not None:
            padded[0, : len(state)] = state
        begins = acted == 0
        index = np.array([self._index[task]])
        features = None if picture is None else self._look(picture, int(index[0]), begins)
        action = self._act(Observation(padded, index, index, np.array([begins]), features))
        self._acted[task] = acted + 1
        return action[0, : spec.action_dim]

    def _spec(self, task: str) -> TaskSpec:
        if task not in self._index:
            raise UnknownTaskError(
                f"this agent was not loaded for the task '{task}'."
                f"{did_you_mean(task, self._index)} It acts in {', '.join(self._index)}."
            )
        return self._specs[self._index[task]]

    def _parts(
        self, obs: ArrayLike | Mapping[str, ArrayLike], task: str
    ) -> tuple[FloatArray | None, ByteArray | None]:
        """Return an observation's state and picture, as far as this agent observes them."""
        if self.obs == "both":
            if not isinstance(obs, Mapping) or not {"state", "rgb"} <= obs.keys():
                raise InvalidActionError(
                    f"the observation for '{task}' must be a mapping with 'state' and 'rgb', as "
                    "newt_core.make(…, obs='both') gives it."
                )
            return self._state(obs["state"], task), _picture(obs["rgb"], task)
        if isinstance(obs, Mapping):
            raise InvalidActionError(
                f"this agent observes {self.obs} only: make its environments with obs='{self.obs}'."
            )
        if self.obs == "rgb":
            return None, _picture(obs, task)
        return self._state(obs, task), None

    def _state(self, state: ArrayLike, task: str) -> FloatArray:
        spec = self._specs[self._index[task]]
        row = np.asarray(state, np.float32)
        if row.shape not in ((spec.obs_dim,), (STATE_DIM,)) or not np.isfinite(row).all():
            raise InvalidActionError(
                f"the observation for '{task}' must hold {spec.obs_dim} finite numbers, "
                f"got shape {row.shape}."
            )
        return row

    def _look(self, picture: ByteArray, index: int, begins: bool) -> HalfArray:
        """Return the features of the newest picture and those before it, [1, F, D]."""
        encoder = self._agent.image_encoder
        assert encoder is not None
        seen = self._seen[index]
        feature = encoder.encode(picture[None])[0]
        seen[:-1] = feature if begins else seen[1:].copy()
        seen[-1] = feature
        return seen[None]


def _picture(picture: ArrayLike, task: str) -> ByteArray:
    frame = np.asarray(picture)
    if frame.shape != (FRAME_SIZE, FRAME_SIZE, 3) or frame.dtype != np.uint8:
        raise InvalidActionError(
            f"the picture of '{task}' must be uint8 [{FRAME_SIZE}, {FRAME_SIZE}, 3], got "
            f"{frame.dtype} {list(frame.shape)}."
        )
    return frame


def load(
    checkpoint: str | Path,
    tasks: str | Sequence[str] | None = None,
    *,
    specs: Sequence[Path] = (),
    device: str = "auto",
    policy_only: bool = False,
    seed: int = 0,
    instruction: str | None = None,
    embodiment: str | None = None,
    text_weights: str | Path | None = None,
    image_weights: str | Path | None = None,
) -> LoadedAgent:
    """Load a checkpoint for acting.

    Args:
        checkpoint: A checkpoint of ours.
        tasks: Task selector; by default the tasks it was trained on.
        specs: Folders of a user's own task specs.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        policy_only: Act with the policy prior instead of planning.
        seed: Determines the planner's noise.
        instruction: What to tell the agent instead of the one task's own instruction.
        embodiment: Likewise, of its body.
        text_weights: The text encoder's file, if it was trained with one of the user's own.
        image_weights: DINOv2's file, likewise.

    Raises:
        CheckpointError: The file is missing, damaged or foreign.
        UnknownTaskError: The selector matches nothing.
        WeightsError: A text is new, and the weights to embed it are not here.
    """
    library = load_specs(specs)
    chosen = library.select(tasks) if tasks is not None else None
    text = TextOptions(
        Wording(instruction, embodiment),
        weights=Path(text_weights) if text_weights is not None else None,
    )
    agent, chosen = load_agent(
        Path(checkpoint),
        chosen,
        library=library,
        device=device,
        text=text,
        image_weights=Path(image_weights) if image_weights is not None else None,
    )
    act = agent.player(len(chosen), seed=seed, how=Acting(policy_only=policy_only))
    return LoadedAgent(agent, act, chosen)
