"""A trained agent for use in other programs.

Example::

    agent = newt_core.load("runs/demo/checkpoints/last.pt")
    env = newt_core.make("walker-run")
    obs, info = env.reset(seed=0)
    done, first = False, True
    while not done:
        action = agent.act(obs, task="walker-run", first=first)
        obs, reward, _, done, info = env.step(action)
        first = False
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.encoders import TextOptions
from newt_core.errors import InvalidActionError, UnknownTaskError, did_you_mean
from newt_core.restore import load_agent
from newt_core.specs import TaskSpec, Wording, load_specs
from newt_core.types import STATE_DIM, FloatArray


class LoadedAgent:
    """Acts in one environment per task, planning from its own previous plan."""

    def __init__(self, actor: Actor, specs: Sequence[TaskSpec]) -> None:
        self._actor = actor
        self._index = {spec.id: index for index, spec in enumerate(specs)}
        self._specs = list(specs)
        self._begun: set[str] = set()

    @property
    def tasks(self) -> list[str]:
        """The tasks it can act in."""
        return list(self._index)

    def act(self, obs: ArrayLike, task: str, *, first: bool | None = None) -> FloatArray:
        """Choose an action.

        Args:
            obs: [obs_dim] the task's observation, or padded to [128].
            task: The task's id.
            first: Whether the observation begins an episode, which forgets the last plan; by
                default only at the task's first call.

        Returns:
            [action_dim] float32 in [-1, 1].

        Raises:
            UnknownTaskError: The agent was not loaded for this task.
            InvalidActionError: The observation has another length or is not finite.
        """
        if task not in self._index:
            raise UnknownTaskError(
                f"this agent was not loaded for the task '{task}'."
                f"{did_you_mean(task, self._index)} It acts in {', '.join(self._index)}."
            )
        spec = self._specs[self._index[task]]
        row = np.asarray(obs, np.float32)
        if row.shape not in ((spec.obs_dim,), (STATE_DIM,)) or not np.isfinite(row).all():
            raise InvalidActionError(
                f"the observation for '{task}' must hold {spec.obs_dim} finite numbers, "
                f"got shape {row.shape}."
            )
        padded = np.zeros((1, STATE_DIM), np.float32)
        padded[0, : len(row)] = row
        begins = task not in self._begun if first is None else first
        self._begun.add(task)
        index = np.array([self._index[task]])
        action = self._actor(padded, index, index, np.array([begins]))
        return action[0, : spec.action_dim]


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
    agent, chosen = load_agent(Path(checkpoint), chosen, library=library, device=device, text=text)
    actor = Actor(agent, len(chosen), seed=seed, settings=ActorSettings(policy_only=policy_only))
    return LoadedAgent(actor, chosen)
