"""A picture of all text vectors: their first two principal components (as the paper's Fig. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from newt_core.encoders.text.neighbours import plane
from newt_core.errors import ConfigError
from newt_core.files import atomic_path
from newt_core.types import FloatArray

SIZE_INCHES = (15.0, 10.5)
DOTS_PER_INCH = 100
LABEL_POINTS = 9.0
"""Size of a task's name."""
COLOURS = (
    *("#1f5fa8", "#e07b1f", "#2f8f4e", "#c23b4b", "#7b5bb5"),
    *("#8a5a44", "#c964a8", "#5f6a72", "#9a9a1a", "#1a9fb0"),
)
"""One per domain, in the order of the tasks; they repeat after the last."""
OFFSETS = ((5, -2.5), (-5, -2.5), (0, 5), (0, -10))
"""Where a name may stand, in points from its dot: right, left, above, below."""
PICTURES = (".png", ".svg", ".pdf", ".jpg")
"""Endings of files that the picture can be written to."""


def draw_embeddings(
    path: Path, ids: Sequence[str], domains: Sequence[str], vectors: FloatArray, title: str
) -> None:
    """Write a picture with a dot per task, coloured by domain, and as many names as fit.

    Args:
        path: A file whose ending is one of :data:`PICTURES`.
        ids: [n] the tasks.
        domains: [n] their domains.
        vectors: [n, dim].
        title: What the picture shows.

    Raises:
        ConfigError: The file's ending is no picture's.
        OSError: The file cannot be written.
    """
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(f"'{path}' must end in one of {', '.join(PICTURES)}.")
    points, share = plane(vectors)
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys(domains))}
    for domain, colour in colours.items():
        rows = [row for row, own in enumerate(domains) if own == domain]
        label = f"{domain} ({len(rows)})"
        axes.scatter(points[rows, 0], points[rows, 1], s=30, c=colour, label=label, linewidths=0)
    axes.set_title(title)
    axes.set_xlabel(f"first principal component ({share[0]:.0%} of the variance)")
    axes.set_ylabel(f"second ({share[1]:.0%})")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=11)
    axes.margins(0.04)
    canvas.draw()  # lays the axes out, so that names can be measured
    _name_dots(axes, canvas, points, ids, [colours[domain] for domain in domains])
    with atomic_path(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower(), dpi=DOTS_PER_INCH)


def _name_dots(
    axes: Axes,
    canvas: FigureCanvasAgg,
    points: FloatArray,
    ids: Sequence[str],
    colours: Sequence[str],
) -> None:
    """Write names beside dots, wherever one covers neither another name nor a dot.

    The dots with the most room around them come first: names of outer tasks orient best.
    """
    renderer = canvas.get_renderer()
    pixels = axes.transData.transform(points)
    dots = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in pixels]
    distances = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    room = distances.min(axis=1) if len(ids) > 1 else np.zeros(len(ids))
    frame = axes.get_window_extent(renderer)
    taken: list[Bbox] = []
    for row in np.argsort(-room, kind="stable"):
        for dx, dy in OFFSETS:
            name = axes.annotate(
                ids[row],
                (float(points[row, 0]), float(points[row, 1])),
                xytext=(dx, dy),
                textcoords="offset points",
                ha="left" if dx > 0 else "right" if dx < 0 else "center",
                fontsize=LABEL_POINTS,
                color=colours[row],
            )
            box = name.get_window_extent(renderer)
            others = [dot for other, dot in enumerate(dots) if other != row]
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
            if inside and not any(box.overlaps(other) for other in (*taken, *others)):
                taken.append(box.padded(1))
                break
            name.remove()
