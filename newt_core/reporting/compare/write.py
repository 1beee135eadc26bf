"""A comparison in files: a table, numbers, a picture."""

from __future__ import annotations

from pathlib import Path

from newt_core.errors import RunFolderError
from newt_core.files import atomic_path, write_text
from newt_core.reporting.compare.comparison import Comparison
from newt_core.reporting.compare.figure import draw_comparison
from newt_core.reporting.compare.tables import csv_text, markdown

ENDINGS = (".md", ".csv", ".png")


def stem_of(out: Path) -> Path:
    """Return a path without one of :data:`ENDINGS`, if it has one."""
    return out.with_suffix("") if out.suffix.lower() in ENDINGS else out


def write_comparison(found: Comparison, stem: Path) -> list[Path]:
    """Write ``STEM.md``, ``STEM.csv`` and ``STEM.png``, each whole or not at all.

    Raises:
        RunFolderError: one of them cannot be written.
    """
    paths = [stem.with_name(stem.name + ending) for ending in ENDINGS]
    page, numbers, picture = paths
    try:
        with atomic_path(picture) as part:
            draw_comparison(found).savefig(part, format="png", dpi=150)
        write_text(numbers, csv_text(found))
        write_text(page, markdown(found, picture.name))
    except OSError as error:
        where = error.filename or stem
        raise RunFolderError(f"cannot write {where}: {error.strerror or error}.") from error
    return paths
