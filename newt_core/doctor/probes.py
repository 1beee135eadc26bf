"""What is tried out in processes of their own; what a function returns travels as JSON."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from newt_core.errors import NewtError, in_short
from newt_core.threads import prepare_process

PRESET = "cpu"
"""Whose training is timed."""
TASK = "pygame-cowboy"
"""Which it is timed in: a game that needs no other simulator."""
TIMED_SECONDS = 1.5
"""How long acting and updating are timed, each."""


def pytorch() -> dict[str, Any]:
    """Import PyTorch and ask it for GPUs."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {"version": torch.__version__, "cuda": torch.version.cuda, "gpus": gpus}


def torchvision() -> str:
    """Import torchvision, which fails beside a PyTorch that it was not built for."""
    # No requirement of Newt's own: packages that it uses bring it along.
    return str(import_module("torchvision").__version__)


def frame() -> str:
    """Draw a frame by MuJoCo; return through what."""
    from newt_core.envs.gallery import picture
    from newt_core.specs import load_specs

    picture(load_specs()["mujoco-reacher"], steps=0)
    return os.environ.get("MUJOCO_GL") or "the screen"


def vulkan() -> list[str]:
    """Return the devices that SAPIEN can use through Vulkan."""
    import sapien

    summary = sapien.render.get_device_summary()
    found = re.findall(r"GPU: (.*)\n\s*Supported: *(\d)", summary)
    return [name.strip() for name, supported in found if supported == "1"]


def build(task: str) -> float:
    """Build a task, reset it and make a step; return the seconds that took."""
    from newt_core.envs.task_env import make

    start = time.perf_counter()
    env = make(task)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()
    return time.perf_counter() - start


def throughput() -> dict[str, float]:
    """Time a run's acting and updates: agent steps and updates a second."""
    prepare_process(lambda line: None)
    from newt_core.specs import load_specs
    from newt_core.training.config import resolve_config
    from newt_core.workflows.trial_loop import trial_loop

    config = resolve_config(PRESET, tasks=TASK)
    with trial_loop(config, load_specs().select(TASK)) as trial:
        step_s, update_s = _seconds(trial.act), _seconds(trial.update)
    return {
        "steps_per_s": 1 / (step_s + config.update.updates_per_step * update_s),
        "updates_per_s": 1 / update_s,
        "steps": config.steps,
    }


def _seconds(work: Callable[[], object]) -> float:
    """Return the mean time of a call, the first one not counted."""
    work()
    start, calls = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < TIMED_SECONDS or not calls:
        work()
        calls += 1
    return passed / calls


def main(name: str, *arguments: str) -> None:
    """Call a function of this module and write what came of it to stdout, alone."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print, too
    try:
        document = {"value": globals()[name](*arguments)}
    except NewtError as error:
        document = {"problem": " ".join(str(error).split())}
    except Exception as error:  # noqa: BLE001 (a library can fail in any way)
        document = {"problem": f"{type(error).__name__}: {in_short(error)}"}
    json.dump(document, answer)
    answer.flush()
    os._exit(0)  # Some libraries hang or crash while they are unloaded.
