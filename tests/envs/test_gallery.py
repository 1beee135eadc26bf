"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.gallery import LABEL_HEIGHT, MARGIN, contact_sheet


def plain(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((224, 224, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_every_picture_is_on_the_sheet_once_in_order_over_its_label(count):
    pictures = {f"task-{n}": plain(100, n, 200) for n in range(count)}
    size = 40
    sheet = contact_sheet(pictures, size=size)
    width, height = size + MARGIN, size + LABEL_HEIGHT + MARGIN
    columns = (sheet.shape[1] - MARGIN) // width
    assert sheet.dtype == np.uint8
    assert columns * ((sheet.shape[0] - MARGIN) // height) >= count
    for n in range(count):
        row, column = divmod(n, columns)
        top, left = MARGIN + row * height, MARGIN + column * width
        assert (sheet[top : top + size, left : left + size] == (100, n, 200)).all()
        label = sheet[top + size : top + size + LABEL_HEIGHT, left : left + size]
        assert label.min() < 120, "a label in dark ink"
    # Nothing is printed beyond the cells: the margins are paper.
    assert (sheet[:MARGIN] == 255).all()
    assert (sheet[:, :MARGIN] == 255).all()


def test_a_long_label_shrinks_to_its_cell():
    label = "mw-button-press-topdown-wall-and-more"
    sheet = contact_sheet({label: plain(0, 0, 0), "b": plain(0, 0, 0)}, size=80)
    assert (sheet[:, :MARGIN] == 255).all()
    assert (sheet[:, -MARGIN:] == 255).all()
