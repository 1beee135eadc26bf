"""The walker moves as Gymnasium's does with the benchmark's constants, on the spec's grounds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains.box2d import terrain
from newt_core.envs.domains.box2d.walker import Walker
from newt_core.envs.domains.box2d.walker_picture import GROUND_COLOURS, WalkerLooks
from newt_core.envs.registry import build_simulator
from newt_core.errors import SpecError
from newt_core.specs import load_specs
from tests.fixtures.gym_box2d_copies import private_copy

LIBRARY = load_specs()
SPECS = [spec for spec in LIBRARY.select("box2d") if spec.env["body"] == "walker"]
STEP, LEVEL = 14 / 30, 10 / 3


def built(spec: Any) -> Any:
    """Build a task's simulator, whose parts the tests look at."""
    return build_simulator(spec)


def gymnasiums_walker(terrain_name, seed):
    """Build Gymnasium's walker with the benchmark's constants, on a ground of ours."""
    module: Any = private_copy("bipedal_walker")
    module.SCALE, module.VIEWPORT_W, module.VIEWPORT_H = 15.0, 224, 224

    base: Any = module.BipedalWalker

    class OnOurGround(base):
        def _generate_terrain(self, hardcore):
            ground = terrain.TERRAINS[terrain_name](self.np_random)
            self.terrain = []
            for corners in ground.blocks:
                self.fd_polygon.shape.vertices = list(corners)
                self.terrain.append(self.world.CreateStaticBody(fixtures=self.fd_polygon))
            for i in range(module.TERRAIN_LENGTH - 1):
                self.fd_edge.shape.vertices = [
                    (i * STEP, ground.heights[i]),
                    ((i + 1) * STEP, ground.heights[i + 1]),
                ]
                self.terrain.append(self.world.CreateStaticBody(fixtures=self.fd_edge))

        def _generate_clouds(self):
            self.cloud_poly = []

    walker = OnOurGround()
    return walker, walker.reset(seed=seed)[0]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_task_keeps_the_contract(spec):
    check_task(spec)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_an_episode_equals_gymnasiums_with_the_constants_set(spec):
    ours = built(spec)
    theirs, first = gymnasiums_walker(spec.env["terrain"], seed=5)
    np.testing.assert_array_equal(ours.reset(5), first)
    generator = np.random.default_rng(2)
    fell = False
    for step in range(spec.episode_length):
        strength = 0.3 if step < 100 else 1.0  # falls late, so that both cases are compared
        action = (strength * generator.uniform(-1, 1, 4)).astype(np.float32)
        outcome = ours.step(action)
        expected = 0.0
        for _ in range(2):
            obs, reward, terminated, _, _ = theirs.step(action.astype(np.float64))
            expected += min(max(reward, -1.0), 10.0)
            fell = fell or terminated
        np.testing.assert_array_equal(outcome.obs, obs)
        assert outcome.reward == pytest.approx(expected, abs=1e-9)
        assert outcome.success == 0.0
    assert fell


def test_gymnasiums_own_constants_are_left_alone():
    from gymnasium.envs.box2d import bipedal_walker

    built(SPECS[0]).reset(0)
    assert (bipedal_walker.SCALE, bipedal_walker.VIEWPORT_W) == (30.0, 600)


def test_the_walker_starts_where_the_spec_says():
    walker = built(LIBRARY["bipedal-walker-flat"])
    obs = walker.reset(0)
    # One step of 1/50 s after being put at (4.667, 5.6): the knees' stops lift it a little.
    assert walker.hull.position.x == pytest.approx(4.667, abs=0.02)
    assert walker.hull.position.y == pytest.approx(5.6, abs=0.1)
    assert obs.shape == (24,)
    # Downwards the lidar finds the ground below the hull, reaching 5.333 units; forwards nothing.
    assert obs[14] == pytest.approx((walker.hull.position.y - LEVEL) / (160 / 30), abs=1e-3)
    assert obs[23] == 1.0


def test_progress_and_tilt_earn_and_torque_costs():
    walker = built(LIBRARY["bipedal-walker-flat"])
    walker.reset(3)
    position, angle = walker.hull.position.x, walker.hull.angle
    action = np.array([0.5, -0.25, 0.0, 1.0], dtype=np.float32)
    outcome = walker.step(action)
    progress = 130 / 15 * (walker.hull.position.x - position)
    tilt = abs(walker.hull.angle) - abs(angle)
    assert outcome.reward == pytest.approx(progress - 5 * tilt - 2 * 0.028 * 1.75, abs=1e-9)


def test_a_fall_costs_two_in_every_step_to_the_end():
    walker = built(LIBRARY["bipedal-walker-flat"])
    walker.reset(1)
    action = np.array([1, 1, -1, -1], dtype=np.float32)
    rewards = [walker.step(action).reward for _ in range(250)]
    first = rewards.index(-2.0)
    assert 0 < first < 100
    assert rewards[first:] == [-2.0] * (250 - first)


# Grounds


def slopes_by_hand(heights, noise, memory, pull):
    """Follow the spec's rule with given noise, point by point."""
    y, w = LEVEL, 0.0
    expected = []
    for i in range(200):
        w = memory * w + pull * np.sign(LEVEL - y)
        if i > 20:
            w += noise[i - 21]
        y = min(max(y + w, 1.0), 5.5)
        expected.append(y)
    np.testing.assert_allclose(heights, expected, atol=1e-9)


def test_uneven_ground_follows_the_rule():
    noise = np.random.default_rng(4).uniform(-1, 1, 179) / 15
    slopes_by_hand(terrain.uneven(np.random.default_rng(4)).heights, noise, 0.8, 0.011)


def test_rugged_ground_follows_the_rule():
    noise = 2.25 * np.random.default_rng(4).uniform(-1, 1, 179) / 15
    slopes_by_hand(terrain.rugged(np.random.default_rng(4)).heights, noise, 0.75, 0.015)


def test_flat_ground_is_level():
    assert terrain.flat(np.random.default_rng(0)) == ([10 / 3] * 200, [])


def test_hills_are_sine_waves_of_the_right_sizes():
    x = np.arange(200) * STEP
    lengths = np.linspace(7, 14, 141)
    for seed in range(10):
        heights = np.array(terrain.hills(np.random.default_rng(seed)).heights)
        lowest, highest = heights.min(), heights.max()
        assert 0.39 < (highest - lowest) / 2 <= 0.8
        assert LEVEL - 1.01 < (highest + lowest) / 2 < LEVEL - 0.78
        wave = np.sin(2 * np.pi * x[:, None] / lengths)
        offsets = heights - (highest + lowest) / 2
        fit = (wave.T @ offsets) / np.linalg.norm(wave, axis=0) / np.linalg.norm(offsets)
        assert fit.max() > 0.99


def test_hills_drop_the_walker_a_bit():
    drops = []
    for seed in range(50):
        heights = terrain.hills(np.random.default_rng(seed)).heights
        drops.append(LEVEL - heights[10])  # the walker stands above the tenth point
    assert 0.0 < min(drops) < max(drops) < 1.85


def pieces(ground):
    """Split an obstacle ground at its blocks: ('stump', points) or ('pit', points)."""
    found, blocks = [], list(ground.blocks)
    while blocks:
        block = blocks.pop(0)
        (left, base), (right, _), (_, other), _ = block
        width = right - left
        if other > base:
            points = round(width / STEP)
            assert other - base == pytest.approx(0.75 * points * STEP)
            found.append(("stump", points, round(left / STEP), base))
        else:
            assert width == pytest.approx(STEP)
            assert base - other == pytest.approx(3 * STEP)
            second = blocks.pop(0)
            points = round((second[0][0] - left) / STEP)
            assert [corner[1] for corner in second] == [corner[1] for corner in block]
            found.append(("pit", points, round(left / STEP), base))
    return found


def test_obstacles_have_the_specs_shapes_and_distances():
    kinds: Counter[tuple[str, int]] = Counter()
    grass: Counter[int] = Counter()
    for seed in range(60):
        ground = terrain.obstacles(np.random.default_rng(seed))
        heights = ground.heights
        assert len(heights) == 200
        end = None
        for kind, points, start, base in pieces(ground):
            kinds[kind, points] += 1
            if end is None:
                assert start == 20
            else:
                grass[start - end] += 1
            end = start + points + (2 if kind == "pit" else 0)
            if end >= 200:
                break
            between = [base] * points
            if kind == "pit":
                between = [base, *[base - 3 * STEP] * points, base]
            assert heights[start:end] == pytest.approx(between)
            assert heights[end] == base  # grass begins level
    assert set(kinds) == {("stump", 2), ("stump", 3), ("pit", 2), ("pit", 3)}
    assert set(grass) == {5, 6, 7, 8, 9}
    stumps = kinds["stump", 2] + kinds["stump", 3]
    assert stumps / kinds.total() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("name", terrain.TERRAINS)
def test_grounds_stay_within_their_bounds(name):
    for seed in range(20):
        heights = terrain.TERRAINS[name](np.random.default_rng(seed)).heights
        lowest = 1.5 - 3 * STEP if name == "obstacles" else 1.0
        assert lowest <= min(heights) <= max(heights) <= 5.5


# Seeds and pictures


def test_a_seed_determines_ground_and_episodes_after_it():
    grounds = []
    for _ in range(2):
        walker = Walker(terrain.rugged, 2)
        walker.reset(9)
        first = walker.ground
        walker.reset(None)
        grounds.append((first, walker.ground))
    assert grounds[0] == grounds[1]
    assert grounds[0][0] != grounds[0][1]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_pictures_show_the_scene_and_disturb_nothing(spec):
    looked_at, plain = built(spec), built(spec)
    for simulator in (looked_at, plain):
        simulator.reset(11)
    action = np.array([0.4, -0.2, 0.3, 0.1], dtype=np.float32)
    for seed in (None, 3):
        for _ in range(5):
            frame = looked_at.render()
            np.testing.assert_array_equal(frame, looked_at.render())
            one, other = looked_at.step(action), plain.step(action)
            np.testing.assert_array_equal(one.obs, other.obs)
        np.testing.assert_array_equal(looked_at.reset(seed), plain.reset(seed))
    assert frame.shape == (224, 224, 3)
    assert frame.dtype == np.uint8
    sky, ground = frame[:90], frame[-10:]  # the upright picture's top and bottom
    assert sky.min() > 190
    assert ground.max() < sky.min()
    hull = frame[85:150, 20:70].astype(int)
    assert (np.abs(hull - (127, 51, 229)).max(axis=2) < 5).sum() > 100


def test_colours_follow_the_seed_and_lie_in_their_ranges():
    walker = built(LIBRARY["bipedal-walker-flat"])
    walker.reset(0)
    first = walker.render()
    walker.reset(1)
    assert not np.array_equal(first, walker.render())
    walker.reset(0)
    np.testing.assert_array_equal(first, walker.render())
    ground = terrain.flat(np.random.default_rng(0))
    bases = set()
    for seed in range(100):
        looks = WalkerLooks(np.random.default_rng(seed), ground)
        assert np.all(np.abs(np.subtract(looks.sky, (215, 215, 252))) <= 14)
        assert np.all(np.subtract(looks.cloud, 247) >= -15)
        slices = np.array(looks.slices)
        steps = np.diff(slices, axis=0)
        assert set(np.unique(steps)) <= {-1, 0}
        base = min(GROUND_COLOURS, key=lambda c: np.abs(np.subtract(slices[0], c)).max())
        assert np.all(np.abs(slices - base) <= 15)
        bases.add(base)
        edges = np.array(looks.edges)
        np.testing.assert_array_equal(edges[:, 0], np.maximum(slices[:, 0] - 20, 0))
        assert np.all((edges[:, 1] >= slices[:, 1]) & (edges[:, 1] <= 254))
    assert len(GROUND_COLOURS) == len(set(GROUND_COLOURS)) == 17
    assert len(bases) > 12


@pytest.mark.parametrize("task", ["bipedal-walker-flat", "lunarlander-takeoff"])
def test_looks_can_be_the_same_in_all_episodes_and_the_state_does_not_care(task):
    spec = LIBRARY[task]
    plain = spec.model_copy(update={"env": {**spec.env, "looks": "same"}})
    same, varied = built(plain), built(spec)
    corners: dict[str, set[tuple[int, ...]]] = {"same": set(), "varied": set()}
    for seed in (0, 1, 2, None):
        np.testing.assert_array_equal(same.reset(seed), varied.reset(seed))
        corners["same"].add(tuple(same.render()[0, 0]))  # the sky
        corners["varied"].add(tuple(varied.render()[0, 0]))
    assert len(corners["same"]) == 1
    assert len(corners["varied"]) > 2
    wrong = spec.model_copy(update={"env": {**spec.env, "looks": "smae"}})
    with pytest.raises(SpecError, match=r"'looks', one of random, same, .*mean 'same'\?"):
        built(wrong)


def test_the_lidar_ray_sweeps_in_one_picture_of_five():
    walker = built(LIBRARY["bipedal-walker-flat"])
    walker.reset(0)
    shown = 0
    for _ in range(100):
        walker.step(np.zeros(4, dtype=np.float32))
        frame = walker.render().astype(int)
        shown += bool((np.abs(frame - (255, 0, 0)).max(axis=2) < 90).any())
    assert 10 <= shown <= 20  # an early ray may hide behind a leg


def test_an_unknown_terrain_is_named():
    spec = SPECS[0].model_copy(update={"env": {"body": "walker", "terrain": "hils"}})
    with pytest.raises(SpecError, match=r"'terrain', one of flat, .*Did you mean 'hills'\?"):
        built(spec)
