"""Single steps beside published numbers, or worked by hand: the highway."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import newt_core
from newt_core.envs.domains.miniarcade import highway as road
from newt_core.envs.domains.miniarcade.highway import Highway


def act(game, *action):
    return game.step(np.array(action, dtype=np.float32))


def highway(cars, x=40.0, y=100.0, vx=0.0, vy=0.0):
    """A road with the given cars (kind, lane, x) in its first slots, the others empty."""
    game = Highway()
    game.reset(0)
    game.x, game.y, game.vx, game.vy = x, y, vx, vy
    game.slots = [road.Slot(9) for _ in range(4)]
    for slot, car in zip(game.slots, cars, strict=False):
        slot.place(*car)
    return game


def test_highway_collides_as_published():
    game = highway([(road.YELLOW, 2, 75.0)], vx=0.5)
    obs, reward, _ = act(game, 1, -0.5)
    assert reward == pytest.approx(-0.980933, abs=1e-6)
    np.testing.assert_allclose(obs[[0, 12]], [0.18371, 0.30268], atol=6e-6)
    assert obs[4] == 1.0
    obs, reward, _ = act(game, 0, 0)
    assert reward == pytest.approx(0.019633, abs=1e-6)
    np.testing.assert_allclose(obs[[0, 12]], [0.15, 0.27054], atol=6e-6)


def test_highway_car_drags_the_agent_for_five_steps_and_vanishes():
    game = highway([(road.BLUE, 2, 106.0)], x=75.0, y=103.0)
    places, active = [], []
    for _ in range(7):
        obs = act(game, 0, 0).obs
        places.append(obs[0] * 224)
        active.append(bool(obs[12] > 0))
    # It comes to 100, then pushes by 6 a step until its sixth step.
    np.testing.assert_allclose(places, [75, 67, 61, 55, 49, 43, 43], atol=1e-4)
    assert active == [True] * 5 + [False] * 2
    # An empty slot's counter is drawn in the step that empties it, and counts in that step.
    assert 4 - 2 <= game.slots[0].respawn <= 10 - 2


def crash(obs):
    """Stand still until somebody runs into the agent, and until the end of the episode.

    Returns obs[4] from the first crash on, and pictures from the step before it on.
    """
    env = newt_core.make("pygame-highway", render_mode="rgb_array", obs=obs)
    seen = env.reset(seed=0)[0]
    flashes: list[float] = []
    pictures: list[np.ndarray] = []
    for _ in range(500):
        if len(flashes) < 6:
            pictures = [*pictures[-6:], np.asarray(env.render())]
            # Watching changes nothing.
            assert np.array_equal(pictures[-1], np.asarray(env.render()))
        seen = env.step(np.zeros(2))[0]
        flash = (seen["state"] if obs == "both" else seen)[4]
        if flashes or flash:
            flashes.append(flash)
        if obs == "both" and len(flashes) == 6:
            break
    return flashes, pictures


def redness(picture):
    """How red the grass above the road is."""
    grass = picture[:12].astype(float)
    return grass[..., 0].mean() - grass[..., 1].mean()


def test_highway_flash_stays_in_runs_of_states_and_fades_in_runs_with_pictures():
    stays, pictures = crash("state")
    assert len(stays) > 100
    assert set(stays) == {1.0}
    fades, same_pictures = crash("both")
    np.testing.assert_allclose(fades, [1, 2 / 3, 1 / 3, 0, 0, 0], atol=1e-6)
    # What is drawn does not depend on who looks: a red veil over three pictures.
    assert np.array_equal(pictures, same_pictures)
    veiled = [redness(picture) > redness(pictures[0]) + 20 for picture in pictures[1:]]
    assert veiled == [False, True, True, True, False, False]


def test_highway_flash_fades_in_a_pool_that_draws():
    with closing(newt_core.make_vec(["pygame-highway"], seed=0, obs="both")) as envs:
        envs.reset()
        flashes: list[float] = []
        while len(flashes) < 4:
            obs, *_, infos = envs.step(np.zeros((1, 16), np.float32))
            assert not infos["_final_obs"].any(), "no crash in the whole episode"
            if flashes or obs["state"][0, 4]:
                flashes.append(obs["state"][0, 4])
    np.testing.assert_allclose(flashes, [1, 2 / 3, 1 / 3, 0], atol=1e-6)


def test_highway_rewards_lanes_room_and_little_effort():
    # In the middle of lane 2, with nobody there.
    free = highway([(road.TRUCK, 1, 150.0)], y=103.0)
    assert act(free, 0, 0).reward == pytest.approx(0.02)
    # Somebody 94 ahead, then 42: at 162 and 110 after their step.
    far = highway([(road.BLUE, 2, 168.0)], y=103.0)
    assert act(far, 0, 0).reward == pytest.approx(0.015)
    near = highway([(road.BLUE, 2, 116.0)], y=103.0)
    assert act(near, 0, 0).reward == pytest.approx(0.01 - 0.02 * 0.5)
    # On the line between two lanes, 18.8 off; full effort costs 0.001.
    between = highway([], y=103.0 - 18.7, vx=-0.65, vy=-0.65)
    assert act(between, 1, 1).reward == pytest.approx(
        0.01 * np.exp(-((18.7 / 18.8) ** 2)) + 0.01 - 0.001
    )


def test_highway_observes_gaps_and_cars():
    cars = [(road.BLUE, 1, 100.0), (road.TRUCK, 3, 180.0), (road.YELLOW, 3, 20.0)]
    obs = act(highway(cars), 0, 0).obs
    # Lane 2, 3 above its middle; lane 1 has a car 26 ahead, lane 3 a truck 106 ahead.
    expected = [40 / 224, 109 / 224, 0, 0, 0, -1, 0, 1, 26 / 224, 106 / 224, -3 / 18.8, 0.5]
    expected += [94 / 224, 74.4 / 224, 0, 174 / 224, 149.6 / 224, 1, 12.8 / 224, 149.6 / 224, 0]
    np.testing.assert_allclose(obs, [*expected, -1, -1, -1], atol=1e-6)
    edge = act(highway([], y=18.0), 0, 0).obs
    np.testing.assert_allclose(edge[5:10], [-1, 0, 1, -1, -1])


def test_highway_yellow_cars_slow_down_behind_others():
    cars = [(road.BLUE, 0, 50.0), (road.YELLOW, 0, 107.0), (road.YELLOW, 4, 107.0)]
    game = highway(cars)
    act(game, 0, 0)
    # The blue car moved first: a gap of 107 - 72 = 35 is above 28.
    assert [slot.x for slot in game.slots[:3]] == pytest.approx([44, 99.8, 99.8])
    act(game, 0, 0)
    # The blue car moves first. The yellow one closes up by 1.2 a step until the gap before its
    # own move is no longer above 28, that is 22 after it, and then keeps it.
    for _ in range(8):
        act(game, 0, 0)
    gaps = []
    for _ in range(3):
        act(game, 0, 0)
        gaps.append(game.slots[1].x - game.slots[0].x - 28)
    assert gaps == pytest.approx([gaps[0]] * 3)
    assert 22 - 1.2 <= gaps[0] <= 22


def test_highway_cars_keep_their_distance_when_they_enter():
    game = Highway()
    kinds, lanes = set(), set()
    for seed in range(60):
        game.reset(seed)
        assert game.slots[0].x == 264.0
        assert 20 <= game.x <= 60
        for _ in range(300):
            before = [slot.active for slot in game.slots]
            act(game, 0, 0)
            for slot, was_active in zip(game.slots, before, strict=True):
                if slot.active and not was_active:
                    kinds.add(slot.kind)
                    lanes.add(slot.lane)
                    assert 244 <= slot.x <= 284
                    for other in game.slots:
                        if other.active and other is not slot and other.lane == slot.lane:
                            longer = max(other.length, slot.length)
                            # The others may have moved since, by 7.2 at most.
                            assert abs(other.x - slot.x) >= longer + 18 - 7.2
    assert kinds == {0, 1, 2}
    assert lanes == {0, 1, 2, 3, 4}
