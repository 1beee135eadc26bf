"""What to tell a user where a domain's package, or the OpenGL that it draws with, is missing."""

from __future__ import annotations

import ctypes
import os
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires
from types import MappingProxyType

from newt_core.errors import MissingDependencyError
from newt_core.specs.schema import BUILTIN_DOMAINS

DISTRIBUTIONS: Mapping[str, str] = MappingProxyType({"sapien": "mani_skill", "PIL": "pillow"})
"""Imported package → what to install for it, where the two names differ."""

OPENGL_ERRORS = (ImportError, AttributeError, RuntimeError)
"""What PyOpenGL and the libraries on it raise where OpenGL does not start."""
_OPENGL_MODULES = ("OpenGL", "gl_context", "egl", "glfw", "osmesa", "_render")
"""In the names of the modules of PyOpenGL, MuJoCo and dm_control that raise those errors."""


@contextmanager
def explaining_imports(domain: str) -> Iterator[None]:
    """Turn an import that fails in the block into an error that says what to install.

    MuJoCo and dm_control start OpenGL when they are imported, if ``MUJOCO_GL`` names one.

    Raises:
        MissingDependencyError: a package that the domain needs is not installed, or OpenGL.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "newt_core").partition(".")[0] == "newt_core":
            raise  # a bug, which no installation cures
        raise not_installed(domain, str(error.name)) from error
    except OPENGL_ERRORS as error:
        if not os.environ.get("MUJOCO_GL") or not _comes_from_opengl(error):
            raise
        raise no_opengl(error) from error


@contextmanager
def without_a_screen() -> Iterator[None]:
    """Keep quiet what GLFW says on import where no screen is: rendering does not use it then."""
    with warnings.catch_warnings():
        for said in ("DISPLAY environment variable is missing", "Failed to open display"):
            warnings.filterwarnings("ignore", f".*{said}")
        yield


def draws_by_egl() -> bool:
    """Return whether frames are to be drawn by EGL, which needs no screen.

    So it is where EGL is installed, whatever ``DISPLAY`` says: that may name a screen which is
    gone, and EGL's frames are the same everywhere. A user's ``MUJOCO_GL`` wins.
    """
    if os.environ.get("MUJOCO_GL"):
        return False
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError:
        return not os.environ.get("DISPLAY")
    return True


def not_installed(domain: str, package: str) -> MissingDependencyError:
    """Return the error for a package that a domain cannot import, with how to install it."""
    message = f"the domain '{domain}' needs the Python package '{package}', which is not installed"
    requirement = _own_requirement(package.partition(".")[0])
    if requirement is not None:
        message += f": pip install '{requirement}'"
    elif domain in BUILTIN_DOMAINS:
        message += "; installing Newt again brings it"
    return MissingDependencyError(f"{message}.")


def no_opengl(error: BaseException) -> MissingDependencyError:
    """Return the error for a machine on which OpenGL does not start, with what to install."""
    setting = os.environ.get("MUJOCO_GL")
    reason = " ".join(str(error).split()).rstrip(".")
    return MissingDependencyError(
        f"cannot render with MUJOCO_GL={setting}: {reason}. On a machine without a screen, "
        f"unset MUJOCO_GL and install EGL (Debian: libegl1 libgl1 libegl-mesa0)."
    )


def _comes_from_opengl(error: BaseException) -> bool:
    innermost = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    module = str(innermost.f_globals.get("__name__"))
    return any(name in module for name in _OPENGL_MODULES)


def _own_requirement(package: str) -> str | None:
    """Return the line under which Newt itself requires a package, such as ``metaworld==3.1.1``."""
    wanted = _normal(DISTRIBUTIONS.get(package, package))
    try:
        lines = requires("newt") or []
    except PackageNotFoundError:  # a mere source tree
        return None
    found = (line.partition(";")[0].strip() for line in lines if "extra ==" not in line)
    return next((line for line in found if _normal(line) == wanted), None)


def _normal(requirement: str) -> str:
    """Return the name that a requirement begins with, in PyPI's normal form."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
