"""The library's environment classes: which there are, and how Newt builds them."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from newt_core.envs.assets import DATA, FOLDER_VARIABLE, LIBRARY_VARIABLE, assets_folder
from newt_core.errors import ConfigError, MissingDependencyError, SpecError

LIBRARY = "mani_skill.envs.tasks."
OWN = "newt_core.envs.domains.maniskill."
XARM: Mapping[str, Any] = MappingProxyType({"robot_uids": "xarm6_robotiq"})


class Kind(NamedTuple):
    """One environment."""

    place: str
    """``module:class``."""
    options: Mapping[str, Any] = MappingProxyType({})
    """Arguments of the class."""
    takes_model: bool = False
    """Whether it has an object of the YCB set, which the spec names."""


TASKS: Mapping[str, Kind] = MappingProxyType(
    {
        "AnymalC-Reach-v1": Kind(f"{LIBRARY}quadruped.quadruped_reach:AnymalCReachEnv"),
        "LiftPegUpright-v1": Kind(f"{LIBRARY}tabletop.lift_peg_upright:LiftPegUprightEnv"),
        "MS-AntRun-v1": Kind(f"{LIBRARY}control.ant:AntRun"),
        "MS-AntWalk-v1": Kind(f"{LIBRARY}control.ant:AntWalk"),
        "MS-CartpoleBalance-v1": Kind(f"{LIBRARY}control.cartpole:CartpoleBalanceEnv"),
        "MS-CartpoleBalanceSparse-v1": Kind(f"{OWN}sparse_cartpole:CartpoleBalanceSparseEnv"),
        "MS-CartpoleSwingUp-v1": Kind(f"{LIBRARY}control.cartpole:CartpoleSwingUpEnv"),
        "MS-CartpoleSwingUpSparse-v1": Kind(f"{OWN}sparse_cartpole:CartpoleSwingUpSparseEnv"),
        "MS-HopperHop-v1": Kind(f"{LIBRARY}control.hopper:HopperHopEnv"),
        "MS-HopperStand-v1": Kind(f"{LIBRARY}control.hopper:HopperStandEnv"),
        "PickCube-v1": Kind(f"{LIBRARY}tabletop.pick_cube:PickCubeEnv"),
        "PickCubeSO100-v1": Kind(f"{LIBRARY}tabletop.pick_cube:PickCubeSO100Env"),
        "PickCubexArm6-v1": Kind(f"{LIBRARY}tabletop.pick_cube:PickCubeEnv", XARM),
        "PickSingleYCB-v1": Kind(f"{OWN}pick_ycb:PickYCBEnv", takes_model=True),
        "PlaceSphere-v1": Kind(f"{LIBRARY}tabletop.place_sphere:PlaceSphereEnv"),
        "PokeCube-v1": Kind(f"{LIBRARY}tabletop.poke_cube:PokeCubeEnv"),
        "PullCube-v1": Kind(f"{LIBRARY}tabletop.pull_cube:PullCubeEnv"),
        "PullCubeTool-v1": Kind(f"{LIBRARY}tabletop.pull_cube_tool:PullCubeToolEnv"),
        "PushCube-v1": Kind(f"{LIBRARY}tabletop.push_cube:PushCubeEnv"),
        "PushYCB-v1": Kind(f"{OWN}push_ycb:PushYCBEnv", takes_model=True),
        "Reach-v1": Kind(f"{OWN}reach:ReachEnv"),
        "ReachxArm6-v1": Kind(f"{OWN}reach:ReachEnv", XARM),
        "StackCube-v1": Kind(f"{LIBRARY}tabletop.stack_cube:StackCubeEnv"),
    }
)
"""Id → how it is built."""


def prepare_library(*, uses_assets: bool) -> None:
    """Import the library, and have it look for its assets where Newt does.

    Args:
        uses_assets: whether the task about to be built has any.

    Raises:
        ConfigError: it has, and the library was imported before and looks elsewhere.
    """
    wanted = assets_folder()
    if "mani_skill" not in sys.modules:
        os.environ[LIBRARY_VARIABLE] = str(wanted)  # the library reads it once, when imported
    library = import_module("mani_skill")
    # It warns of what its own tasks do, such as bodies without an initial pose.
    library.logger.setLevel(logging.ERROR)
    found = Path(library.ASSET_DIR).absolute()
    if uses_assets and found != wanted / DATA:
        raise ConfigError(
            f"ManiSkill was imported earlier in this process and looks for assets in "
            f"{found.parent}, not in {wanted}. Set {FOLDER_VARIABLE} before that."
        )


def make_environment(kind: Kind, *, draws: bool, **settings: Any) -> Any:
    """Build an environment, which resets itself once.

    Args:
        kind: which.
        draws: whether it can draw. One that cannot is built faster and takes less memory.
        settings: further arguments of its class.

    Raises:
        SpecError: the body has no such control mode.
        MissingDependencyError: there is no Vulkan driver. The library describes materials to it
            even if nothing is drawn.
    """
    module_name, _, class_name = kind.place.partition(":")
    environment_class = _without_collecting(getattr(import_module(module_name), class_name))
    try:
        renderer = _renderer()
        with warnings.catch_warnings():
            # Of the spaces that it makes, in double precision.
            warnings.filterwarnings("ignore", ".*Box (low|high)'s precision")
            return environment_class(
                obs_mode="state",
                sim_backend="physx_cpu",
                render_backend=renderer.name if draws else "none",
                render_mode="rgb_array" if draws else None,
                reconfiguration_freq=0,  # build the scene once, not at every reset
                **kind.options,
                **settings,
            )
    except AssertionError as error:
        if "not in supported modes" not in str(error):
            raise
        mode = settings["control_mode"]
        _, _, known = str(error).partition("modes: ")
        raise SpecError(f"the body has no control mode '{mode}'. Known: {known}.") from error
    except RuntimeError as error:
        if not _is_about_vulkan(error):
            raise
        raise MissingDependencyError(
            f"ManiSkill found no Vulkan driver that it can use ({error}). Install your GPU's, or "
            "Mesa's software driver 24.3 or newer (Debian: mesa-vulkan-drivers and libvulkan1; on "
            "Debian 12 from bookworm-backports; 'make setup' does it)."
        ) from error


@cache
def _without_collecting(environment_class: type[Any]) -> type[Any]:
    """Return a class whose building and closing do not search all of Python's memory for garbage.

    The library does so for the sake of GPU memory; here it was most of the time of a build.
    """

    def clear(self: Any) -> None:
        self._close_viewer()
        self.agent = None
        self.scene = None
        self._sensors = {}
        self._human_render_cameras = {}
        self._hidden_objects = []

    return type(environment_class.__name__, (environment_class,), {"_clear": clear})


class _Renderer(NamedTuple):
    """SAPIEN's renderer, of which a process has one, for as long as something holds it."""

    name: str
    """The library's name of the device."""
    holder: Any


@cache
def _renderer() -> _Renderer:
    """Start the renderer for the rest of the process: on a GPU whose driver can draw, or the CPU.

    Left alone it would start with the first material that is made, on a device that the library
    cannot name, and then refuse to draw on the one that it can.
    """
    import sapien

    sapien.render.set_log_level("off")  # errors are raised as well
    name = "gpu" if _has_drawing_gpu() else "cpu"
    device = sapien.Device("cuda" if name == "gpu" else "cpu")
    return _Renderer(name, sapien.render.RenderSystem(device))


def _has_drawing_gpu() -> bool:
    import sapien

    try:
        return bool(sapien.Device("cuda").can_render())
    except RuntimeError:
        return False


def _is_about_vulkan(error: RuntimeError) -> bool:
    text = str(error)
    return text.startswith("vk::") or "rendering device" in text or "Vulkan" in text
