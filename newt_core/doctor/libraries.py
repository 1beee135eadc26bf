"""PyTorch, GPUs, drawing, the simulators and the speed of training, tried out in processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newt_core.doctor.check import Check
from newt_core.doctor.probe import probe
from newt_core.doctor.probes import PRESET
from newt_core.envs.registry import BUILTIN_BUILDERS
from newt_core.specs import SpecLibrary

SECONDS = 120.0
"""How long an import or a task may take: machines may be busy, and disks cold."""
PYTORCH_INDEX = "https://download.pytorch.org/whl"
EGL = "sudo apt-get install -y libegl1 libgl1 libgles2 libegl-mesa0"
NO_VULKAN = "SAPIEN finds no device; of Mesa's software driver it needs 24.3 or newer"
VULKAN = "sudo apt-get install -y libvulkan1 mesa-vulkan-drivers"
OPTIONAL: Mapping[str, str] = MappingProxyType({"maniskill": VULKAN})
"""Domain that Newt does without, because it needs a driver → what to do where it does not build."""
AGAIN = "pip install --force-reinstall --no-deps"


def check_pytorch(device: Path = Path("/dev/nvidiactl")) -> list[Check]:
    """Look at PyTorch, torchvision beside it, and the GPU.

    Args:
        device: what is there where a GPU of NVIDIA is.
    """
    answer = probe("pytorch", seconds=SECONDS)
    if answer.problem is not None:
        return [Check("torch", False, answer.problem, f"{AGAIN} torch")]
    found: Mapping[str, Any] = answer.value
    built = f"for CUDA {found['cuda']}" if found["cuda"] else "for CPUs"
    checks = [Check("torch", True, f"torch {found['version']}, built {built}")]
    checks.append(_check_torchvision(found))
    checks.append(_check_gpu(found, device.exists()))
    return checks


def _check_torchvision(torch: Mapping[str, Any]) -> Check:
    """Look whether torchvision, which DINOv2's and ManiSkill's packages import, fits PyTorch."""
    answer = probe("torchvision", seconds=SECONDS)
    if answer.problem is None:
        detail = f"torchvision {answer.value} fits torch {torch['version']}"
        return Check("torchvision", True, detail, needed=False)
    return Check(
        "torchvision",
        False,
        f"cannot be imported beside torch {torch['version']} ({answer.problem}): "
        "both have to come from one source",
        f"{AGAIN} torchvision --index-url {PYTORCH_INDEX}/{_build(torch)}",
        needed=False,
    )


def _check_gpu(torch: Mapping[str, Any], driver: bool) -> Check:
    if torch["gpus"]:
        return Check("gpu", True, ", ".join(torch["gpus"]), needed=False)
    if not driver:
        return Check("gpu", True, "none: everything runs on the CPU", needed=False)
    there = f"there is one of NVIDIA, but torch {torch['version']}"
    if torch["cuda"]:
        return Check("gpu", False, f"{there} cannot use it: look at its driver's version",
                     "nvidia-smi", needed=False)  # fmt: skip
    return Check("gpu", False, f"{there} is built for CPUs",
                 f"pip install --force-reinstall torch torchvision --index-url "
                 f"{PYTORCH_INDEX}/cu128", needed=False)  # fmt: skip


def _build(torch: Mapping[str, Any]) -> str:
    """Return what PyTorch's index calls a build, such as ``cpu`` or ``cu128``."""
    return "cu" + torch["cuda"].replace(".", "") if torch["cuda"] else "cpu"


def check_drawing() -> list[Check]:
    """Look whether MuJoCo draws, and whether there is a Vulkan device for ManiSkill."""
    answer = probe("frame", seconds=SECONDS)
    detail = answer.problem or f"MuJoCo draws through {answer.value}"
    ok = answer.problem is None
    checks = [Check("egl", ok, detail, None if ok else EGL, needed=False)]
    answer = probe("vulkan", seconds=SECONDS)
    devices = answer.value or []
    detail = answer.problem or ", ".join(devices) or NO_VULKAN
    remedy = None if devices else VULKAN
    checks.append(Check("vulkan", bool(devices), detail, remedy, needed=False))
    return checks


def check_domain(domain: str, library: SpecLibrary) -> Check:
    """Build one of a domain's tasks, the first that needs no downloads."""
    name = f"domain {domain}"
    task = next(spec.id for spec in library.select(domain) if not spec.assets)
    answer = probe("build", task, seconds=SECONDS)
    needed = domain not in OPTIONAL
    if answer.problem is None:
        return Check(name, True, f"{task} is built and stepped in {answer.value:.1f} s",
                     needed=needed)  # fmt: skip
    remedy = OPTIONAL.get(domain, f"newt tasks check {task}")
    return Check(name, False, f"{task}: {answer.problem}", remedy, needed=needed)


def domains() -> list[str]:
    """Return the domains to try out."""
    return list(BUILTIN_BUILDERS)


def check_training() -> Check:
    """Train for a few seconds on made-up experience, and say what that comes to."""
    answer = probe("throughput", seconds=SECONDS)
    if answer.problem is not None:
        return Check("training", False, answer.problem, "newt bench train --obs state")
    speed: Mapping[str, float] = answer.value
    minutes = speed["steps"] / speed["steps_per_s"] / 60
    return Check(
        "training",
        True,
        f"preset {PRESET}: {speed['steps_per_s']:.1f} agent steps/s with one update each, "
        f"{speed['updates_per_s']:.1f} updates/s; its {speed['steps']:,.0f} steps take about "
        f"{minutes:,.0f} min, without evaluations",
    )
