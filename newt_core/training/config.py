"""A run's settings: small frozen parts, and how they come from presets, files and options.

Defaults are the paper's (Newt, tables 6 and 7), where it gives a number. The field descriptions
feed the documentation, and a field's type says whether a run that goes on may change it: see
:mod:`newt_core.training.resume`. Free of PyTorch, so that the command line starts quickly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from newt_core.agents.newt.config import RandomPhaseConfig, UpdateConfig
from newt_core.errors import ConfigError
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.settings import limits
from newt_core.settings.base import (
    DEVICE,
    RAY_CLUSTER,
    Changeable,
    FilePath,
    InInteraction,
    Settings,
)
from newt_core.settings.messages import joined, reason, shown
from newt_core.training.config_groups import (
    AgentConfig,
    CheckpointConfig,
    DemosConfig,
    EvaluationConfig,
    ImagesConfig,
    PretrainConfig,
    ReplayConfig,
    TextConfig,
)
from newt_core.training.config_layers import (
    Setting,
    read_config_file,
    read_flags,
    read_overrides,
    read_preset,
    read_saved,
)

S = TypeVar("S", bound=Settings)

# libyaml's writer is five times as fast, but not every build of PyYAML has it.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_OFF_AND_ON = {False: "off", True: "full"}
OverlapMode = Annotated[
    Literal["off", "simulation", "full"],
    BeforeValidator(lambda mode: _OFF_AND_ON[mode] if isinstance(mode, bool) else mode),
]
"""To YAML, off and on are truth values."""


class RunConfig(Settings):
    """Every setting of one training run."""

    tasks: str = Field("all", min_length=1, description="Task selector.")
    steps: InInteraction[int] = Field(
        100_000_000,
        ge=1,
        le=limits.COUNT,
        description="Length of the run: agent steps summed over all tasks. Shares of the run, such "
        "as planner.constrain_until, follow when it changes.",
    )
    seed: int = Field(0, ge=0, le=limits.SEED, description="Seed of all randomness.")
    device: Changeable[str] = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    envs_per_task: int = Field(
        1, ge=1, le=limits.ENVIRONMENTS, description="Environments of each task."
    )
    pretrained: FilePath = Field(
        None,
        description="A checkpoint to begin with instead of random weights. An agent trained on "
        "states can be given visual observations, too.",
    )
    overlap: InInteraction[OverlapMode] = Field(
        "off",
        description="What goes on at the same time: off for nothing, simulation to simulate some "
        "environments while it plans for others, full to take updates meanwhile, too.",
    )
    ray: InInteraction[str] = Field(
        "",
        description="A Ray cluster whose nodes run the environments that are learned in: auto for "
        "the one that this machine belongs to, or HOST:PORT of its head; empty for this machine.",
    )
    wandb: Changeable[bool] = Field(False, description="Report to Weights & Biases, too.")
    text: TextConfig = TextConfig()
    images: ImagesConfig = ImagesConfig()
    demos: DemosConfig = DemosConfig()
    agent: AgentConfig = AgentConfig()
    model: ModelConfig = ModelConfig()
    planner: PlannerConfig = PlannerConfig()
    pretrain: PretrainConfig = PretrainConfig()
    random_phase: RandomPhaseConfig = RandomPhaseConfig()
    update: UpdateConfig = UpdateConfig()
    replay: ReplayConfig = ReplayConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()

    @field_validator("device")
    @classmethod
    def _device_exists(cls, device: str) -> str:
        if not re.fullmatch(DEVICE, device):
            raise ValueError("it must be auto, cpu, cuda, cuda:N or mps")
        return device

    @field_validator("ray")
    @classmethod
    def _ray_is_an_address(cls, ray: str) -> str:
        if ray and not re.fullmatch(RAY_CLUSTER, ray):
            raise ValueError("it must be auto, or HOST:PORT, such as 10.0.0.1:6379")
        return ray

    @model_validator(mode="after")
    def _threads_multiply_alike(self) -> Self:
        if self.overlap == "full" and self.planner.tf32 != self.update.tf32:
            raise ValueError(
                "planner.tf32 and update.tf32 must be the same where overlap is full, which plans "
                "and updates at the same time"
            )
        return self

    @property
    def pretrains(self) -> bool:
        """Whether the run has to learn from demonstrations before it interacts."""
        return self.demos.folder is not None and self.demos.pretraining and self.pretrained is None

    @property
    def begins_pretrained(self) -> bool:
        """Whether the policy is worth following from the first interaction on."""
        return self.pretrains or self.pretrained is not None

    @property
    def who_learns(self) -> str:
        """The agent in a word or two: Newt's size, or another kind."""
        return self.model.size if self.agent.kind == "newt" else f"an agent '{self.agent.kind}'"

    def to_yaml(self) -> str:
        """Return the text of a settings file that resolves to these settings."""
        settings = self.model_dump(mode="json")
        return str(yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def resolve_config(
    preset: str | None = None,
    config_file: Path | None = None,
    overrides: Sequence[str] = (),
    **flags: Any,
) -> RunConfig:
    """Put a run's settings together; later sources win over earlier ones.

    The order is: defaults, preset, settings file, ``--set``, options with a name of their own.

    Args:
        preset: name of a preset, see :func:`newt_core.training.config_layers.preset_names`.
        config_file: a YAML file such as a run's ``config.yaml``; it may leave settings out.
        overrides: ``key=value`` with a dotted key and a value in YAML, as in
            ``planner.horizon=5``.
        **flags: options of the command line under their names, with ``_`` for ``-``:
            ``tasks``, ``steps``, ``seed``, ``device``, ``size``, ``save_replay``, ``updates``, or
            any setting at the top level. None means not given.

    Raises:
        ConfigError: a setting is unknown or its value not allowed; the message says where it
            was given.
    """
    fields = setting_fields()
    given: dict[str, Setting] = {}
    if preset is not None:
        given |= read_preset(preset, fields)
    if config_file is not None:
        given |= read_config_file(config_file, fields)
    given |= read_overrides(overrides, fields)
    given |= read_flags(flags, fields)
    return validated(given)


def saved_config(content: Mapping[str, Any]) -> RunConfig:
    """Return the settings that a checkpoint holds, under the names of today.

    Raises:
        ConfigError: They are those of another version of Newt.
    """
    return validated(read_saved(content, setting_fields()))


def changed(config: RunConfig, changes: Mapping[str, Setting]) -> RunConfig:
    """Return settings with some of them changed, as if they had been given so.

    Raises:
        ConfigError: A value is not allowed; the message says where it was given.
    """
    given = read_saved(config.model_dump(mode="json"), setting_fields())
    return validated({**given, **changes})


def validated(given: Mapping[str, Setting]) -> RunConfig:
    """Return the settings that were given under their dotted names, and defaults for the others.

    Raises:
        ConfigError: A value is not allowed; the message says where it was given.
    """
    try:
        return RunConfig.model_validate(_nested(given))
    except ValidationError as error:
        raise _explain(error, given) from error


def with_absolute_paths(settings: S) -> S:
    """Return settings whose files and folders can be found from anywhere."""
    changes: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changes[name] = value.expanduser().resolve()
        elif isinstance(value, Settings):
            changes[name] = with_absolute_paths(value)
    changes = {name: new for name, new in changes.items() if new is not getattr(settings, name)}
    return settings.model_copy(update=changes) if changes else settings


def setting_fields() -> dict[str, FieldInfo]:
    """Return every setting under its dotted name, such as ``planner.horizon``."""
    return dict(_fields_of(RunConfig, ""))


def _fields_of(model: type[BaseModel], prefix: str) -> list[tuple[str, FieldInfo]]:
    found: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            found += _fields_of(part, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", field))
    return found


def _nested(given: Mapping[str, Setting]) -> dict[str, Any]:
    """Turn dotted names back into the mapping of mappings that they stand for."""
    tree: dict[str, Any] = {}
    for name, setting in given.items():
        *groups, last = name.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        value = setting.value
        branch[last] = dict(value) if isinstance(value, Mapping) else value
    return tree


def _explain(error: ValidationError, given: Mapping[str, Setting]) -> ConfigError:
    """Say which setting is wrong, why, and where it was given."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    wrong = reason(first)
    if place in given:
        setting = given[place]
        said = shown(setting.value)
        return ConfigError(f"{setting.origin}: {place} is {said}{joined(wrong)}.")
    # A rule between several settings: of a part, all that were given there are suspects, otherwise
    # those that it names.
    suspects = {
        setting.origin: None
        for name, setting in given.items()
        if (name.startswith(f"{place}.") if place else re.search(rf"\b{re.escape(name)}\b", wrong))
    }
    where = f"{place}: " if place else ""
    return ConfigError(f"{', '.join(suspects) or 'settings'}: {where}{wrong}.")
