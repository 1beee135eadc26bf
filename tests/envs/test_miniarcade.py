"""What holds for every MiniArcade game: the contract, the published returns, players, pictures."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from statistics import mean

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import miniarcade
from newt_core.envs.registry import build_simulator
from newt_core.envs.session import open_session
from newt_core.errors import SpecError
from newt_core.experts.miniarcade import player
from newt_core.specs import load_specs

SPECS = [spec for spec in load_specs().values() if spec.domain == "miniarcade"]
every_task = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)

PUBLISHED_EPISODES = 300
PUBLISHED_RETURNS = {
    "cartpole-balance": (42.9, 10.0, 34.3, 12.8),
    "cartpole-balance-sparse": (27.0, 10.2, 19.1, 11.1),
    "cartpole-swingup": (0.0, 0.0, 1.9, 6.3),
    "cartpole-swingup-sparse": (0.0, 0.0, 0.2, 1.2),
    "cartpole-tremor": (48.8, 15.8, 34.4, 13.8),
    "pong": (-3.5, 2.9, -4.0, 2.7),
    "reacher-easy": (4.7, 30.0, 7.1, 18.0),
    "reacher-hard": (2.7, 23.0, 2.9, 8.7),
    "point-maze-var1": (107, 30, 109, 34),
    "point-maze-var2": (106, 30, 107, 34),
    "point-maze-var3": (107, 30, 109, 34),
    "point-maze-var4": (123, 30, 122, 34),
    "landing": (-15, 73, -13, 78),
    "spaceship": (-11.2, 14.2, -5.2, 11.6),
    "coinrun": (13.7, 5.6, 27.0, 6.4),
    "cowboy": (-458, 0, -24, 102),
    "coconut-dodge": (-19.5, 10.5, -15.8, 9.7),
    "air-hockey": (-0.91, 1.34, -0.44, 1.5),
    "chase-evade": (-44.7, 8.3, -46.2, 5.3),
    "bird-attack": (-19.2, 4.8, -1.5, 3.5),
    "highway": (2.6, 2.5, 0.8, 2.4),
    "rocket-collect": (-7.7, 6.1, -4.6, 5.1),
}
"""Return of the published games: mean and deviation without acting, the same at random."""

PLAYER_SCORES = {
    "cartpole-balance": 0.95,
    "cartpole-balance-sparse": 0.95,
    "cartpole-swingup": 0.6,
    "cartpole-swingup-sparse": 0.6,
    "cartpole-tremor": 0.9,
    "pong": 0.55,
    "reacher-easy": 0.85,
    "reacher-hard": 0.85,
    "point-maze-var1": 0.95,
    "point-maze-var2": 0.95,
    "point-maze-var3": 0.95,
    "point-maze-var4": 0.95,
    "landing": 0.8,
    "spaceship": 0.5,
    "coinrun": 0.8,
    "cowboy": 0.9,
    "coconut-dodge": 0.8,
    "air-hockey": 0.25,
    "chase-evade": 0.5,
    "bird-attack": 0.8,
    "highway": 0.6,
    "rocket-collect": 0.6,
}
"""Least mean score of the scripted players over the episodes played here."""


def play(spec, act, seed):
    """Play one episode; return its return and score."""
    session = open_session(spec)
    obs = session.reset(seed)
    while not session.done:
        obs = session.step(act(obs)).obs
    return session.episode_return, session.score


def random_actions(spec, seed):
    generator = np.random.default_rng(seed)
    actions = generator.uniform(-1, 1, (spec.episode_length, spec.action_dim))
    remaining = iter(actions.astype(np.float32))
    return lambda obs: next(remaining)


def still(spec, seed):
    zeros = np.zeros(spec.action_dim, dtype=np.float32)
    return lambda obs: zeros


@every_task
def test_whole_episodes_keep_the_contract(spec):
    check_task(spec, episodes=1)


@every_task
def test_seeds_differ_and_an_unseeded_reset_continues_the_stream(spec):
    one, other = build_simulator(spec), build_simulator(spec)

    def episode(simulator, seed):
        first = simulator.reset(seed)
        act = random_actions(spec, 0)
        return [first, *(simulator.step(act(None)).obs for _ in range(150))]

    first = episode(one, 5)
    np.testing.assert_array_equal(first, episode(other, 5))
    second = episode(one, None)
    np.testing.assert_array_equal(second, episode(other, None))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, episode(one, 6))


def published(spec):
    return PUBLISHED_RETURNS[spec.id.removeprefix("pygame-")]


def assert_returns_as_published(spec, episodes):
    """Play still and at random; compare mean returns with the published ones.

    Both are means over episodes: they may differ by four and a half standard errors, and by
    the rounding of the published ones, to a tenth or, where they are above a hundred, to one.
    """
    still_mean, still_deviation, random_mean, random_deviation = published(spec)
    for policy, centre, deviation in (
        (still, still_mean, still_deviation),
        (random_actions, random_mean, random_deviation),
    ):
        returns = [play(spec, policy(spec, seed), seed)[0] for seed in range(episodes)]
        error = deviation * math.sqrt(1 / episodes + 1 / PUBLISHED_EPISODES)
        rounding = 0.5 if abs(centre) > 100 else 0.05
        assert abs(mean(returns) - centre) <= 4.5 * error + rounding, policy.__name__


@every_task
def test_returns_are_the_published_ones(spec):
    assert_returns_as_published(spec, episodes=20)


@pytest.mark.slow
@every_task
def test_returns_of_many_episodes_are_the_published_ones(spec):
    assert_returns_as_published(spec, episodes=PUBLISHED_EPISODES)


@every_task
def test_a_scripted_player_is_far_above_random(spec):
    seeds = range(100, 105)
    played = mean(play(spec, player(spec), seed)[1] for seed in seeds)
    drawn = mean(play(spec, random_actions(spec, seed), seed)[1] for seed in seeds)
    assert played >= PLAYER_SCORES[spec.id.removeprefix("pygame-")]
    assert played >= drawn + 0.2


def test_there_is_no_player_for_other_domains():
    with pytest.raises(SpecError, match="'walker-run': there is no scripted player"):
        player(load_specs()["walker-run"])


@every_task
def test_pictures_show_the_state_and_leave_it_alone(spec):
    drawn, plain = build_simulator(spec), build_simulator(spec)
    act = player(spec)
    obs = drawn.reset(3)
    plain.reset(3)
    frames = [drawn.render()]
    for _ in range(40):
        action = act(obs)
        obs = drawn.step(action).obs
        np.testing.assert_array_equal(obs, plain.step(action).obs)
        frames.append(drawn.render())
        assert np.array_equal(frames[-1], drawn.render())
    for frame in frames[:: len(frames) - 1]:
        assert frame.shape == (224, 224, 3)
        assert frame.dtype == np.uint8
        assert frame.std() > 8
    assert len({frame.tobytes() for frame in frames}) > 20
    assert drawn.render(height=64, width=96).shape == (64, 96, 3)
    drawn.close()


@every_task
def test_looks_follow_the_seed_and_nothing_else(spec):
    one, other = build_simulator(spec), build_simulator(spec)
    one.reset(1)
    other.reset(2)
    for simulator in (one, other):
        simulator.reset(9)
        simulator.step(np.zeros(spec.action_dim, dtype=np.float32))
    assert np.array_equal(one.render(), other.render())


LAZY = """
import contextlib, io, sys
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    simulator = build_simulator(load_specs()["pygame-cartpole-tremor"])
    simulator.reset(0)
    simulator.step(np.ones(1, dtype=np.float32))
    assert not [name for name in sys.modules if name.split(".")[0] in ("pygame", "torch")]
    simulator.render()
import pygame
assert not printed.getvalue()
assert not pygame.get_init() and not pygame.display.get_init() and not pygame.font.get_init()
print("fine")
"""


def test_pygame_comes_with_the_first_picture_and_opens_nothing():
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    variables.pop("PYGAME_HIDE_SUPPORT_PROMPT", None)
    done = subprocess.run(
        [sys.executable, "-c", LAZY], env=variables, capture_output=True, text=True
    )
    assert done.stdout.strip() == "fine", done.stderr


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({}, "no game 'None'"),
        ({"game": "cartpol"}, "no game 'cartpol'.*Did you mean 'cartpole'"),
        ({"game": "cartpole", "swing": True}, "'cartpole' cannot be built: .*'swing'"),
    ],
)
def test_a_wrong_env_is_explained(env, message):
    spec = SPECS[0].model_copy(update={"env": env})
    with pytest.raises(SpecError, match=message):
        miniarcade.build(spec)
