"""Frames of Gymnasium's MuJoCo environments, drawn without a window.

Gymnasium's own ``render`` fixes camera and size when an environment is built, aims a free
camera at wherever the geoms are when the first frame is drawn, and draws into the context of
another environment once a process has two. A :class:`Camera` uses the same drawing class
without those.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from newt_core.envs.contract import Frame
from newt_core.envs.frames import resize
from newt_core.envs.imports import OPENGL_ERRORS, draws_by_egl, no_opengl
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import TaskSpec

SHORT_SIDE = 480
"""Pixels of a drawing's shorter side, at least; a smaller frame is a drawing shrunk."""
FREE_CAMERA = -1
"""MuJoCo's index of the camera that belongs to no model."""


class Camera:
    """Draws one simulation, whose state it only reads.

    OpenGL is chosen and started when the first frame is drawn.

    Args:
        model: a ``mujoco.MjModel``.
        data: its ``mujoco.MjData``.
        index: the model's camera, or :data:`FREE_CAMERA`, which looks at the median of the
            geoms' positions in the model's initial configuration.
        settings: further attributes of MuJoCo's ``MjvCamera``, such as ``distance`` in metres.
        short_side: as in :func:`drawing_size`.
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        index: int,
        settings: Mapping[str, Any] | None = None,
        short_side: int = SHORT_SIDE,
    ) -> None:
        self._model = model
        self._data = data
        self._index = index
        self._settings = dict(settings or {})
        self._short_side = short_side
        self._viewer: Any = None
        self._size = (0, 0)

    def draw(self, height: int, width: int) -> Frame:
        """Return the present state as [height, width, 3].

        Raises:
            MissingDependencyError: OpenGL is switched off or not installed.
        """
        try:
            self._prepare(*drawing_size(height, width, self._short_side))
            self._viewer.make_context_current()
            frame = self._viewer.render("rgb_array", self._index)
        except OPENGL_ERRORS as error:
            _drop_half_built(error)
            raise no_opengl(error) from error
        return resize(frame, height, width)

    def close(self) -> None:
        """Free the OpenGL context, if there is one; drawing again would make a new one."""
        if self._viewer is not None:
            self._viewer.make_context_current()
            self._viewer.con.free()
            self._viewer.free()
            self._viewer = None

    def _prepare(self, height: int, width: int) -> None:
        """Have a viewer of this size."""
        if self._viewer is not None and self._size == (height, width):
            return
        self.close()
        if draws_by_egl():
            os.environ["MUJOCO_GL"] = "egl"
        from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer

        buffers = self._model.vis.global_
        buffers.offheight, buffers.offwidth = height, width
        viewer = OffScreenViewer(self._model, self._data, width, height)
        viewer.cam.lookat[:] = _middle(self._model)
        for name, value in self._settings.items():
            setattr(viewer.cam, name, value)  # a look-at point of the settings wins
        self._viewer, self._size = viewer, (height, width)


def _drop_half_built(error: BaseException) -> None:
    """Free what was being built when an error came up, without a word.

    The drawing classes of Gymnasium and MuJoCo clean up attributes that a half-built object does
    not have yet, and Python prints that, whenever it gets to it, with a traceback.
    """
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        traceback.clear_frames(error.__traceback__)
    finally:
        sys.unraisablehook = hook


def camera_index(model: Any, spec: TaskSpec, default: str) -> int:
    """Return the index of the spec's camera in the model.

    Without one in the spec it is the model's camera ``default`` or, where the model lacks it,
    :data:`FREE_CAMERA`.

    Raises:
        SpecError: the model does not have the camera that the spec names.
    """
    wanted = default if spec.camera is None else spec.camera
    if isinstance(wanted, str):
        index: int = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, wanted)
        found = index >= 0 or spec.camera is None
    else:
        index, found = wanted, FREE_CAMERA <= wanted < model.ncam
    if not found:
        names = [model.camera(i).name for i in range(model.ncam)]
        raise SpecError(
            f"task '{spec.id}': the model has no camera '{wanted}'."
            f"{did_you_mean(str(wanted), names)} Known: "
            f"{', '.join([*names, f'{FREE_CAMERA} (free)'])}."
        )
    return index


def drawing_size(height: int, width: int, short_side: int = SHORT_SIDE) -> tuple[int, int]:
    """Return the height and width to draw a frame of this size in: no smaller, same shape.

    The shorter side gets at least ``short_side`` pixels.
    """
    scale = max(1.0, short_side / min(height, width))
    return round(height * scale), round(width * scale)


def _middle(model: Any) -> np.ndarray:
    """[3] the median of the geoms' positions, in metres, where the model starts."""
    start = mujoco.MjData(model)
    mujoco.mj_forward(model, start)
    middle: np.ndarray = np.median(start.geom_xpos, axis=0)
    return middle
