"""Single steps beside published numbers, or worked by hand: the games of dodging."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.coconut_dodge import Coconut, CoconutDodge
from newt_core.envs.domains.miniarcade.cowboy import Cowboy


def act(game, *action):
    return game.step(np.array(action, dtype=np.float32))


def test_cowboy_obstacles_come_in_four_sizes_alike():
    game = Cowboy()
    sizes = []
    for _ in range(400):
        obs = game.reset(None)
        np.testing.assert_allclose(obs, [0, 0, 264 / 224], atol=1e-6)
        sizes.append((game.width, game.height))
    assert set(sizes) == {(15, 25), (20, 40), (40, 40)}
    assert sizes.count((40, 40)) == pytest.approx(200, abs=50)
    assert sizes.count((15, 25)) == pytest.approx(100, abs=45)


def test_cowboy_who_does_nothing_is_stuck_after_21_steps():
    game = Cowboy()
    for seed in range(5):
        game.reset(seed)
        rewards = [act(game, 0).reward for _ in range(500)]
        assert rewards == [1.0] * 21 + [-1.0] * 479


def test_cowboy_frees_himself_by_jumping_while_the_world_stands_still():
    game = Cowboy()
    game.reset(0)
    game.set_obstacle(0, 54)
    # Feet at 159, the upper edge of the small cactus, are free: the jump's rise is 11, 21, 30.
    assert [act(game, 1).reward for _ in range(3)] == [-1, -1, 1]
    assert game.left == 44


def test_cowboy_lands_on_a_cactus_but_does_not_jump_from_it():
    game = Cowboy()
    game.reset(0)
    game.set_obstacle(3, 54)
    game.runner.y, game.runner.speed = 109.0, 5.0
    # Sideways, 4 pixels overlap: no foothold, the runner falls into it.
    assert act(game, 0).reward == -1.0
    assert game.runner.y == 115.0
    assert act(game, 0).reward == -1.0
    game.set_obstacle(3, 44)
    game.runner.y, game.runner.speed = 113.0, 5.0
    for left in (34, 24):
        obs, reward, _ = act(game, 1)
        np.testing.assert_allclose(obs, [-40 / 224, 0, left / 224], atol=1e-6)
        assert reward == 1.0


def test_cowboy_meets_the_next_cactus_when_the_last_has_left():
    game = Cowboy()
    game.reset(0)
    game.set_obstacle(0, -5)
    act(game, 0)
    assert game.left == -15
    assert act(game, 0).obs[2] == pytest.approx(264 / 224)


def one_coconut(radius, x, y, vx, vy):
    game = CoconutDodge()
    game.reset(0)
    game.coconuts = [Coconut(radius, x, vx, vy)]
    game.coconuts[0].y = y
    return game


def test_coconut_dodge_moves_as_published():
    game = one_coconut(7, 115.0, 182.0, 0.2, 2.0)
    obs, reward, _ = act(game, 1)
    np.testing.assert_allclose(obs[:5], [0.50412, 0.1649, 0.01188, -0.08, 0], atol=1e-5)
    assert reward == 0.0
    obs, reward, _ = act(game, 1)
    np.testing.assert_allclose(obs[:5], [0.51224, 0.32485, 0.00476, -0.07, 1], atol=1e-5)
    assert reward == -1.0


def test_coconut_dodge_flags_a_hit_in_five_observations():
    game = one_coconut(7, 112.0, 190.0, 0.0, 2.0)
    outcomes = [act(game, 0) for _ in range(20)]
    # Hit until it cracks, at 212 - 7 after 8 steps: then it is harmless.
    assert [outcome.reward for outcome in outcomes] == [-1] * 7 + [0] * 13
    assert [outcome.obs[4] for outcome in outcomes] == [1] * 11 + [0] * 9
    # It lies there, seen but not as the nearest falling one, for ten steps.
    np.testing.assert_allclose(outcomes[7].obs[2:4], [0, -1])
    np.testing.assert_allclose(outcomes[7].obs[5:9], [0.5, 193 / 200, 0, 0.4], atol=1e-6)
    assert outcomes[16].obs[6] == pytest.approx(193 / 200)
    assert outcomes[17].obs[6] == pytest.approx(8 / 200, abs=0.006)  # a new one, yet to move
    np.testing.assert_array_equal(outcomes[7].obs[9:], np.zeros(20))


def test_coconut_dodge_coconuts_bounce_off_the_sides():
    game = one_coconut(8, 21.0, 100.0, -3.0, 1.0)
    obs = act(game, 0).obs
    np.testing.assert_allclose(obs[5:9], [8 / 200, 89 / 200, 0.6, 0.2], atol=1e-6)


def test_coconut_dodge_grows_harder():
    game = CoconutDodge()
    game.reset(0)
    counts: dict[int, int] = {}
    for step in range(1, 501):
        game.step(np.zeros(1, dtype=np.float32))
        counts[len(game.coconuts)] = counts.get(len(game.coconuts), step)
    assert counts == {1: 1, 2: 100, 3: 200, 4: 300, 5: 400, 6: 500}
    for t, factor_x, factor_y in ((0, 1.0, 1.0), (250, 1.3, 1.4)):
        game.t = t
        coconuts = [game._new_coconut() for _ in range(300)]
        assert {one.radius for one in coconuts} == {6, 7, 8}
        assert all(one.y == 13 + one.radius for one in coconuts)
        speeds = [one.vy / factor_y for one in coconuts]
        assert 1.4 <= min(speeds) < 1.45 < 2.55 < max(speeds) <= 2.6
        speeds = [one.vx / factor_x for one in coconuts]
        assert -0.5 <= min(speeds) < -0.45 < 0.45 < max(speeds) <= 0.5


def test_coconut_dodge_lists_the_nearest_first():
    game = one_coconut(7, 30.0, 30.0, 0.0, 0.1)
    game.coconuts += [Coconut(7, 112.0, 0.0, 0.1), Coconut(7, 150.0, 0.0, 0.1)]
    game.coconuts[1].y, game.coconuts[2].y = 100.0, 190.0
    obs = act(game, 0).obs
    np.testing.assert_allclose(obs[[5, 9, 13]] * 200 + 12, [150, 112, 30], atol=1e-4)
    np.testing.assert_allclose(obs[2:4] * 200, [38, -9.9], atol=1e-4)
