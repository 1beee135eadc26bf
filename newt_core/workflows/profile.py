"""How fast a machine is at each stage of training: measured, kept in a file, taken elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from newt_core.agents.newt.setup import choose_device
from newt_core.agents.newt.work import plan_flops, update_flops
from newt_core.envs.pool import usual_workers
from newt_core.errors import ConfigError
from newt_core.files import write_json
from newt_core.specs import TaskSpec
from newt_core.threads import usable_cores
from newt_core.training.config import RunConfig
from newt_core.training.hardware import describe_hardware
from newt_core.workflows.stage_times import stage_times
from newt_core.workflows.trial_loop import trial_loop


class Profile(BaseModel):
    """A machine's speed, from which the cost of other runs can be worked out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    machine: dict[str, Any]
    """As :func:`newt_core.training.hardware.describe_hardware` says it."""
    device: str
    """Where the networks computed: ``cpu`` or ``cuda``."""
    cores: int = Field(ge=1)
    """That simulators share."""
    planning_flops_per_s: float = Field(gt=0)
    """Of one GPU, or of all cores; see :mod:`newt_core.agents.newt.work`."""
    learning_flops_per_s: float = Field(gt=0)
    simulation_core_s: float = Field(ge=0)
    """Seconds of one core for one step of an environment, the mean of those measured."""
    measured_on: str
    """The tasks and the model size that it was measured on."""


def require_gpus(count: int, config: RunConfig) -> None:
    """See that there are so many GPUs here, whose speed can be measured.

    Raises:
        ConfigError: There are fewer.
    """
    import torch

    here = torch.cuda.device_count() if choose_device(config.device).type == "cuda" else 0
    if here < count:
        there = "there is no GPU here" if not here else f"GPUs here: {here}"
        raise ConfigError(
            f"{there}: measure a machine that has {count} with 'newt plan --save-profile FILE', "
            "and name the file with --profile."
        )


def measure_profile(config: RunConfig, specs: Sequence[TaskSpec]) -> Profile:
    """Time a few steps and updates of a run here.

    Raises:
        EnvironmentFailure: A task's simulator keeps failing.
    """
    with trial_loop(config, specs) as trial:
        took = stage_times(trial)
    workers, envs = max(1, usual_workers()), len(specs)
    return Profile(
        machine=describe_hardware(),
        device=choose_device(config.device).type,
        cores=usable_cores(),
        planning_flops_per_s=envs * plan_flops(config.model, config.planner) / took.plan,
        learning_flops_per_s=update_flops(config.model, config.update) / took.update,
        simulation_core_s=took.simulate * min(workers, envs) / envs,
        measured_on=f"{envs} environment{'' if envs == 1 else 's'}, {config.model.size}",
    )


def save_profile(profile: Profile, path: Path) -> None:
    """Write it as JSON.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        write_json(path, profile.model_dump(mode="json"))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}.") from error


def read_profile(path: Path) -> Profile:
    """Read what :func:`save_profile` wrote.

    Raises:
        ConfigError: The file is missing, or is no profile.
    """
    try:
        return Profile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "it"
        raise ConfigError(
            f"{path} is no profile of a machine: '{where}' is missing or wrong. "
            "'newt plan --save-profile FILE' writes one."
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON file: {error}.") from error
