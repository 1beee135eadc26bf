"""Single steps beside published numbers, or worked by hand: pong, air hockey, tag."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.air_hockey import AirHockey
from newt_core.envs.domains.miniarcade.chase_evade import ChaseEvade
from newt_core.envs.domains.miniarcade.pong import Pong


def act(game, *action):
    return game.step(np.array(action, dtype=np.float32))


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


def hockey(x, y, vx, vy, agent=(112.0, 170.0)):
    game = AirHockey()
    game.reset(0)
    game.puck.x, game.puck.y, game.puck.vx, game.puck.vy = x, y, vx, vy
    game.agent.x, game.agent.y = agent
    return game


def test_air_hockey_paddle_hits_the_puck_as_published():
    obs, reward, _ = act(hockey(110.0, 150.0, 1.0, 6.0, (112.0, 172.0)), 0.2, -1)
    expected = [0.485912, 0.663707, -0.258385, -0.966042, 0.506696, 0.734375, 0.2, -1]
    np.testing.assert_allclose(obs[:8], expected, atol=1e-6)
    assert reward == 0.0


def test_air_hockey_face_offs():
    game = AirHockey()
    starts = np.array([game.reset(None) for _ in range(400)])
    np.testing.assert_allclose(starts[:, [0, 1]], 0.5)
    np.testing.assert_allclose(
        starts[:, 4:12] * 224, np.tile([112, 170, 0, 0, 112, 54, 0, 0], (400, 1)), atol=1e-4
    )
    speed_x, speed_y = np.abs(starts[:, 2:4].T) * 2
    # With the angle within 63 degrees: cos >= 0.454, |0.7 sin + 0.3| <= 0.9237.
    assert 0.454 <= speed_x.min() < 0.5
    assert 0.9 < speed_y.max() <= 0.9238
    for share in (np.mean(starts[:, 2] > 0), np.mean(starts[:, 3] > 0)):
        assert share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("y", "vy", "reward", "direction"), [(18.0, -4.0, 1.0, -1), (206.0, 4.0, -1.0, 1)]
)
def test_air_hockey_goals(y, vy, reward, direction):
    game = hockey(100.0, y, 0.0, vy, (170.0, 130.0))
    obs, earned, _ = act(game, 0, 0)
    assert earned == reward
    np.testing.assert_allclose(obs[:2], 0.5)
    assert obs[3] * direction > 0
    assert (game.agent_goals, game.opponent_goals) == ((1, 0) if reward > 0 else (0, 1))
    # Beside the mouth there is a wall, which takes a tenth of the speed.
    obs, earned, _ = act(hockey(150.0, 32.0, 0.0, -4.0), 0, 0)
    assert earned == 0.0
    np.testing.assert_allclose([obs[1] * 224, obs[3]], [30, 3.6 * 0.998 / 12], atol=1e-5)


def test_air_hockey_side_walls_and_speed_limit():
    obs = act(hockey(41.0, 112.0, -4.0, 0.0), 0, 0).obs
    np.testing.assert_allclose([obs[0] * 224, obs[2]], [39, 3.6 * 0.998 / 12], atol=1e-5)
    obs = act(hockey(112.0, 112.0, 12.0, 9.0), 0, 0).obs
    np.testing.assert_allclose(obs[2:4], [0.8, 0.6], atol=1e-6)


def test_air_hockey_paddle_keeps_to_its_half():
    game = hockey(60.0, 60.0, 0.0, 0.0)
    for _ in range(30):
        obs = act(game, -1, -1).obs
    np.testing.assert_allclose(obs[4:8], [43 / 224, 122 / 224, -1, -1], atol=1e-6)


def test_air_hockey_opponent_meets_a_threat_after_its_reaction():
    delays = set()
    for seed in range(60):
        game = hockey(150.0, 118.0, 0.0, -2.0)
        game._random.seed(seed)
        game.opponent.x, game.opponent.y = 112.0, 52.0
        steps = 0
        while abs(game.opponent.x - 112) < 4:
            game.puck.y, game.puck.vy = 118.0, -2.0  # as slow as it takes for full delay
            act(game, 0, 0)
            steps += 1
        delays.add(steps - 1)
    assert delays == {5, 6, 7, 8, 9, 10}


def tag(agent, opponent, agent_evades, phase=0.0):
    game = ChaseEvade()
    game.reset(0)
    (game.agent.x, game.agent.y), (game.opponent.x, game.opponent.y) = agent, opponent
    game.agent_evades, game.phase, game.rotation = agent_evades, phase, 1
    return game


def test_chase_evade_moves_as_published():
    obs, reward, _ = act(tag((175.0, 118.0), (112.0, 118.0), True), 0, 1)
    expected = [0.78125, 0.54163, 0, 0.95, 0.5156, 0.52761, 0.99861, 0.0527]
    expected += [1, 0.67857, 0.52679, 0.41071, 0.68143, 0.41071, 0.37214]
    np.testing.assert_allclose(obs, expected, atol=6e-6)
    assert reward == pytest.approx(0.066209, abs=1e-6)


def test_chase_evade_agent_is_faster_diagonally_and_bounces_off_pillars():
    obs = act(tag((112.0, 60.0), (112.0, 190.0), False, phase=np.pi / 3), 1, -1).obs
    np.testing.assert_allclose(obs[:4], [115.5 / 224, 56.5 / 224, 1, -1], atol=1e-6)
    # Head-on into the pillar at (152, 118): 19.5 apart after the step, put back to 20.5.
    obs = act(tag((129.0, 118.0), (60.0, 118.0), False), 1, 0).obs
    np.testing.assert_allclose(obs[:4], [131.5 / 224, 118 / 224, -1, 0], atol=1e-6)


def test_chase_evade_keeps_its_players_in_the_arena():
    game = tag((112.0, 42.0), (112.0, 190.0), False, phase=0.5)
    obs = act(game, 0, -1).obs
    assert obs[1] * 224 == pytest.approx(40, abs=1e-4)


def test_chase_evade_swaps_roles_at_a_catch_and_then_places():
    game = tag((112.0, 60.0), (112.0, 48.0), False, phase=np.pi / 3)
    obs, reward, _ = act(game, 0, -1)
    assert obs[8] == 1.0
    gap = np.hypot(*(obs[0:2] - obs[4:6])) * 224
    assert gap < 16
    assert reward == pytest.approx(0.1 * gap / 90, abs=1e-6)
    frozen = obs[[2, 3, 6, 7]]
    steps = 0
    while game.swapping:
        before = obs
        obs, reward, _ = act(game, 1, 1)
        steps += 1
        np.testing.assert_array_equal(obs[[2, 3, 6, 7]], frozen)
        # The opponent, now the pursuer, comes 3.5 nearer to the middle.
        away = [np.hypot(o[4] * 224 - 112, o[5] * 224 - 118) for o in (before, obs)]
        if away[0] > 3.5:
            assert away[0] - away[1] == pytest.approx(3.5, abs=1e-3)
    assert steps >= 5
    assert np.hypot(obs[0] * 224 - 112, obs[1] * 224 - 118) == pytest.approx(67, abs=1e-3)
    assert np.hypot(obs[4] * 224 - 112, obs[5] * 224 - 118) < 2


def test_chase_evade_starts():
    game = ChaseEvade()
    starts = np.array([game.reset(None) for _ in range(300)])
    away = np.hypot(starts[:, 0] * 224 - 112, starts[:, 1] * 224 - 118)
    np.testing.assert_allclose(away, 75, atol=1e-3)
    np.testing.assert_allclose(starts[:, 4:6] * 224, [[112, 118]] * 300, atol=1e-4)
    assert starts[:, 8].mean() == pytest.approx(0.5, abs=0.12)
    pillars = starts[:, 9:].reshape(300, 3, 2) * 224 - [112, 118]
    np.testing.assert_allclose(np.hypot(pillars[..., 0], pillars[..., 1]), 40, atol=1e-3)
