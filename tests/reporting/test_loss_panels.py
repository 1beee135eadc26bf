"""The panels of a page's losses."""

from __future__ import annotations

import pytest

from newt_core.reporting import pictures
from newt_core.training.loss_curves import draw_loss
from newt_core.training.metrics import Row


@pytest.mark.parametrize("losses", [(0.541, 0.612), (0.11, 0.193), (4e-4, 1.1e-3), (1.2e-5, 3.0)])
def test_the_numbers_beside_a_loss_are_whole(losses):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(pictures.PANEL_INCHES)
    canvas = FigureCanvasAgg(figure)
    figure.subplots_adjust(**pictures.MARGINS)
    axes = figure.subplots()
    rows: list[Row] = [{"step": step, "loss/reward": loss} for step, loss in enumerate(losses)]
    draw_loss(axes, rows, "updates", "loss/reward")
    canvas.draw()
    low, high = axes.get_ylim()
    shown = [
        label
        for tick, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
        if low <= tick <= high
    ]
    assert len(shown) >= 2
    assert all(label.get_window_extent().x0 >= 0 for label in shown)
    assert all(float(label.get_text()) > 0 for label in shown)
