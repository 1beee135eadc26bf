"""Newt's Atari tasks are the emulator's games, to the last bit."""

from __future__ import annotations

import math

import ale_py
import gymnasium
import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains import atari
from newt_core.envs.registry import build_simulator
from newt_core.envs.session import Session
from newt_core.errors import SpecError
from newt_core.specs import load_specs
from tests.fixtures.tasks import each_task

SPECS = load_specs().select("atari")
BY_ID = {spec.id: spec for spec in SPECS}

TRACED = (
    "assault",
    "beamrider",
    "chopper-command",
    "ice-hockey",
    "krull",
    "seaquest",
    "yars-revenge",
)
"""Games whose own reset leaves traces of the episode before."""
BY_DEFAULT = [f"atari-{game}" for game in (*TRACED, "ms-pacman", "pong")]


def _library_environment(spec, sticky=0.0):
    gymnasium.register_envs(ale_py)
    name = "".join(word.capitalize() for word in spec.env["game"].split("_"))
    return gymnasium.make(
        f"ALE/{name}-v5",
        obs_type="ram",
        continuous=True,
        repeat_action_probability=sticky,
        render_mode="rgb_array",
        disable_env_checker=True,
    ).unwrapped


def _library_action(action):
    """From [-1, 1] to the library's radius, angle and fire."""
    low, high = np.array([0.0, -math.pi, 0.0]), np.array([1.0, math.pi, 1.0])
    return (low + (high - low) * (action + 1.0) / 2.0).astype(np.float32)


def _actions(count, seed=3):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32)


def _play(simulator, actions):
    """Returns the observations after each action, and the sum of rewards."""
    outcomes = [simulator.step(action) for action in actions]
    return np.array([each.obs for each in outcomes]), sum(each.reward for each in outcomes)


def _assert_equals_the_library(ours, spec, steps):
    theirs = _library_environment(spec)
    ram, _ = theirs.reset(seed=5)
    np.testing.assert_array_equal(ours.reset(0), ram.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(ours.render()[7:217, 32:192], theirs.render())
    for action in _actions(steps):
        outcome = ours.step(action)
        ram, reward, *_ = theirs.step(_library_action(action))
        np.testing.assert_array_equal(outcome.obs, ram.astype(np.float32) / np.float32(255))
        assert outcome.reward == reward
        assert outcome.success == 0.0
    np.testing.assert_array_equal(ours.render()[7:217, 32:192], theirs.render())


@each_task(SPECS, by_default=BY_DEFAULT)
def test_a_game_is_the_librarys_and_the_second_episode_has_no_traces_of_the_first(spec):
    simulator = build_simulator(spec)
    _assert_equals_the_library(simulator, spec, steps=120)
    first = simulator.reset(1)
    _play(simulator, _actions(611, seed=4))
    _assert_plays_as_a_fresh_console(simulator, spec, 1, _actions(150))
    # A seed decides nothing as long as no action is sticky.
    for seed in (None, 2):
        np.testing.assert_array_equal(simulator.reset(seed), first)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_a_whole_episode_equals_the_librarys(spec):
    _assert_equals_the_library(build_simulator(spec), spec, steps=spec.episode_length)


@pytest.mark.parametrize("spec", SPECS[::5], ids=lambda spec: spec.id)
def test_some_tasks_keep_the_contract(spec):
    check_task(spec.model_copy(update={"episode_length": 60}))


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_every_task_keeps_the_contract_for_a_whole_episode(spec):
    check_task(spec)


def _assert_plays_as_a_fresh_console(used, spec, seed, actions):
    """Compare an episode, from its reset on, with one of a console just switched on."""
    fresh = atari.build(spec)
    np.testing.assert_array_equal(used.reset(seed), fresh.reset(seed))
    for number, action in enumerate(actions):
        ours, theirs = used.step(action), fresh.step(action)
        np.testing.assert_array_equal(ours.obs, theirs.obs)
        np.testing.assert_array_equal(used._ale.getRAM(), fresh._ale.getRAM())
        assert (ours.reward, ours.success) == (theirs.reward, theirs.success)
        if number % 50 == 0:
            np.testing.assert_array_equal(used.render(), fresh.render())


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_whole_episodes_have_no_traces_of_those_before(spec):
    simulator = build_simulator(spec)
    for seed, steps in ((5, spec.episode_length), (6, 137), (7, 450)):
        simulator.reset(None)
        _play(simulator, _actions(steps, seed=seed))
        _assert_plays_as_a_fresh_console(simulator, spec, 1, _actions(spec.episode_length))


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_seeded_episodes_with_sticky_actions_have_no_traces_of_those_before(spec):
    sticky = spec.model_copy(update={"env": {**spec.env, "sticky": 0.25}})
    simulator = build_simulator(sticky)
    simulator.reset(3)
    _play(simulator, _actions(611, seed=4))
    _assert_plays_as_a_fresh_console(simulator, sticky, 1, _actions(300))


# Stick fully out at an angle of 0, a quarter, half, minus a quarter turn; half pressed is not
# pressed; and within the threshold, in the middle between two directions, in none of them.
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ((1.0, 0.0, -1.0), "RIGHT"),
        ((1.0, 0.5, -1.0), "UP"),
        ((1.0, 1.0, 0.0), "LEFT"),
        ((1.0, -1.0, 0.1), "LEFTFIRE"),
        ((1.0, -0.5, 1.0), "DOWNFIRE"),
        ((1.0, 0.25, -1.0), "UPRIGHT"),
        ((1.0, -0.75, 1.0), "DOWNLEFTFIRE"),
        ((0.0, 0.0, -1.0), "NOOP"),
        ((-1.0, 0.5, 1.0), "FIRE"),
        ((0.3, 0.25, -1.0), "NOOP"),
    ],
)
def test_the_stick_moves_in_polar_coordinates(action, expected):
    simulator = atari.build(BY_ID["atari-ms-pacman"])
    inputs = []

    class Emulator:
        def act(self, stick, strength):
            inputs.append((stick, strength))
            return 2

        def getRAM(self, ram):  # noqa: N802 (the emulator's name)
            ram[:] = 51

    simulator.__dict__["_ale"] = Emulator()
    outcome = simulator.step(np.array(action, dtype=np.float32))
    strength = pytest.approx((action[0] + 1) / 2)
    assert inputs == [(getattr(ale_py.Action, expected), strength)] * 4
    assert outcome.reward == 8.0
    np.testing.assert_array_equal(outcome.obs, np.full(128, 0.2, dtype=np.float32))


def test_after_the_game_is_over_the_console_stands_still_until_the_episode_ends():
    spec = BY_ID["atari-asterix"]
    simulator = atari.build(spec)
    session = Session(spec, simulator)
    session.reset(0)
    states = []
    generator = np.random.default_rng(0)
    while not session.done:
        states.append(session.step(generator.uniform(-1, 1, 3).astype(np.float32)).obs)
    assert session.steps == 1000
    assert simulator._ale.game_over()
    assert simulator._ale.getEpisodeFrameNumber() < 4000
    np.testing.assert_array_equal(states[-1], states[-2])
    assert session.score == session.episode_return / 5000 > 0
    # The next episode is none the worse for it.
    session.reset(None)
    assert not simulator._ale.game_over()
    assert not np.array_equal(session.step(np.zeros(3, dtype=np.float32)).obs, states[-1])


def test_sticky_actions_are_decided_by_the_seed_and_differ_between_episodes():
    spec = BY_ID["atari-krull"].model_copy(update={"env": {"game": "krull", "sticky": 0.25}})
    simulator, other = build_simulator(spec), build_simulator(spec)
    actions = _actions(100)

    def episode(player, seed):
        player.reset(seed)
        return _play(player, actions)[0]

    seeded, following = episode(simulator, 1), episode(simulator, None)
    assert not np.array_equal(seeded, following)
    episode(other, 2)
    np.testing.assert_array_equal(episode(other, 1), seeded)
    np.testing.assert_array_equal(episode(other, None), following)
    assert not np.array_equal(episode(other, 2**32 - 1), seeded)


def test_sticky_actions_are_the_emulators():
    spec = BY_ID["atari-krull"].model_copy(update={"env": {"game": "krull", "sticky": 0.25}})
    ours, theirs = atari.build(spec), _library_environment(spec, sticky=0.25)
    ours.reset(9)
    theirs.ale.setInt("random_seed", ours._ale.getInt("random_seed"))
    theirs.load_game()
    theirs.reset()
    for action in _actions(100):
        ram = theirs.step(_library_action(action))[0]
        np.testing.assert_array_equal(ours.step(action).obs * np.float32(255), ram)


def test_the_screen_is_centred_on_black_and_drawing_changes_nothing():
    simulator, undrawn = build_simulator(BY_ID["atari-pong"]), build_simulator(BY_ID["atari-pong"])
    simulator.reset(0)
    undrawn.reset(0)
    first = simulator.render()
    assert first.shape == (224, 224, 3)
    assert first.dtype == np.uint8
    assert first[7:217, 32:192].std() > 5
    border = first.copy()
    border[7:217, 32:192] = 0
    assert not border.any()
    for action in _actions(40):
        simulator.render()
        np.testing.assert_array_equal(simulator.step(action).obs, undrawn.step(action).obs)
    later = simulator.render()
    assert not np.array_equal(first, later)
    np.testing.assert_array_equal(later, simulator.render())
    # A restarted game shows its first picture again, though nothing has drawn it since.
    simulator.reset(None)
    np.testing.assert_array_equal(simulator.render(), first)
    small = simulator.render(height=112, width=64)
    assert small.shape == (112, 64, 3)
    assert small.mean() == pytest.approx(first.mean(), rel=0.02)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"game": "pongg"}, r"no game 'pongg'.*Did you mean 'pong'\?"),
        ({}, r"no game 'None' \(env needs 'game'\)"),
        ({"game": "pong", "mode": 1}, "no setting 'mode'; it takes 'game' and 'sticky'"),
        ({"game": "pong", "sticky": 1.5}, "'sticky' is 1.5; it must be a probability"),
        ({"game": "pong", "sticky": "yes"}, "'sticky' is 'yes'"),
    ],
)
def test_a_mistake_in_env_is_named(env, message):
    spec = BY_ID["atari-pong"].model_copy(update={"env": env})
    with pytest.raises(SpecError, match=f"task 'atari-pong'.*{message}"):
        atari.build(spec)
