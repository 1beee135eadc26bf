"""The kinds of agents: from a name in the settings to what makes agents of that kind.

A kind's module is imported when an agent of it is made. Users add kinds of their own under the
Python entry point group ``newt.agents``::

    [project.entry-points."newt.agents"]
    my-agent = "my_package.newt_agent:MyKind"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import torch
from pydantic import ValidationError

from newt_core.agents.base import Agent, Capabilities, OfflineAgent, OnlineAgent
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.encoders.image.base import ImageEncoder
from newt_core.errors import ConfigError, did_you_mean
from newt_core.replay import ReplayBuffer
from newt_core.settings.base import Settings
from newt_core.settings.messages import joined, reason, shown
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.types import FloatArray, IntArray

ENTRY_POINTS = "newt.agents"

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "newt": "newt_core.workflows.newt_kind:NewtKind",
        "bc": "newt_core.workflows.bc_kind:BCKind",
        "brc": "newt_core.workflows.brc_kind:BRCKind",
        "fasttd3": "newt_core.workflows.fasttd3_kind:FastTD3Kind",
        "ppo": "newt_core.workflows.ppo_kind:PPOKind",
        "tdmpc2": "newt_core.workflows.tdmpc2_kind:TDMPC2Kind",
    }
)
"""Kind → ``module:class``."""


@dataclass(frozen=True)
class AgentInputs:
    """What an agent is made of."""

    config: RunConfig
    """The run's settings; for those of the kind's own see :func:`options_of`."""
    specs: Sequence[TaskSpec]
    """Its tasks."""
    text: FloatArray
    """[tasks, 512] what it is told of each."""
    device: torch.device
    """Where it computes."""
    image_encoder: ImageEncoder | None
    """What makes features of frames; None for an agent of states."""
    steps: int = 0
    """Agent steps that it has learned from."""
    ranks: Ranks = ALONE
    """Those that train it together."""


class NoOptions(Settings):
    """Of a kind whose settings are all groups of the run's own."""


class AgentKind(Protocol):
    """Makes agents of one kind."""

    capabilities: ClassVar[Capabilities]
    options: ClassVar[type[Settings]]
    """Settings of the kind's own, as users write them after ``agent.options``."""

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Refuse settings that do not fit the tasks or this machine; nothing is made yet.

        Raises:
            ConfigError: Names the setting, what it asks for and what there is.
        """

    def new(self, inputs: AgentInputs) -> Agent:
        """Return an agent that has learned nothing."""

    def take_over(self, agent: Any, checkpoint: Path, text_encoder: str, config: RunConfig) -> None:
        """Let a new agent begin with what a checkpoint has learned.

        Raises:
            CheckpointError: It is of another kind or architecture, or reads other features.
        """

    def online(
        self,
        agent: Any,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> OnlineAgent:
        """Return the agent as one that learns while it acts.

        Args:
            agent: What :meth:`new` made.
            config: The run's settings.
            task_of_env: [E] index of each environment's task.
            folder: For what it remembers on the disk.
            demos: Demonstrations; None without.
            restored: Whether a checkpoint is gone on with; else ``folder`` is begun anew.
        """

    def offline(self, agent: Any, config: RunConfig, demos: ReplayBuffer) -> OfflineAgent:
        """Return the agent as one that learns from demonstrations alone.

        Of kinds that learn online, called only where that comes before; of kinds that learn from
        no demonstrations, never.

        Args:
            agent: What :meth:`new` made.
            config: The run's settings.
            demos: Demonstrations of the run's tasks.
        """


class FromNothing:
    """What kinds of agents inherit that begin with random weights alone, and learn online alone."""

    def take_over(self, agent: Any, checkpoint: Path, text_encoder: str, config: RunConfig) -> None:
        """See :class:`AgentKind`; never called."""
        raise NotImplementedError

    def offline(self, agent: Any, config: RunConfig, demos: ReplayBuffer) -> OfflineAgent:
        """See :class:`AgentKind`; never called."""
        raise NotImplementedError


def options_of(kind: AgentKind, config: RunConfig) -> Settings:
    """Return ``agent.options`` as the record that the kind of agent declares.

    Raises:
        ConfigError: There is no such option, or its value is not allowed.
    """
    given, known = config.agent.options, kind.options.model_fields
    for name in given:
        if name not in known:
            raise ConfigError(
                f"an agent '{config.agent.kind}' has no option '{name}'."
                f"{did_you_mean(name, known)} It has {', '.join(known) or 'none'}."
            )
    try:
        return kind.options.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # A rule between several of them.
            raise ConfigError(f"agent.options: {reason(first)}.") from error
        name = str(first["loc"][0])
        raise ConfigError(
            f"agent.options.{name} is {shown(given.get(name))}{joined(reason(first))}."
        ) from error


def own_options(config: RunConfig) -> Settings:
    """Return a run's ``agent.options`` as the record that its kind of agent declares.

    Raises:
        ConfigError: There is no such kind, or no such option, or its value is not allowed.
    """
    return options_of(find_kind(config.agent.kind), config)


def known_kinds() -> dict[str, str]:
    """Return all kinds, built in and installed, as name → ``module:class``."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | dict(KINDS)


def find_kind(name: str) -> AgentKind:
    """Import and return what makes agents of a kind.

    Raises:
        ConfigError: There is no such kind, or its module does not hold it.
    """
    known = KINDS if name in KINDS else known_kinds()
    if name not in known:
        raise ConfigError(
            f"there is no agent '{name}'.{did_you_mean(name, known)} Known: "
            f"{', '.join(sorted(known))}; a package adds one under '{ENTRY_POINTS}'."
        )
    module_name, _, attribute = known[name].partition(":")
    try:
        kind: AgentKind = getattr(import_module(module_name), attribute)()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the agent '{name}' cannot be loaded: {error}.") from error
    return kind
