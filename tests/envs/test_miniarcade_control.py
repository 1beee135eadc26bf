"""Single steps beside published numbers, or worked by hand: cartpole, reacher, maze, landing."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.cartpole import Cartpole
from newt_core.envs.domains.miniarcade.landing import Landing
from newt_core.envs.domains.miniarcade.point_maze import LAYOUTS, PointMaze
from newt_core.envs.domains.miniarcade.reacher import Reacher


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


def test_reacher_moves_as_published():
    game = Reacher("easy")
    game.reset(0)
    game.shoulder, game.elbow, game.shoulder_spin, game.elbow_spin = 0.3, -0.4, 1.0, -2.0
    game.target_x, game.target_y = 0.1, 0.1
    for expected in (
        [0.35392, -0.44552, -0.112721, 0.071938, 2.696, -2.276],
        [0.436038, -0.492341, -0.109533, 0.059732, 4.105878, -2.34106],
    ):
        obs, reward, _ = act(game, 1, -0.5)
        np.testing.assert_allclose(obs, expected, atol=1e-6)
        assert reward == 0


@pytest.mark.parametrize(("target", "reach"), [("easy", 0.04), ("hard", 0.025)])
def test_reacher_rewards_a_fingertip_within_the_targets_radius(target, reach):
    game = Reacher(target)
    game.reset(0)
    game.shoulder = game.elbow = 0.0
    game.target_x, game.target_y = 0.22 + 0.99 * reach, 0.0
    assert act(game, 0, 0).reward == 1.0
    game.target_x = 0.22 + 1.01 * reach
    assert act(game, 0, 0).reward == 0.0


def test_reacher_elbow_stops_at_its_limit_and_the_shoulder_turns_on():
    game = Reacher()
    game.reset(0)
    for _ in range(199):
        obs = act(game, 1, 1).obs
    assert obs[1] == pytest.approx(np.radians(160))
    assert obs[5] == 0.0
    # Where 90 = 4 w + 1.2 w², the motor and what slows the joint are even.
    assert obs[4] == pytest.approx(7.1525, abs=1e-4)
    assert obs[0] > 2 * np.pi


def test_reacher_targets_are_within_reach():
    game = Reacher()
    for _ in range(200):
        game.reset(None)
        assert 0.05 <= np.hypot(game.target_x, game.target_y) <= 0.20


def test_reacher_knows_two_targets():
    with pytest.raises(ValueError, match="'huge', not one of easy, hard"):
        Reacher("huge")


def maze(x, y, goal_x=80.0, goal_y=110.0, wind=(2, 2, 0), layout=1):
    game = PointMaze(layout)
    game.reset(0)
    game.x, game.y, game.goal_x, game.goal_y = x, y, goal_x, goal_y
    game.set_wind(*wind)
    return game


def test_point_maze_moves_as_published():
    game = maze(112.0, 112.0)
    # The first step leaves up the wind's cell; the third is blocked.
    for action, place, expected in (
        ((-1, 0.2), (107, 111), 0.853160),
        ((0, -1), (107, 104), 0.849681),
        ((0, -1), (107, 104), 0.849681),
    ):
        obs, reward, success = act(game, *action)
        np.testing.assert_allclose(obs[:2] * 224, place, atol=1e-4)
        assert (reward, success) == (pytest.approx(expected, abs=1e-6), 0.0)


def test_point_maze_observes_its_map_the_wind_and_the_way():
    obs = act(maze(112.0, 112.0), -1, 0.2).obs
    np.testing.assert_allclose(obs[2:6], [80 / 224, 110 / 224, -1.0, -0.2], atol=1e-6)
    walls = [1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, -1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1]
    np.testing.assert_array_equal(obs[6:31], walls)
    np.testing.assert_array_equal(obs[31:35], [1, 0, 0, 0])
    np.testing.assert_allclose(obs[35:38], [-27 / 184, -1 / 184, 27.018512 / 184], atol=1e-6)
    # Not solved, in the wind, which blows up; row and column 2 of 0 to 4.
    np.testing.assert_allclose(obs[38:44], [0, 1, 0, -0.4, 0.5, 0.5], atol=1e-6)


def test_point_maze_is_solved_while_the_agent_touches_the_goal():
    game = maze(75.0, 112.0, goal_x=92.5, goal_y=112.0)
    assert act(game, 1, 0).success == 0.0
    obs, reward, success = act(game, 0.2, 0)
    assert (success, obs[38]) == (1.0, 1.0)
    assert reward == pytest.approx(1 - 11.5 / 184)
    assert act(game, -1, 0).success == 0.0


def test_point_maze_slides_along_walls_and_keeps_within_the_border():
    # Below the block at the upper left: x moves, y stays, and the velocity is the intended one.
    game = maze(40.0, 64.5, wind=(4, 0, 1))
    obs = act(game, 0.5, -1).obs
    np.testing.assert_allclose(obs[[0, 1, 4, 5]], [42.5 / 224, 64.5 / 224, 0.5, -1], atol=1e-6)
    game = maze(30.0, 75.0, wind=(4, 0, 1))
    for _ in range(5):
        obs = act(game, -1, 0).obs
    assert obs[0] * 224 == pytest.approx(27)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_point_maze_starts_on_free_ground_with_the_goal_at_some_distance(layout):
    game = PointMaze(layout)
    winds = set()
    for _ in range(300):
        obs = game.reset(None)
        cells = obs[6:31]
        for x, y in (obs[0:2] * 224, obs[2:4] * 224):
            column, row = int((x - 20) / 36.8), int((y - 20) / 36.8)
            assert cells[5 * row + column] != 1
        assert 36.8 <= obs[37] * 184 <= 128.8
        np.testing.assert_array_equal(obs[4:6], [0, 0])
        winds.add((int(np.argmin(cells)), int(np.argmax(obs[31:35]))))
    # Every free cell and every direction, of which 300 draws miss but a few.
    assert len(winds) > 0.85 * 4 * "".join(LAYOUTS[layout]).count("0")


def test_point_maze_knows_four_layouts():
    with pytest.raises(ValueError, match="layout is 5, not one of 1, 2, 3, 4"):
        PointMaze(5)


def landing(x, y, vx, vy, ship_x=74.0, speed=1.4):
    game = Landing()
    game.reset(0)
    game.x, game.y, game.vx, game.vy = x, y, vx, vy
    game.ship_x, game.heading, game.ship_speed = ship_x, 1, speed
    return game


def test_landing_moves_as_published():
    game = landing(70.0, 160.0, 1.0, 3.0)
    obs, reward, _ = act(game, 0, 0)
    expected = [0.316964, 0.728571, 0.1092, 0.3072, 0.336607, 0.84375, 0.28]
    np.testing.assert_allclose(obs, expected, atol=1e-6)
    assert reward == pytest.approx(-5.293947, abs=1e-6)
    obs, reward, _ = act(game, 0.5, -0.2)
    expected = [0.323179, 0.736607, 0.14, 0, 0.342857, 0.84375, 0.28]
    np.testing.assert_allclose(obs, expected, atol=1e-6)
    assert reward == pytest.approx(0.854018, abs=1e-6)
    assert game.locked


def test_landing_at_rest_in_the_middle_earns_most():
    game = landing(60.0, 165.0, 0.0, 0.0, speed=0.0)
    for _ in range(3):
        reward = act(game, 0, 0).reward
    # 1 for standing, 0.025 for the middle, 0.1 less 15 of 224 pixels' share for the height.
    assert reward == pytest.approx(1.125 - 0.1 * 15 / 224)


def test_landing_sideways_against_the_deck_pushes_the_helicopter_out():
    game = landing(12.0, 184.0, 5.0, 0.0, speed=0.0)
    obs, reward, _ = act(game, 0, 0)
    # The deck's left edge is at 39; the box is 28 wide.
    assert obs[0] * 224 == pytest.approx(11)
    assert obs[2] == 0.0
    assert reward == pytest.approx(-0.5 - 0.001 * 0.192)
    below = landing(60.0, 192.0, 0.0, -0.2, speed=0.0)
    assert act(below, 0, 0).obs[1] * 224 == pytest.approx(195)


def test_landing_ship_turns_at_the_borders():
    game = landing(0.0, 0.0, 0.0, 0.0, ship_x=188.5, speed=1.0)
    obs = act(game, 0, 0).obs
    assert (obs[4] * 224, obs[6]) == (pytest.approx(189), pytest.approx(-0.2))
    game.ship_x = 35.5
    obs = act(game, 0, 0).obs
    assert (obs[4] * 224, obs[6]) == (pytest.approx(35), pytest.approx(0.2))
