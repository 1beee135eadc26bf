"""Single steps beside published numbers, or worked by hand: the games of dodging."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.bird_attack import BirdAttack
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


@pytest.fixture
def birds(monkeypatch):
    """Give birds that drop nothing, for steps worked by hand."""
    game = BirdAttack()
    game.reset(0)
    monkeypatch.setattr(game._random, "random", lambda: 1.0)
    return game


def test_bird_attack_starts_alike():
    obs = BirdAttack().reset(3)
    row = [(40 + 20 * column) / 224 for column in range(8)]
    expected = [105 / 224, 0, 1, *row, *row, 60 / 224, *[0] * 35]
    np.testing.assert_allclose(obs, expected, atol=1e-6)


def test_bird_attack_fires_every_eighth_step(birds):
    game = birds
    game.birds = game.birds[:1]  # far from the shots
    reloads = []
    for _ in range(17):
        obs = act(game, 1, 1).obs
        reloads.append(round(obs[1] * 5))
    assert reloads == [7, 6, 5, 4, 3, 2, 1, 0] * 2 + [7]
    # The oldest shot left at 105 + 6 + 7 and is 17 times 7 pixels above 178 by now.
    np.testing.assert_allclose(obs[20:24] * 224, [118, 59, 166, 115], atol=1e-4)
    assert obs[0] * 224 == pytest.approx(190)
    assert act(game, 0, 0).obs[1] == pytest.approx(1.2)


def test_bird_attack_birds_take_two_hits(birds):
    game = birds
    hit = [game.birds[8][0] + 8.0, 66.0 + 7.0]  # the second row's first, a step later
    game.shots = [list(hit), list(hit)]
    obs, reward, _ = act(game, 0, 0)
    assert (reward, obs[2], game.birds[8][2], len(game.shots)) == (0.0, 1.0, 1, 1)
    game.shots = [[game.birds[8][0] + 8.0, 73.0]]
    obs, reward, _ = act(game, 0, 0)
    assert (reward, obs[2]) == (1.0, 15 / 16)
    # The rest moves up in the list.
    np.testing.assert_allclose(obs[[11, 17, 18]] * 224, [62, 182, 0], atol=1e-4)


def test_bird_attack_flock_turns_and_sinks_at_the_border(birds):
    game = birds
    for _ in range(10):
        obs = act(game, 0, 0).obs
    assert (obs[10] * 224, obs[19] * 224) == (pytest.approx(190), pytest.approx(60))
    obs = act(game, 0, 0).obs
    assert (obs[10] * 224, obs[19] * 224) == (pytest.approx(190), pytest.approx(64))
    obs = act(game, 0, 0).obs
    assert obs[10] * 224 == pytest.approx(189)


def test_bird_attack_droppings_stun_and_the_next_in_the_list_is_spared(birds):
    game = birds
    game.drops = [[112.0, 181.0], [113.0, 181.0], [114.0, 181.0]]
    obs, reward, _ = act(game, 0, 0)
    assert reward == -4.0
    np.testing.assert_allclose(obs[30:34] * 224, [113, 188, 0, 0], atol=1e-4)
    np.testing.assert_allclose(obs[[1, 50]], [3.2, 1.6], atol=1e-6)
    game.drops = []
    for step in range(16):
        before = game.x
        obs = act(game, 1, 1).obs
        assert game.x - before == pytest.approx(1.2)
        assert obs[50] * 10 == pytest.approx(15 - step)
    assert not game.shots
    assert act(game, -1, 1).obs[0] * 224 == pytest.approx(105 + 16 * 1.2 - 6, abs=1e-4)
    assert len(game.shots) == 1


def test_bird_attack_boss_comes_in_step_251_and_fires_50_steps_after_its_fade(birds):
    game = birds
    for step in range(1, 306):
        game.drops = []
        obs = act(game, 0, 0).obs
        assert (game.boss is not None) == (step >= 251)
        assert np.any(obs[51:55]) == (step >= 305)
    # Five steps of fading, then fifty; the ball moves in the step that fires it.
    x, y = game.boss
    assert 106.48 <= x <= 117.52
    assert 38.16 <= y <= 41.84
    dx, dy = 112 - x, 188 - y - 8
    place = np.array([x, y + 8]) + 5 * np.array([dx, dy]) / np.hypot(dx, dy)
    np.testing.assert_allclose(obs[51:53] * 224, place, atol=1e-4)
    assert np.hypot(obs[53], obs[54]) == pytest.approx(1.0, abs=1e-6)
    rewards = []
    while game.ball is not None:
        rewards.append(act(game, 0, 0).reward)
    assert rewards == [0.0] * (len(rewards) - 1) + [-2.0]
    assert game.stun == game.reload == 16


def test_bird_attack_pays_for_every_step_without_birds(birds):
    game = birds
    game.birds = []
    obs, reward, _ = act(game, 0, 0)
    assert reward == 1.0
    np.testing.assert_allclose(obs[[2, 3, 18, 19]], [0, 0, 0, 20 / 224], atol=1e-6)
