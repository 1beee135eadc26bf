"""Single steps beside published numbers, or worked by hand: the games of coins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.coinrun import Coinrun
from newt_core.envs.domains.miniarcade.rocket_collect import Asteroid, RocketCollect
from newt_core.envs.domains.miniarcade.rows import Coin
from newt_core.envs.domains.miniarcade.spaceship import Spaceship


def act(game, *action):
    return game.step(np.array(action, dtype=np.float32))


def check_rows(rows, counts, low, high):
    """Rows of coins: how many, how far apart, and at which heights."""
    assert {len(row) for row in rows} == counts
    rises = []
    for row in rows:
        assert 244 <= row[0][0] <= 283
        for (x1, y1), (x2, y2) in pairwise(row):
            assert x2 - x1 == pytest.approx(27, abs=1e-3)
            assert low <= y2 <= high
            if low + 18 < y1 < high - 18:  # no clipping
                rises.append(round(y2 - y1))
    assert set(rises) == {-18, 0, 18}
    assert rises.count(0) / len(rises) == pytest.approx(0.4, abs=0.08)
    assert rises.count(18) / len(rises) == pytest.approx(0.3, abs=0.08)


def coin_places(entries):
    """The coins in an observation's entries."""
    pairs = entries.reshape(-1, 2)
    return [tuple(pair * 224) for pair in pairs if pair[0] >= 0]


def test_spaceship_rows_and_asteroids_are_drawn_as_specified():
    game = Spaceship()
    resets = [game.reset(None) for _ in range(400)]
    rows = [coin_places(obs[4:12]) for obs in resets]
    check_rows(rows, {2, 3, 4}, 20, 204)
    asteroids = [
        (obs[12] * 224 - row[0][0] - 27 * (len(row) + 2), obs[13] * 224)
        for obs, row in zip(resets, rows, strict=True)
        if obs[12] >= 0
    ]
    assert len(asteroids) / len(resets) == pytest.approx(0.5, abs=0.1)
    offsets, heights = np.array(asteroids).T
    assert -30 <= offsets.min() < -20 < 20 < offsets.max() <= 30
    assert 40 <= heights.min() < 50 < 170 < heights.max() <= 183 + 1e-4


def test_spaceship_moves_and_collects():
    game = Spaceship()
    game.reset(0)
    game.coins = [Coin(90.0, 121.0), Coin(117.0, 139.0)]
    game.asteroid = (200.0, 180.0)
    obs, reward, _ = act(game, 1, -0.5)
    # v = 0.65 a moves the ship before drag; the first coin's square spans 69 to 87.
    expected = [40.65 / 224, 111.675 / 224, 0.06175, -0.030875]
    np.testing.assert_allclose(obs[:4], expected, atol=1e-6)
    assert reward == 0.0
    np.testing.assert_allclose(obs[12:] * 224, [188, 180], atol=1e-4)
    obs, reward, _ = act(game, 0, 0)
    assert reward == 1.0
    np.testing.assert_array_equal(obs[4:6], [-1, -1])
    np.testing.assert_allclose(obs[6:8] * 224, [93, 139], atol=1e-4)
    np.testing.assert_array_equal(obs[8:12], [-1, -1, -1, -1])


def test_spaceship_pays_for_every_step_in_the_asteroid():
    game = Spaceship()
    game.reset(0)
    game.coins = [Coin(300.0, 30.0)]
    game.asteroid = (112.0, 112.0)
    rewards = [act(game, 0, 0).reward for _ in range(12)]
    # Its box, 36 wide, overlaps 40 to 68 while its middle is between 22 and 86.
    assert rewards == [0, 0, -2, -2, -2, -2, -2, 0, 0, 0, 0, -0.0]


def test_spaceship_starts_without_the_last_episodes_asteroid():
    game = Spaceship()
    game.reset(0)
    starts = []
    for _ in range(200):
        game.asteroid = (50.0, 112.0)
        starts.append(game.reset(None)[12] * 224)
    assert all(x == -224 or x > 244 for x in starts)
    assert -224 in starts


def test_spaceship_rows_follow_one_another():
    game = Spaceship()
    game.reset(0)
    game.coins, game.asteroid = [Coin(3.1, 30.0), Coin(20.0, 30.0)], None
    act(game, 0, 0)
    assert [coin.x for coin in game.coins] == [pytest.approx(-8.9), pytest.approx(8.0)]
    act(game, 0, 0)
    assert len(game.coins) == 2
    act(game, 0, 0)
    assert game.coins[0].x >= 244


def test_coinrun_rows_are_drawn_as_specified():
    game = Coinrun()
    rows = [coin_places(game.reset(None)[2:]) for _ in range(400)]
    check_rows(rows, {2, 3, 4, 5}, 83, 173)
    assert {round(row[0][1]) for row in rows} == {155, 137, 119, 101}


def test_coinrun_full_jump_is_the_published_one():
    game = Coinrun()
    game.reset(0)
    heights = [round(154 + act(game, 1).obs[0] * 224, 3)]
    heights += [round(154 + act(game, 0).obs[0] * 224, 3) for _ in range(21)]
    rising = [143, 133, 124, 116, 109, 103, 98, 94, 91, 89, 88]
    assert heights == rising + rising[::-1]
    # The feet touch the ground, at full speed still; jumping is allowed again.
    obs = act(game, 0).obs
    assert (obs[0], obs[1]) == (0.0, pytest.approx(1.1))
    assert act(game, 0).obs[1] == 0.0
    assert act(game, 0.5).obs[1] == pytest.approx(-0.5)
    assert act(game, 1).obs[1] == pytest.approx(-0.4)  # none in the air


def test_coinrun_collects_what_the_runner_touches():
    game = Coinrun()
    game.reset(0)
    game.coins = [Coin(77.0, 155.0), Coin(77.0, 137.0), Coin(104.0, 173.0), Coin(131.0, 155.0)]
    # The runner spans 40 to 58 and 154 to 184; the coins' squares reach 9 around their middles.
    assert [act(game, 0).reward for _ in range(5)] == [0, 1, 0, 1, 0]
    obs = act(game, 0).obs
    np.testing.assert_array_equal(obs[2:4], [-1, -1])
    np.testing.assert_allclose(obs[4:6] * 224, [17, 137], atol=1e-4)
    np.testing.assert_array_equal(obs[6:8], [-1, -1])
    np.testing.assert_allclose(obs[8:10] * 224, [71, 155], atol=1e-4)
    assert act(game, 0).reward == 1


def rocket(coin=(150.0, 80.0), asteroids=()):
    game = RocketCollect()
    game.reset(0)
    game.coin_x, game.coin_y = coin
    game.asteroids = list(asteroids)
    return game


def entered(x, y, vx, vy):
    asteroid = Asteroid(x, y, vx, vy)
    asteroid.entered = True
    return asteroid


def test_rocket_collect_moves_as_published():
    obs, reward, _ = act(rocket(asteroids=[entered(130.0, 170.0, -1.0, 0.5)]), 1, -1)
    expected = [0.50328, 0.81815, 0.18375, -0.18375, 0.66964, 0.35714, 0.16636, -0.461, 1]
    expected += [0.57589, 0.76116, -0.25, 0.125]
    np.testing.assert_allclose(obs[:13], expected, atol=6e-6)
    np.testing.assert_array_equal(obs[13:], np.zeros(8))
    assert reward == pytest.approx(-0.198693, abs=1e-6)


def test_rocket_collect_pays_for_a_coin_and_puts_a_new_one():
    game = rocket(coin=(112.0, 164.5), asteroids=[entered(14.0, 14.0, 1.0, 0.0)])
    # The coin is 19.5 away at first, then 18.765.
    obs, reward, _ = act(game, 0, -1)
    assert reward == pytest.approx(1 + 0.002 * (1 - 18.765 / (224 * np.sqrt(2))))
    np.testing.assert_allclose(obs[6:8], obs[4:6] - obs[:2], atol=1e-6)
    assert 30 <= game.coin_x <= 193
    assert 40 <= game.coin_y <= 111


def test_rocket_collect_hit_costs_every_step_for_every_asteroid():
    still = [entered(112.0, 165.0, 0.0, 0.0), entered(125.0, 184.0, 0.0, 0.0)]
    game = rocket(asteroids=still)
    assert act(game, 0, 0).reward == pytest.approx(-0.4, abs=0.002)
    game.asteroids = [entered(14.0, 14.0, 0.0, 0.0)]
    flags = [act(game, 0, 0).obs[8] for _ in range(6)]
    assert flags == [1, 1, 1, 1, 0, 0]


def test_rocket_collect_speed_is_limited_and_the_border_stops_the_rocket_only():
    game = rocket(asteroids=[entered(14.0, 14.0, 0.0, 0.0)])
    for _ in range(60):
        obs = act(game, 1, 0).obs
    np.testing.assert_allclose(obs[:4], [209 / 224, 184 / 224, 1, 0], atol=1e-6)


def test_rocket_collect_asteroids_bounce_once_they_are_inside():
    outside, inside = Asteroid(-28.0, 100.0, 2.0, 0.0), entered(209.0, 100.0, 2.0, 1.0)
    game = rocket(asteroids=[outside, inside])
    act(game, 0, 0)
    assert (outside.x, outside.vx, outside.entered) == (-26.0, 2.0, False)
    assert (inside.x, inside.y, inside.vx, inside.vy) == (210.0, 101.0, -2.0, 1.0)
    for _ in range(20):
        act(game, 0, 0)
    assert (outside.x, outside.entered) == (14.0, True)


def test_rocket_collect_asteroids_come_from_all_sides_and_grow_in_number():
    game = RocketCollect()
    sides = []
    for _ in range(200):
        obs = game.reset(None)
        x, y, vx, vy = obs[9:13] * [224, 224, 4, 4]
        sides.append("left" if x < 0 else "right" if x > 224 else "top" if y < 0 else "bottom")
        assert 1.0 <= np.hypot(vx, vy) <= 2.2
        assert min(x, y) == pytest.approx(-28, abs=1e-4) or max(x, y) == pytest.approx(252)
    assert all(sides.count(side) > 25 for side in ("left", "right", "top", "bottom"))
    counts: dict[int, int] = {}
    for step in range(1, 501):
        act(game, 0, 0)
        counts.setdefault(len(game.asteroids), step)
    assert counts == {1: 1, 2: 150, 3: 300}
