"""An agent that another program asks for actions, one environment per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from newt_core import arguments
from newt_core.agents.base import Acting, Agent, Valuing
from newt_core.errors import (
    InvalidActionError,
    NoEpisodeError,
    UnknownTaskError,
    did_you_mean,
    in_short,
)
from newt_core.specs import TaskSpec
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


class LoadedAgent:
    """Acts in one environment per task, planning from its own previous plan.

    A plan begins where the one of the step before was, so the agent has to know where an episode
    begins: :meth:`reset` says so. It refuses to act for longer than a task's episodes last.
    """

    def __init__(
        self,
        agent: Agent,
        act: Act,
        specs: Sequence[TaskSpec],
        *,
        policy_only: bool = False,
        seed: int = 0,
    ) -> None:
        """``act`` plays ``agent`` as ``policy_only`` says; ``seed`` is for the other way to act."""
        self._agent = agent
        self._policy_only = policy_only
        self._players = {policy_only: act}
        """Whether it leaves planning out → what acts so."""
        self._seed = seed
        self._index = {spec.id: index for index, spec in enumerate(specs)}
        self._specs = list(specs)
        self._acted = dict.fromkeys(self._index, 0)
        """Task → actions chosen in its present episode."""
        self._newest: dict[str, tuple[Observation, FloatArray]] = {}
        """Task → what it acted on last, and the action, [1, A]."""
        self._way = dict.fromkeys(self._index, policy_only)
        """Task → whether planning was left out at its last step."""
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
        policy_only: bool | None = None,
    ) -> FloatArray:
        """Choose an action.

        Args:
            obs: What :func:`newt_core.make` gives with ``obs=agent.obs``: the task's state
                [obs_dim], or padded to [128]; a picture [224, 224, 3] uint8; or a mapping with
                both under ``state`` and ``rgb``.
            task: The task's id.
            first: True is another way to call :meth:`reset` before.
            policy_only: Whether to act with the policy prior instead of planning; by default as
                it was loaded. The two can take turns within an episode.

        Returns:
            [action_dim] float32 in [-1, 1].

        Raises:
            ConfigError: ``task`` is no text, or one of the others neither True, False nor None.
            UnknownTaskError: The agent was not loaded for this task.
            InvalidActionError: The observation is another, or not finite.
            NoEpisodeError: As many actions were chosen as an episode of the task has.
        """
        spec = self._spec(task)
        by_policy = (
            self._policy_only
            if policy_only is None
            else arguments.truth("policy_only", policy_only)
        )
        if first is not None and arguments.truth("first", first):
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
        # A plan goes on from that of the step before, if there was one.
        afresh = np.array([begins or self._way[task] != by_policy])
        observation = Observation(padded, index, index, afresh, features)
        action = self._player(by_policy)(observation)
        self._acted[task], self._way[task] = acted + 1, by_policy
        # The features are in an array that the next look changes.
        kept = None if features is None else features.copy()
        self._newest[task] = (replace(observation, features=kept), action)
        return action[0, : spec.action_dim]

    def _player(self, policy_only: bool) -> Act:
        if policy_only not in self._players:
            how = Acting(policy_only=policy_only)
            player = self._agent.player(len(self._specs), seed=self._seed, how=how)
            self._players[policy_only] = player
        return self._players[policy_only]

    def value(self, task: str) -> float | None:
        """Return the discounted return that it expected of its newest action in a task.

        Returns:
            The mean of its value heads; None for an agent without values.

        Raises:
            UnknownTaskError: The agent was not loaded for this task.
            NoEpisodeError: It has not acted in the task yet.
        """
        spec = self._spec(task)
        if spec.id not in self._newest:
            raise NoEpisodeError(f"the agent has not acted in '{task}' yet: call act() first.")
        if not isinstance(self._agent, Valuing):
            return None
        return float(self._agent.values(*self._newest[spec.id])[0])

    def _spec(self, task: str) -> TaskSpec:
        arguments.word("task", task, "the id of a task, such as 'walker-run'")
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
        try:
            with np.errstate(over="ignore"):
                row = np.asarray(state, np.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidActionError(
                f"the observation for '{task}' is no array of {spec.obs_dim} numbers: "
                f"{in_short(error)}."
            ) from error
        if row.shape not in ((spec.obs_dim,), (STATE_DIM,)):
            raise InvalidActionError(
                f"the observation for '{task}' has shape {list(row.shape)}; it must be "
                f"[{spec.obs_dim}], or [{STATE_DIM}] with padding."
            )
        finite = np.isfinite(row)
        if not finite.all():
            entry = int(np.argmin(finite))
            raise InvalidActionError(
                f"entry {entry} of the observation for '{task}' is {row[entry]}; it must be a "
                "finite 32-bit number."
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
    try:
        frame = np.asarray(picture)
    except (TypeError, ValueError) as error:
        raise InvalidActionError(
            f"the picture of '{task}' is no array: {in_short(error)}."
        ) from error
    if frame.shape != (FRAME_SIZE, FRAME_SIZE, 3) or frame.dtype != np.uint8:
        raise InvalidActionError(
            f"the picture of '{task}' must be uint8 [{FRAME_SIZE}, {FRAME_SIZE}, 3], got "
            f"{frame.dtype} {list(frame.shape)}."
        )
    return frame
