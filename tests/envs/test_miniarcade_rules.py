"""Single steps of the MiniArcade games, beside the published games' numbers or worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.domains.miniarcade.cartpole import Cartpole


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
