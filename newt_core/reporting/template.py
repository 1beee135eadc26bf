"""The templates of pages: HTML with everything that is filled in escaped, and nothing left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def render_template(name: str, *, filters: dict[str, Callable[..., str]], **values: Any) -> str:
    """Return a page's HTML.

    Args:
        name: the template's file, in this folder.
        filters: what the template calls, by name.
        values: what it shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("newt_core.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name).render(**values)
