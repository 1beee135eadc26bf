"""MuJoCo models from the package's files, with walls, goals and balls put in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mujoco

from newt_core.envs.domains.ogbench.mazes import CELL_SIZE, WALL_HEIGHT, Maze, centre
from newt_core.envs.imports import not_installed

TARGET = "target"
"""Name of the disc that shows the goal; nothing collides with it."""
MAZE_TARGET_RADIUS, BALL_TARGET_RADIUS = 0.5, 0.4
TARGET_HALF_HEIGHT = 0.05
BALL_RADIUS = 0.25
BALL_START_HEIGHT = 3.0
"""Balls fall down at first. In metres, as all of the above."""


def maze_model(body: str, maze: Maze) -> Any:
    """Return a ``mujoco.MjModel`` of ``body``, point or ant, in a maze."""
    root, world = _read(f"locomaze/assets/{body}.xml")
    half_side, half_height = CELL_SIZE / 2, WALL_HEIGHT / 2
    for cell in maze.walls:
        x, y = centre(cell)
        ElementTree.SubElement(
            world,
            "geom",
            name=f"wall_{cell[0]}_{cell[1]}",
            type="box",
            pos=_numbers(x, y, half_height),
            size=_numbers(half_side, half_side, half_height),
            contype="1",
            conaffinity="1",
            material="wall",
        )
    rows, columns = len(maze.rows), len(maze.rows[0])
    floor = root.find(".//geom[@name='floor']")
    assert floor is not None, "OGBench's models have a floor"
    first, last = centre((0, 0)), centre((rows - 1, columns - 1))
    floor.set("pos", _numbers((first[0] + last[0]) / 2, (first[1] + last[1]) / 2, 0))
    floor.set("size", _numbers(half_side * columns, half_side * rows, 0.2))
    _add_target(world, MAZE_TARGET_RADIUS)
    return _compile(root)


def ant_model() -> Any:
    """Return a ``mujoco.MjModel`` of the ant on an open plane."""
    root, _ = _read("online_locomotion/assets/ant.xml")
    return _compile(root)


def ball_model() -> Any:
    """Return a ``mujoco.MjModel`` of the ant on an open plane, with a ball and its goal."""
    root, world = _read("online_locomotion/assets/ant.xml")
    _add_target(world, BALL_TARGET_RADIUS)
    ball = ElementTree.SubElement(world, "body", name="ball", pos=_numbers(0, 0, BALL_START_HEIGHT))
    ElementTree.SubElement(ball, "freejoint", name="ball_root")
    ElementTree.SubElement(
        ball,
        "geom",
        name="ball",
        size=_numbers(BALL_RADIUS),
        material="ball",
        # It rolls: its own friction counts, also against turning.
        priority="1",
        conaffinity="1",
        condim="6",
    )
    ElementTree.SubElement(ball, "light", name="ball_light", pos="0 0 4", mode="trackcom")
    return _compile(root)


def target_index(model: Any) -> int:
    """Return the index of the geom that shows the goal."""
    index: int = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, TARGET)
    return index


def _read(path: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    """Return the root and the worldbody of one of the package's model files.

    The package is looked up and not imported: that would load PyTorch.
    """
    package = find_spec("ogbench")
    if package is None or not package.submodule_search_locations:
        raise not_installed("ogbench", "ogbench")
    file = Path(package.submodule_search_locations[0]) / path
    root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
    world = root.find("worldbody")
    assert world is not None, "every MuJoCo model has a worldbody"
    return root, world


def _add_target(world: ElementTree.Element, radius: float) -> None:
    ElementTree.SubElement(
        world,
        "geom",
        name=TARGET,
        type="cylinder",
        size=_numbers(radius, TARGET_HALF_HEIGHT),
        pos=_numbers(0, 0, TARGET_HALF_HEIGHT),
        material="target",
        contype="0",
        conaffinity="0",
    )


def _compile(root: ElementTree.Element) -> Any:
    return mujoco.MjModel.from_xml_string(ElementTree.tostring(root, encoding="unicode"))


def _numbers(*values: float) -> str:
    return " ".join(f"{value:g}" for value in values)
