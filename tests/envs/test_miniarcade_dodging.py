"""Single steps beside published numbers, or worked by hand: the games of dodging."""

from __future__ import annotations

import numpy as np
import pytest

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
