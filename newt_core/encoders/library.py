"""Importing the libraries of the pretrained encoders, which fail in ways of their own."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from newt_core.errors import MissingDependencyError, in_short


def import_library(module: str, needed_by: str) -> ModuleType:
    """Import ``open_clip`` or ``timm``, or say in one line why that does not work.

    Args:
        module: What to import.
        needed_by: Who asks, for the message: ``CLIP``, say.

    Raises:
        MissingDependencyError: It is not installed, or does not fit what is.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{needed_by} needs the package '{error.name}', which is not installed."
        ) from error
    except Exception as error:  # Compiled extensions fail in any way.
        reason = in_short(error)
        remedy = ""
        if "torchvision" in reason:
            import torch

            remedy = (
                " The installed torchvision was built for another PyTorch: install the one that "
                f"belongs to torch {torch.__version__}, from the same source."
            )
        raise MissingDependencyError(
            f"{needed_by} needs {module}, which cannot be imported here: {reason}.{remedy}"
        ) from error
