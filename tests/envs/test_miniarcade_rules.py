"""Single steps of the MiniArcade games, beside the published games' numbers or worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.cartpole import Cartpole
from newt_core.envs.domains.miniarcade.pong import Pong


def act(game, *action):
    return game.step(np.array(action, dtype=np.float32))


def test_cartpole_moves_as_published():
    game = Cartpole()
    game.reset(0)
    game.x, game.speed, game.angle, game.spin = 0.1, -0.2, 0.3, 0.4
    obs, reward, success = act(game, 0.5)
    np.testing.assert_allclose(obs, [0.095, -0.058923, 0.31, 0.322125], atol=1e-6)
    assert (reward, success) == (pytest.approx(0.802648, abs=1e-6), 0.0)
    obs, reward, _ = act(game, -1)
    np.testing.assert_allclose(obs, [0.093527, -0.359214, 0.318053, 0.773117], atol=1e-6)
    assert reward == pytest.approx(0.797521, abs=1e-6)


@pytest.mark.parametrize(
    ("sparse", "x", "angle", "expected"),
    [
        (False, 2.39, 0.0, 1.0),
        (False, 2.41, 0.0, 0.0),
        (False, 0.0, -np.pi / 4, 0.5),
        (False, 0.0, 2 * np.pi, 0.0),  # the angle is not wrapped
        (True, 0.0, 0.149, 1.0),
        (True, 0.0, -0.151, 0.0),
        (True, -2.41, 0.0, 0.0),
    ],
)
def test_cartpole_rewards_the_pole_upright_near_the_middle(sparse, x, angle, expected):
    game = Cartpole(sparse=sparse)
    game.reset(0)
    game.x, game.speed, game.angle, game.spin = x, 0.0, angle, 0.0
    assert act(game, 0).reward == pytest.approx(expected)


def test_tremors_last_five_to_ten_steps_and_are_drawn_a_step_ahead():
    game = Cartpole(tremor=True)
    game.reset(0)
    lengths, waits = [], []
    for _ in range(40):
        wait = 0
        while not game.shaking:
            act(game, 0)
            wait += 1
        waits.append(wait)
        assert 1.75 <= abs(game.shake) <= 5
        lengths.append(game.shaking)
        # At rest and upright, nothing but the shake turns the pole: 0.025 s times it.
        game.x = game.speed = game.angle = game.spin = 0.0
        assert act(game, 0).obs[3] == pytest.approx(0.025 * game.shake, rel=1e-5)
        while game.shaking:
            act(game, 0)
    assert (min(lengths), max(lengths)) == (5, 10)
    assert 40 <= waits[0] <= 80
    assert min(waits[1:]) >= 50
    assert max(waits[1:]) <= 90


def pong(x, y, vx, vy, agent_y=92.0, opponent_y=92.0):
    game = Pong()
    game.reset(0)
    game.x, game.y, game.vx, game.vy = x, y, vx, vy
    game.agent_y, game.opponent_y = agent_y, opponent_y
    return game


def test_pong_serves_at_speed_eight_to_either_side():
    game = Pong()
    serves = [game.reset(None) for _ in range(200)]
    for obs in serves:
        np.testing.assert_allclose(obs[[0, 1, 4, 5]], [0.5, 0.5, 92 / 224, 92 / 224], atol=1e-6)
        assert np.hypot(obs[2], obs[3]) == pytest.approx(1.0)
    assert 60 < sum(obs[2] > 0 for obs in serves) < 140
    assert 60 < sum(obs[3] > 0 for obs in serves) < 140


def test_pong_ball_bounces_off_paddles_and_walls_without_a_change_of_speed():
    # The square's left edge comes to int(38.5 - 3.5) = 35, inside the paddle's 30 to 36.
    assert act(pong(43.5, 112, -5, 2), 0).obs[2] == pytest.approx(5 / 8)
    # Its left edge at 36 only touches.
    assert act(pong(44.5, 112, -5, 2), 0).obs[2] == pytest.approx(-5 / 8)
    # A ball that flies away from a paddle goes through it.
    assert act(pong(33, 112, 1, 0), 0).obs[2] == pytest.approx(1 / 8)
    assert act(pong(183, 112, 4, 0), 0).obs[2] == pytest.approx(-4 / 8)
    # The margin at the walls is seven; the position is not put back.
    obs = act(pong(112, 30, 0, -4), 0).obs
    assert (obs[1], obs[3]) == (pytest.approx(26 / 224), pytest.approx(0.5))


def test_pong_points_go_to_the_other_side_of_the_miss():
    lost = pong(22, 180, -4, 0)
    assert act(lost, 0).reward == -1.0
    assert (lost.x, lost.y, lost.opponent_points) == (112, 112, 1)
    won = pong(202, 180, 4, 0)
    assert act(won, 0).reward == 1.0
    assert (won.x, won.y, won.agent_points) == (112, 112, 1)


def test_pong_opponent_waits_two_to_six_steps_then_moves_faster_near_the_ball():
    waits = set()
    for seed in range(60):
        game = pong(120, 180, 0, 0)
        game._random.seed(seed)
        steps = 0
        while game.opponent_y == 92:
            act(game, 0)
            steps += 1
        waits.add(steps - 1)
        # 8.5 * (0.5 + 0.35 * (100 / 184 - 0.3) / 0.65)
        assert game.opponent_y - 92 == pytest.approx(5.364381, abs=1e-5)
    assert waits == {2, 3, 4, 5, 6}
    near = pong(20 + 0.3 * 184 - 1, 180, 0, 0)
    for _ in range(20):
        act(near, 0)
    assert near.opponent_y == 92


def test_pong_paddle_stays_in_the_field():
    game = pong(112, 112, 0, 0)
    assert act(game, 0.5).obs[4] == pytest.approx((92 + 4.25) / 224)
    for _ in range(20):
        act(game, 1)
    assert game.agent_y == 164
