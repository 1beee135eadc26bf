"""The library's desk as a MuJoCo model, whole or without what is only there to be seen."""

from __future__ import annotations

from copy import copy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mujoco

from newt_core.envs.imports import not_installed

DRAWER_HANDLE = "drawer_handle"
"""A geom that is only seen, but that a reward looks at."""


def load_desk() -> Any:
    """Return the ``mujoco.MjModel`` with all that can be seen: 40 MB.

    Raises:
        MissingDependencyError: the package robodesk is not installed.
    """
    return mujoco.MjModel.from_xml_path(_file())


def load_bare_desk() -> Any:
    """Return the ``mujoco.MjModel`` without what neither touches nor weighs anything: 1 MB.

    Whatever remains moves as in the whole model, to the last bit, and faster: MuJoCo looks at
    every geom, and clears a mark at each of the meshes' 283,000 bounding boxes, in every step.
    Compiled once in a process: half a second. Errors as :func:`load_desk`.
    """
    return copy(_compiled_bare_desk(_file()))


@cache
def _compiled_bare_desk(file: str) -> Any:
    desk = mujoco.MjSpec.from_file(file)
    desk.compiler.discardvisual = True
    # What a tuple refers to is kept; it does nothing else.
    desk.add_tuple(
        name="kept", objtype=[mujoco.mjtObj.mjOBJ_GEOM], objname=[DRAWER_HANDLE], objprm=[0.0]
    )
    return desk.compile()


def _file() -> str:
    """Find the library's model; its code, which would import gym, is not run."""
    package = find_spec("robodesk")
    if package is None or package.origin is None:
        raise not_installed("robodesk", "robodesk")
    return str(Path(package.origin).parent / "assets" / "desk.xml")
