"""What a run needs of an agent, whatever it learns by, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, SupportsFloat, runtime_checkable

import torch
from torch import Tensor

from newt_core.encoders.image.base import ImageEncoder
from newt_core.types import Act, Episode, FloatArray, Observation, Transitions

Metrics = Mapping[str, Tensor]
"""``part/what`` → a number, left on the device: looking at it would wait for a GPU."""


class Stateful(Protocol):
    """Something with a state that a checkpoint keeps, in types that a checkpoint may hold."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that :meth:`state_dict` returned."""


@dataclass
class Skipped:
    """Updates left out because a loss or a gradient was not finite; numbers on the device."""

    total: Tensor
    """[] of all updates so far."""
    in_a_row: Tensor
    """[] up to the newest update."""
    longest: Tensor
    """[] most in a row so far."""

    @classmethod
    def none(cls, device: torch.device) -> Skipped:
        """Begin to count."""
        return cls(*(torch.zeros((), dtype=torch.int64, device=device) for _ in range(3)))

    def count(self, bad: Tensor) -> None:
        """Take note of one update: [] 1 if it was left out, else 0."""
        bad = bad.long()
        self.total += bad
        self.in_a_row += 1
        self.in_a_row *= bad
        torch.maximum(self.longest, self.in_a_row, out=self.longest)


@dataclass(frozen=True)
class Capabilities:
    """What agents of a kind can do; what they cannot is refused before a run begins."""

    learns_online: bool = True
    """It learns by interaction; else from demonstrations alone."""
    many_tasks: bool = True
    """It learns several tasks at once; else one."""
    reads_text: bool = True
    """It is told of its tasks in words."""
    plans: bool = False
    """It can be told how near its policy to plan."""
    reads_features: bool = False
    """It can see: it acts on features of frames, too."""
    begins_with_weights: bool = False
    """It can begin with what a checkpoint has learned."""
    learns_from_demonstrations: bool = False
    """It can be pretrained and, if it learns online, too, mixes demonstrations with its own
    experience."""
    learns_on_ranks: bool = False
    """Several processes can train it together."""
    overlaps: bool = False
    """It can act in some environments at a time, and while it learns: :class:`OverlappingAgent`."""
    acts_open_loop: bool = False
    """It can plan many actions and execute them without looking; see :class:`Imagining`."""
    has_sizes: bool = False
    """It is made in the sizes of ``model.size``."""
    keeps_episodes: bool = False
    """It remembers whole episodes as the settings ``replay.…`` say, and learns from
    ``update.horizon`` steps of one at once."""


@dataclass(frozen=True)
class Acting:
    """How an agent is to act where it does not explore."""

    policy_only: bool = False
    """By its policy, without planning."""
    prior_weight: float | None = None
    """How near the policy it plans: 1 around the policy alone, 0 freely; None as it is used to."""
    open_loop: int | None = None
    """Actions that it plans at once and executes without looking, before it looks and plans again;
    None to plan after every action."""


@dataclass(frozen=True)
class Imagined:
    """What an agent foresees of K futures, H actions each."""

    reward: FloatArray
    """[H, K] of each action."""
    latent: FloatArray
    """[H + 1, K, L] of the states, the first of which was seen."""
    value: FloatArray
    """[H + 1, K] rewards still to come in them, discounted, if it goes on by its policy."""


class Imagining(Protocol):
    """An agent with a model of the world that can be looked into."""

    def imagine(self, seen: Observation, actions: FloatArray) -> Imagined:
        """Return what it expects of actions, which it does not see executed.

        Args:
            seen: K states from which it begins.
            actions: [H, K, A] after each; H may be 0.
        """


class Agent(Stateful, Protocol):
    """Something that acts in the tasks of its list, and whose state a checkpoint keeps."""

    @property
    def obs(self) -> Literal["state", "rgb", "both"]:
        """What it sees."""

    @property
    def feature_stack(self) -> int:
        """Features F that it reads: of the newest frame and those before it, 0 for none."""

    @property
    def image_encoder(self) -> ImageEncoder | None:
        """What makes the features; None for an agent of states."""

    def load_weights(self, state: dict[str, Any]) -> None:
        """Take over, of a :meth:`state_dict`, what acting needs.

        Raises:
            CheckpointError: It is of another architecture.
        """

    def player(self, num_envs: int, *, seed: int, how: Acting) -> Act:
        """Return what acts in up to ``num_envs`` environments, each with a state of its own.

        Args:
            num_envs: Ids of environments are below this.
            seed: Determines all noise.
            how: To act.
        """

    def mode(self, how: Acting) -> str:
        """Return what acting so is called in results, such as ``policy`` or ``planning``."""


@runtime_checkable
class Valuing(Protocol):
    """What an :class:`Agent` may be able to do beside: say what it expects."""

    def values(self, observation: Observation, action: FloatArray) -> FloatArray:
        """Return the discounted returns [K] that it expects of actions [K, A]."""


class LearningAgent(Protocol):
    """What a run needs of an agent that learns, from whatever."""

    @property
    def parts(self) -> Mapping[str, Stateful]:
        """Everything of it that changes during a run, under the names of the checkpoints."""

    @property
    def updates(self) -> int:
        """Gradient steps so far."""

    @property
    def skipped(self) -> Skipped:
        """Updates that were not finite; an agent leaves them out, and counts them here."""

    @property
    def remedy(self) -> str:
        """Settings to try where its numbers become useless: the end of a sentence."""


class OnlineAgent(LearningAgent, Protocol):
    """An agent that learns while it acts. It owns its experience, and decides when to learn.

    The training loop calls, step by step: :meth:`act` for all environments, :meth:`observe` with
    what came of it, :meth:`learn`.
    """

    def begin(self) -> None:
        """Get ready for the first step, once what a checkpoint kept is back."""

    def act(self, observation: Observation, steps: int) -> FloatArray:
        """Choose an action in each environment, exploring.

        Args:
            observation: Of all E environments.
            steps: Agent steps that the run has taken so far, summed over environments.

        Returns:
            [E, A] in [-1, 1], zero in masked entries.

        Raises:
            UselessActionError: An action is not finite, because the weights are useless.
        """

    def observe(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """Take in one step of all environments, and the episodes that ended with it."""

    def learn(self, steps: int) -> Iterator[Metrics]:
        """Take the gradient steps that are due after ``steps`` agent steps, one per iteration.

        Whoever iterates may break off; the rest is due at the next call.
        """

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """Return what a run's metrics say of it after ``steps`` agent steps."""


class OverlappingAgent(OnlineAgent, Protocol):
    """One that can choose actions while it learns, by the weights that it had before.

    Its :meth:`act` may be asked for some of the environments at a time, and by one thread while
    another iterates over what :meth:`learn` returned; nothing else of it is called then.
    """

    def due(self, steps: int) -> int:
        """Return how many gradient steps are due after ``steps`` agent steps."""

    def learn(self, steps: int, *, leave: int = 0) -> Iterator[Metrics]:
        """Take the gradient steps that are due but for the last ``leave``; see OnlineAgent.

        How many these are is decided when this is called.
        """

    def hold(self) -> None:
        """Act by the weights as they are now, whatever becomes of them, until :meth:`release`."""

    def release(self) -> None:
        """Act by the newest weights again."""


class OfflineAgent(LearningAgent, Protocol):
    """An agent that learns from demonstrations alone, which it draws itself."""

    def update(self) -> Metrics:
        """Take one gradient step."""

    def report(self) -> Mapping[str, SupportsFloat]:
        """Return what a run's metrics say of it by now."""
