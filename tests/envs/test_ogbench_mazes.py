"""Mazes: physics equal to OGBench's, maps, errands, rewards and observations as specified."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Any

import mujoco
import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains.ogbench.mazes import MAZES, Maze, centre
from newt_core.envs.domains.ogbench.rewards import maze_reward
from newt_core.envs.registry import build_simulator
from newt_core.errors import SpecError
from newt_core.specs import load_specs

LIBRARY = load_specs()
SPECS = [spec for spec in LIBRARY.values() if spec.env.get("kind") == "maze"]
TABLE = """
11111111 11111111 11111111 11111111 11111111 11110011 00110011
10000001 10011001 10011001 11000011 10000001 11000011 10000001
10000001 10010001 10011001 10011001 10101101 10000000 10011000
10000001 11000111 10000001 10111101 10100001 10110100 10000001
10000001 10010001 10000001 10111101 10000101 00100101 00000001
10000001 10100101 10011001 10011001 10110101 10000000 00011000
10000001 10001001 10011001 11000011 10000001 11000011 10010001
11111111 11111111 11111111 11111111 11111111 11011111 11010011
"""
"""The maps of the benchmark's description, side by side: 1 is a wall."""
NAMES = ("arena", "medium", "bottleneck", "circle", "spiral", "var1", "var2")
ERRANDS = (48, 10, 312, 300, 204, 300, 312)


def built(spec: Any) -> Any:
    """Build a task's simulator, whose parts the tests look at."""
    return build_simulator(spec)


def librarys_maze(body: str, rows: list[str]) -> Any:
    """Build OGBench's own maze, with a map of ours."""
    from ogbench.locomaze.maze import make_maze_env

    known = make_maze_env(body, "maze", maze_type="arena")
    base: Any = type(known)

    class OnMap(base):
        def update_tree(self, tree):
            self.maze_map = np.array([[int(cell) for cell in row] for row in rows])
            super().update_tree(tree)

    return OnMap(maze_type="arena", terminate_at_goal=False)


def table_rows(name: str) -> list[str]:
    return [line.split()[NAMES.index(name)] for line in TABLE.split("\n") if line]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_task_keeps_the_contract(spec):
    check_task(spec)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_steps_equal_the_librarys_in_the_same_maze(spec):
    ours, theirs = built(spec), librarys_maze(spec.env["body"], table_rows(spec.env["map"]))
    ours.reset(3)
    mujoco.mj_resetData(theirs.model, theirs.data)
    theirs.set_state(ours.physics.positions, ours.physics.velocities)
    theirs.set_goal(goal_xy=ours.goal)
    is_point = spec.env["body"] == "point"
    generator = np.random.default_rng(0)
    for step in range(40):
        # Held for ten steps, so that bodies get as far as a wall.
        if step % 10 == 0:
            action = generator.uniform(-1, 1, spec.action_dim).astype(np.float32)
        outcome = ours.step(action)
        for _ in range(spec.action_repeat):
            _, _, _, _, info = theirs.step(action)
        np.testing.assert_array_equal(ours.physics.positions, info["qpos"])
        np.testing.assert_array_equal(ours.physics.velocities, info["qvel"])
        place, goal = theirs.get_xy(), np.array(theirs.cur_goal_xy)
        off = place - goal
        own = [info["qpos"], info["qvel"], place]
        cost = 0.001 * np.linalg.norm(info["qvel"])
        if is_point:
            moved = info["qpos"] - info["prev_qpos"]
            own = [place, moved]
            cost = 0.025 * np.linalg.norm(moved)
        expected = np.concatenate([*own, goal, off, [np.linalg.norm(off)]]) / 20
        np.testing.assert_allclose(outcome.obs, expected, atol=1e-6)
        assert outcome.success == info["success"]
        away = 0.5 * np.abs(off).sum() + 0.5 * np.linalg.norm(off)
        assert outcome.reward == pytest.approx(info["success"] - (away + cost) / 20, abs=1e-7)


@pytest.mark.parametrize("body", ["point", "ant"])
def test_models_equal_the_librarys(body):
    ours = built(LIBRARY[f"og-{body}-spiral"]).physics.model
    theirs = librarys_maze(body, table_rows("spiral")).model
    for name in ("geom_pos", "geom_size", "geom_type", "geom_friction", "geom_rgba", "body_mass"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("dof_damping", "jnt_range", "actuator_gear", "geom_contype", "geom_conaffinity"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


# Maps and errands


@pytest.mark.parametrize(("name", "errands"), list(zip(NAMES, ERRANDS, strict=True)))
def test_maps_and_errands_are_the_benchmarks(name, errands):
    maze = MAZES[name]
    assert [row.replace("#", "1").replace(".", "0") for row in maze.rows] == table_rows(name)
    assert len(maze.errands) == len(set(maze.errands)) == errands
    assert set(MAZES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_all_errands_can_be_done(name):
    maze = MAZES[name]
    for start in {start for start, _ in maze.errands}:
        reached = reachable(maze, start)
        assert all(goal in reached for begun, goal in maze.errands if begun == start)


def reachable(maze: Maze, start: tuple[int, int]) -> set[tuple[int, int]]:
    free, found, frontier = set(maze.free), {start}, deque([start])
    assert start in free
    while frontier:
        row, column = frontier.popleft()
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            cell = (row + step[0], column + step[1])
            if cell in free and cell not in found:
                found.add(cell)
                frontier.append(cell)
    return found


def test_columns_lie_along_x_and_rows_along_y():
    assert centre((1, 1)) == (0, 0)
    assert centre((2, 5)) == (16, 4)


def test_resets_draw_every_errand_and_a_place_around_its_cells():
    simulator = built(LIBRARY["og-point-maze"])
    errands: Counter[tuple[tuple[int, int], tuple[int, int]]] = Counter()
    offsets, speeds = [], []
    for seed in range(500):
        simulator.reset(seed)
        cells = []
        for x, y in (simulator.place, simulator.goal):
            cell = (round(y / 4 + 1), round(x / 4 + 1))
            cells.append(cell)
            offsets.append(np.subtract((x, y), centre(cell)))
        errands[cells[0], cells[1]] += 1
        speeds.append(simulator.physics.velocities.copy())
    assert set(errands) == set(MAZES["medium"].errands)
    assert min(errands.values()) > 25  # of 50 expected
    assert np.abs(offsets).max() <= 1.0
    assert np.std(offsets) == pytest.approx(1 / math.sqrt(3), rel=0.05)
    assert np.std(speeds) == pytest.approx(0.1, rel=0.1)


def test_a_seed_determines_an_episode_and_those_after_it():
    observed = []
    for _ in range(2):
        simulator = built(LIBRARY["og-ant-circle"])
        observed.append((simulator.reset(8), simulator.reset(None)))
    np.testing.assert_array_equal(observed[0], observed[1])
    assert not np.array_equal(observed[0][0], observed[0][1])


# Rewards, worked by hand


def test_the_reward_of_a_place():
    # 3 and 4 m off: half of 7 plus half of 5 is 6 m, of 20.
    assert maze_reward((3.0, 4.0), (0.0, 8.0), 0.0, 0.0) == pytest.approx(-0.3)
    assert maze_reward((0.0, 8.0), (0.0, 8.0), 1.0, 0.2) == pytest.approx(1 - 0.01)


@pytest.mark.parametrize(("body", "tolerance"), [("point", 1.0), ("ant", 0.5)])
def test_success_is_being_near_the_goal_now(body, tolerance):
    simulator = built(LIBRARY[f"og-{body}-arena"])
    simulator.reset(0)
    idle = np.zeros(simulator.physics.model.nu, dtype=np.float32)
    for off, success in ((0.9, 1.0), (1.1, 0.0)):
        simulator.physics.positions[:2] = np.add(simulator.goal, (off * tolerance, 0.0))
        simulator.physics.velocities[:] = 0.0
        assert simulator.step(idle).success == success
    score = LIBRARY[f"og-{body}-arena"].score
    assert (score.score(5.0, 1.0), score.score(5.0, 0.0)) == (1.0, 0.0)


def test_the_point_moves_as_told_and_stops_at_walls():
    simulator = built(LIBRARY["og-point-arena"])
    simulator.reset(0)
    start = simulator.place
    outcome = simulator.step(np.array([0.5, -0.25], dtype=np.float32))
    # Four control steps of 0.2 times the action.
    np.testing.assert_allclose(np.subtract(simulator.place, start), (0.4, -0.2), atol=1e-6)
    np.testing.assert_allclose(outcome.obs[2:4], np.array([0.1, -0.05]) / 20, atol=1e-7)
    for _ in range(100):
        simulator.step(np.array([1, 0], dtype=np.float32))
    # The inner side of the wall at column 7 is at x = 22; the point has a radius of 0.7.
    assert 20.8 < simulator.place[0] < 22.0


def test_one_can_leave_a_map_that_is_open():
    simulator = built(LIBRARY["og-point-var1"])
    simulator.reset(0)
    simulator.physics.positions[:] = centre((2, 6))
    for _ in range(40):
        simulator.step(np.array([1, 0], dtype=np.float32))
    assert simulator.place[0] > 28


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"kind": "mase"}, r"'kind', one of maze, direction, ball.*Did you mean 'maze'\?"),
        ({"kind": "maze", "body": "humanoid"}, "'body', one of point, ant"),
        ({"kind": "maze", "body": "ant", "map": "spirl"}, r"Did you mean 'spiral'\?"),
    ],
)
def test_what_is_not_there_is_named(env, words):
    with pytest.raises(SpecError, match=words):
        build_simulator(SPECS[0].model_copy(update={"env": env}))
