"""What an agent is made for: a device, and a list of tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch

from newt_core.arguments import shown
from newt_core.errors import ConfigError, did_you_mean, in_short
from newt_core.model.world_model import TaskTable
from newt_core.settings.base import DEVICE
from newt_core.specs import TaskSpec
from newt_core.types import FloatArray


def require_device(name: object) -> None:
    """Return if something is what a device may be called, be it there or not.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(name, str) or not re.fullmatch(DEVICE, name):
        hint = did_you_mean(name, ("auto", "cpu", "cuda", "mps")) if isinstance(name, str) else ""
        raise ConfigError(
            f"device is {shown(name)}; it must be auto, cpu, cuda, cuda:N or mps.{hint}"
        )


def choose_device(name: str) -> torch.device:
    """Return the torch device a setting stands for; ``auto`` takes a GPU if there is one.

    Raises:
        ConfigError: There is no such device.
    """
    require_device(name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:  # cuda:999 is beyond what PyTorch counts
        raise ConfigError(f"device {name}: {in_short(error)}. Use --device cpu.") from error
    gpus = torch.cuda.device_count()
    missing = (device.type == "cuda" and (device.index or 0) >= gpus) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise ConfigError(
            f"device {name}: this machine or this PyTorch has "
            f"{'none' if device.type == 'mps' or not gpus else f'cuda:0 to cuda:{gpus - 1}'}. "
            "Use --device cpu."
        )
    return device


def task_table(specs: Sequence[TaskSpec], text: FloatArray) -> TaskTable:
    """Return what the model needs of each task; ``text`` is [tasks, 512]."""
    return TaskTable(
        text=torch.from_numpy(np.asarray(text, np.float32)),
        action_mask=torch.from_numpy(np.stack([spec.action_mask for spec in specs])),
        discount=torch.tensor([spec.gamma for spec in specs], dtype=torch.float32),
    )
