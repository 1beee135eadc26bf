"""Whether the kind of agent that a run is of can do what its settings ask."""

from __future__ import annotations

from collections.abc import Sequence

from newt_core.agents.base import Capabilities
from newt_core.errors import ConfigError
from newt_core.training.config import RunConfig


def require_able(able: Capabilities, config: RunConfig, tasks: int, *, online: bool) -> None:
    """Return if agents of a kind can do what a run's settings ask of them.

    Args:
        able: What they can do.
        config: The settings.
        tasks: How many tasks the run has.
        online: Whether the run is to interact.

    Raises:
        ConfigError: They cannot; the message says what to leave out.
    """
    if online and not able.learns_online:
        raise ConfigError(
            f"an agent '{config.agent.kind}' does not learn by interaction: use newt pretrain."
        )
    if config.demos.folder is not None and not able.learns_from_demonstrations:
        instead = "leave --demos out" if online else "use newt train"
        raise ConfigError(
            f"an agent '{config.agent.kind}' does not learn from demonstrations: {instead}."
        )
    if config.pretrained is not None:
        require_begins_with_weights(able, config.agent.kind)
    if tasks > 1 and not able.many_tasks:
        raise ConfigError(
            f"an agent '{config.agent.kind}' learns one task, and these are "
            f"{tasks:,}: name one, or make a run for each with --each."
        )
    if not able.reads_text and (config.text.instruction or config.text.embodiment):
        raise ConfigError(
            f"an agent '{config.agent.kind}' reads no text: leave --instruction and "
            "--embodiment out."
        )
    if config.model.feature_stack and not able.reads_features:
        raise ConfigError(
            f"an agent '{config.agent.kind}' does not see: leave --obs {config.model.obs} out."
        )
    if config.overlap != "off" and not able.overlaps:
        raise ConfigError(
            f"an agent '{config.agent.kind}' acts and learns in turn: leave overlap out."
        )


def require_begins_with_weights(able: Capabilities, kind: str) -> None:
    """Return if agents of a kind can begin with a checkpoint.

    Raises:
        ConfigError: They cannot.
    """
    if not able.begins_with_weights:
        raise ConfigError(
            f"an agent '{kind}' cannot begin with a checkpoint: leave --pretrained out."
        )


def require_read(able: Capabilities, kind: str, overrides: Sequence[str]) -> None:
    """Return if agents of a kind read the settings that a user has put one by one.

    Args:
        able: What they can do.
        kind: What they are called.
        overrides: ``key=value``, as ``--set`` takes them.

    Raises:
        ConfigError: One of them means nothing to them.
    """
    read = {
        "planner": able.plans,
        "replay": able.keeps_episodes,
        "model.size": able.has_sizes,
    }
    for override in overrides:
        name = override.partition("=")[0].strip()
        group = name.partition(".")[0]
        if name != "replay.save" and not read.get(name, read.get(group, True)):
            raise ConfigError(
                f"--set {override}: an agent '{kind}' does not read {name}: leave it out. Settings "
                "of its own are agent.options.…."
            )
