"""Importing the libraries of the pretrained encoders, which fail in ways of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
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
    with _explaining(module, needed_by):
        return import_module(module)


def import_file(package: str, file: str, needed_by: str) -> ModuleType:
    """Import a single file of a package that stands by itself, without the rest of the package.

    The package's own ``__init__`` may import what does not work here. Nothing is left behind in
    ``sys.modules``.

    Args:
        package: The package; it is looked for, not imported.
        file: The file's name in it.
        needed_by: Who asks, for the message.

    Raises:
        MissingDependencyError: It is not installed, or lacks something itself.
    """
    with _explaining(package, needed_by):
        found = find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError(name=package)
        path = Path(found.submodule_search_locations[0]) / file
        spec = spec_from_file_location(f"{package}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@contextmanager
def _explaining(module: str, needed_by: str) -> Iterator[None]:
    try:
        yield
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
