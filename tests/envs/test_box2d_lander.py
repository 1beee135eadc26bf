"""The lander flies as Gymnasium's does in the benchmark's world, with the spec's goals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains.box2d.goals import GOALS, Flight, hovering_reward, landing_reward
from newt_core.envs.domains.box2d.lander_picture import LanderLooks
from newt_core.envs.domains.box2d.moon import draw_moon
from newt_core.envs.registry import build_simulator
from newt_core.envs.session import Session
from newt_core.errors import SpecError
from newt_core.specs import load_specs
from tests.fixtures.gym_box2d_copies import private_copy

LIBRARY = load_specs()
SPECS = [spec for spec in LIBRARY.select("box2d") if spec.env["body"] == "lander"]
SIZE = 400 / 30
PAD = SIZE / 4

STARTS = {
    "above": (
        "initial_x = W / 2 * self.np_random.uniform(0.95, 1.05)\n"
        "        initial_y = 0.8 * H * self.np_random.uniform(0.95, 1.05)"
    ),
    "pad": (
        "width = self.helipad_x2 - self.helipad_x1\n"
        "        initial_x = self.np_random.uniform(\n"
        "            self.helipad_x1 + width / 4, self.helipad_x2 - width / 4)\n"
        "        initial_y = self.helipad_y + 18 / 30"
    ),
}
FORCE = (
    "self.np_random.uniform(-INITIAL_RANDOM, INITIAL_RANDOM),\n"
    "                self.np_random.uniform(-INITIAL_RANDOM, INITIAL_RANDOM),"
)
FORCES = {
    "above": FORCE.replace("INITIAL_RANDOM", "600"),
    "pad": "self.np_random.uniform(-300, 300), -1200",
}


def built(spec: Any) -> Any:
    """Build a task's simulator, whose parts the tests look at."""
    return build_simulator(spec)


def gymnasiums_lander(goal):
    """Build Gymnasium's lander in the benchmark's world, drawing in the order that ours does."""
    start = "pad" if goal == "takeoff" else "above"
    module = private_copy(
        "lunar_lander",
        {
            "CHUNKS = 11": "CHUNKS = 7 + 2 * int(self.np_random.integers(2))",
            "VIEWPORT_W = 600": "VIEWPORT_W = 400",
            "initial_y = VIEWPORT_H / SCALE\n        initial_x = VIEWPORT_W / SCALE / 2": STARTS[
                start
            ],
            FORCE: FORCES[start],
            # Ours draws the force with the start and the target before flying.
            "if self.enable_wind:  # Initialize wind pattern": (
                "self.draw_goal()\n        if self.enable_wind:  # Initialize wind pattern"
            ),
        },
    )

    base: Any = module.LunarLander

    class WithGoal(base):
        goal_xy = None

        def draw_goal(self):
            random = self.np_random
            if goal == "hover":
                middle = (self.helipad_x1 + self.helipad_x2) / 2
                self.goal_xy = (middle + random.uniform(-1, 1), 2 * PAD + random.uniform(-1, 1))
            elif goal == "takeoff":
                x = random.uniform(0.2 * SIZE, 0.8 * SIZE)
                self.goal_xy = (x, random.uniform(0.6 * SIZE, 0.8 * SIZE))

        def observe(self, state):
            if self.goal_xy is None:
                return state
            way = (np.array(self.goal_xy) - tuple(self.lander.position)) / (20 / 3)
            return np.concatenate([state, way])

        def reward(self, library, action):
            if self.goal_xy is None:
                return np.clip(library, -5, 10) / 20
            position = self.lander.position
            if position[1] < PAD + 18 / 30:
                return 0.0
            distance = np.linalg.norm(np.array(self.goal_xy) - tuple(position))
            main = (1 + action[0]) / 2 if action[0] > 0 else 0
            side = abs(action[1]) if abs(action[1]) > 0.5 else 0
            return np.clip(1 - distance / 6 - 0.03 * main - 0.003 * side, 0, 1)

    return WithGoal(continuous=True)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_task_keeps_the_contract(spec):
    check_task(spec)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_an_episode_equals_gymnasiums_in_the_same_world(spec, seed):
    ours, theirs = built(spec), gymnasiums_lander(spec.env["goal"])
    obs, _ = theirs.reset(seed=seed)
    for _ in range(5 if spec.env["goal"] == "takeoff" else 0):
        obs, *_ = theirs.step(np.zeros(2))
    np.testing.assert_allclose(ours.reset(seed), theirs.observe(obs), atol=1e-6)
    generator = np.random.default_rng(seed)
    for _ in range(spec.episode_length):
        action = generator.uniform(-0.6, 1, 2).astype(np.float32)
        outcome = ours.step(action)
        expected = 0.0
        for _ in range(2):
            obs, library, *_ = theirs.step(action)
            expected += theirs.reward(library, action.astype(np.float64))
        np.testing.assert_array_equal(outcome.obs[:8], obs)
        np.testing.assert_allclose(outcome.obs, theirs.observe(obs), atol=1e-6)
        assert outcome.reward == pytest.approx(expected, abs=1e-9)
        assert outcome.success == 0.0


def test_gymnasiums_own_constants_are_left_alone():
    from gymnasium.envs.box2d import lunar_lander

    built(SPECS[0]).reset(0)
    assert (lunar_lander.VIEWPORT_W, lunar_lander.INITIAL_RANDOM) == (600, 1000.0)


def test_doing_nothing_crashes_and_still_scores_a_little_for_landing():
    # The benchmark's quirk, measured there as a mean return of 62, all of 30 episodes crashed.
    spec = LIBRARY["lunarlander-land"]
    lander = built(spec)
    session = Session(spec, lander)
    returns = []
    for seed in range(30):
        session.reset(seed)
        crashed = False
        while not session.done:
            session.step(np.zeros(2, dtype=np.float32))
            crashed = crashed or lander._contacts.hull_touched
        assert crashed
        returns.append(session.episode_return)
    assert np.mean(returns) == pytest.approx(62, abs=30)


# Rewards, worked by hand


def flight(state=(0.0,) * 8, **others):
    fields = {"x": 6.0, "y": 8.0, "main": 0.0, "side": 0.0, "crashed": False, "asleep": False}
    return Flight(tuple(float(value) for value in state), **{**fields, **others})


def test_landing_rewards():
    far = flight((0.3, 0.4, 0, 0, 0, 0, 0, 0))
    near = flight((0.27, 0.36, 0, 0, 0, 0, 0, 0), main=1.0, side=0.5)
    # Distance 0.5 → 0.45: +5; fuel 0.3 + 0.015.
    assert landing_reward(far, near, None) == pytest.approx((5 - 0.315) / 20)
    assert landing_reward(near, far, None) == -0.25  # bounded at -5/20
    foot = flight((0.27, 0.36, 0, 0, 0, 0, 1, 0))
    assert landing_reward(flight((0.27, 0.36, 0, 0, 0, 0, 0, 0)), foot, None) == 0.5
    fast = flight((0.3, 0.4, 0.006, -0.008, 0.01, 0, 0, 0))
    assert landing_reward(far, fast, None) == pytest.approx((-1 - 1) / 20)
    wreck = flight((0.1, 0, 0, 0, 0, 0, 0, 0), crashed=True)
    assert landing_reward(far, wreck, None) == -0.25
    assert landing_reward(far, wreck._replace(asleep=True), None) == 0.5
    assert landing_reward(far, flight((-1, 0, 0, 0, 0, 0, 0, 0)), None) == -0.25


def test_hovering_rewards():
    at = flight(x=6.0, y=8.0, main=1.0, side=1.0)
    assert hovering_reward(at, at, (6.0, 8.0)) == pytest.approx(1 - 0.033)
    still = flight(x=6.0, y=8.0)
    assert hovering_reward(at, still, (3.0, 8.0)) == pytest.approx(0.5)
    assert hovering_reward(at, still, (6.0, 1.9)) == 0.0
    low = flight(x=6.0, y=PAD + 0.599)
    assert hovering_reward(at, low, (6.0, PAD + 0.6)) == 0.0


# Starts and targets


def test_moons_have_seven_or_nine_points_and_a_level_pad():
    counts = set()
    for seed in range(40):
        moon = draw_moon(np.random.default_rng(seed))
        xs, ys = np.array(moon.points).T
        counts.add(len(xs))
        middle = len(xs) // 2
        np.testing.assert_allclose(xs, np.linspace(0, SIZE, len(xs)))
        assert (moon.pad_left, moon.pad_right) == (xs[middle - 1], xs[middle + 1])
        np.testing.assert_allclose(ys[middle - 1 : middle + 2], 0.99 * PAD)
        assert ys.max() <= 0.99 * SIZE / 2
    assert counts == {7, 9}


def test_starts_and_targets_lie_where_the_spec_says():
    generator = np.random.default_rng(0)
    for _ in range(100):
        moon = draw_moon(generator)
        for goal in ("land", "hover"):
            start = GOALS[goal].start(generator, moon)
            assert abs(start.x / (SIZE / 2) - 1) <= 0.05
            assert abs(start.y / (0.8 * SIZE) - 1) <= 0.05
            assert max(map(abs, start.force)) <= 600
        start = GOALS["takeoff"].start(generator, moon)
        assert abs(start.x - SIZE / 2) <= (moon.pad_right - moon.pad_left) / 4
        assert start.y == pytest.approx(PAD + 0.6)
        assert abs(start.force[0]) <= 300
        assert start.force[1] == -1200
        hover, takeoff = GOALS["hover"].target, GOALS["takeoff"].target
        assert hover
        assert takeoff
        x, y = hover(generator, moon)
        assert abs(x - SIZE / 2) <= 1
        assert abs(y - SIZE / 2) <= 1
        x, y = takeoff(generator, moon)
        assert 0.2 * SIZE <= x <= 0.8 * SIZE
        assert 0.6 * SIZE <= y <= 0.8 * SIZE
    assert GOALS["land"].target is None


def test_takeoff_starts_standing_on_both_feet():
    lander = built(LIBRARY["lunarlander-takeoff"])
    for seed in range(5):
        obs = lander.reset(seed)
        np.testing.assert_array_equal(obs[6:8], [1, 1])
        assert abs(obs[1]) < 0.05


# Pictures


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_pictures_show_the_scene_and_disturb_nothing(spec):
    looked_at, plain = built(spec), built(spec)
    for simulator in (looked_at, plain):
        simulator.reset(11)
    action = np.array([0.9, -0.7], dtype=np.float32)
    for seed in (None, 3):
        for _ in range(5):
            frame = looked_at.render()
            np.testing.assert_array_equal(frame, looked_at.render())
            one, other = looked_at.step(action), plain.step(action)
            np.testing.assert_array_equal(one.obs, other.obs)
        np.testing.assert_array_equal(looked_at.reset(seed), plain.reset(seed))
    assert frame.shape == (224, 224, 3)
    assert frame.dtype == np.uint8
    assert frame[:10].max() < 60  # the dark sky is at the top
    assert frame[-10:].min() > 170  # the light ground at the bottom
    x, y = looked_at.hull.position
    row, column = round(224 * (1 - y / SIZE)), round(224 * x / SIZE)
    hull = looked_at.render()[row - 2 : row + 3, column - 2 : column + 3].astype(int)
    assert np.abs(hull - (128, 102, 230)).max() <= 15


def test_flags_mark_the_pad_and_discs_the_target():
    land = built(LIBRARY["lunarlander-land"])
    land.reset(0)
    frame = land.render().astype(int)
    # Two pennants of 25 x 10 px at 400, with half that area.
    yellow = (np.abs(frame - (204, 204, 0)).max(axis=2) < 60).sum()
    assert yellow == pytest.approx(2 * 125 * (224 / 400) ** 2, rel=0.5)
    for name in ("hover", "takeoff"):
        lander = built(LIBRARY[f"lunarlander-{name}"])
        lander.reset(0)
        frame = lander.render().astype(int)
        red, green, blue = frame.transpose(2, 0, 1)
        disc = (red > 60) & (green > 60) & (blue < 50)
        rows, columns = np.nonzero(disc)
        assert columns.mean() * SIZE / 224 == pytest.approx(lander.target[0], abs=0.15)
        assert SIZE - rows.mean() * SIZE / 224 == pytest.approx(lander.target[1], abs=0.15)
        assert disc.sum() == pytest.approx(math.pi * (224 / SIZE) ** 2, rel=0.1)


def test_engines_leave_exhaust_that_fades():
    lander = built(LIBRARY["lunarlander-hover"])

    def red_pixels():
        red, green, blue = lander.render().astype(int).transpose(2, 0, 1)
        return int(((red > 90) & (green < 90) & (blue < 90) & (red - green > 40)).sum())

    lander.reset(0)
    assert red_pixels() == 0
    lander.step(np.array([1, 1], dtype=np.float32))
    assert red_pixels() > 0
    for _ in range(7):
        lander.step(np.zeros(2, dtype=np.float32))
    assert red_pixels() == 0


def test_colours_follow_the_seed_and_lie_in_their_ranges():
    lander = built(LIBRARY["lunarlander-land"])
    lander.reset(0)
    first = lander.render()
    lander.reset(0)
    np.testing.assert_array_equal(first, lander.render())
    seen = [LanderLooks(np.random.default_rng(seed)) for seed in range(200)]
    ranges = {
        "sky": ((20, 10, 15), 15),
        "ground": ((230, 215, 220), 25),
        "flag": ((204, 204, 0), 20),
        "body": ((128, 102, 230), 15),
    }
    for part, (middle, most) in ranges.items():
        colours = np.array([getattr(looks, part) for looks in seen])
        offsets = np.abs(colours - middle)
        assert offsets.max() <= most
        assert offsets.max() > most - 6
        assert colours.min() >= 0
        assert colours.max() <= 255


def test_an_unknown_goal_is_named():
    spec = SPECS[0].model_copy(update={"env": {"body": "lander", "goal": "hovr"}})
    with pytest.raises(SpecError, match=r"'goal', one of land, .*Did you mean 'hover'\?"):
        built(spec)
