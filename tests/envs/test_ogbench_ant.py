"""The ant on the open plane, told a direction or playing a ball: physics equal to OGBench's."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import mujoco
import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.domains.ogbench.rewards import ball_reward
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs

LIBRARY = load_specs()
ANT, ANTBALL = LIBRARY["og-ant"], LIBRARY["og-antball"]


def built(spec: Any) -> Any:
    """Build a task's simulator, whose parts the tests look at."""
    return build_simulator(spec)


def librarys_ball() -> Any:
    """Build OGBench's ant with a ball, which normally draws a frame when it is built."""
    from ogbench.online_locomotion.ant_ball import AntBallEnv

    base: Any = AntBallEnv

    class WithoutPictures(base):
        def render(self):
            self.mujoco_renderer.viewer = SimpleNamespace(cam=SimpleNamespace(lookat=[0, 0, 0]))

    return WithoutPictures(render_mode="rgb_array")


@pytest.mark.parametrize("spec", [ANT, ANTBALL], ids=lambda spec: spec.id)
def test_task_keeps_the_contract(spec):
    check_task(spec)


def test_a_seeded_episode_equals_the_librarys_with_its_direction_wrapper():
    from ogbench.online_locomotion.ant import AntEnv
    from ogbench.online_locomotion.wrappers import GymXYWrapper

    ours, theirs = built(ANT), GymXYWrapper(AntEnv(), resample_interval=100)
    first, _ = theirs.reset(seed=4)
    np.testing.assert_array_equal(ours.reset(4)[:27], first[:27].astype(np.float32))
    theirs.z = ours.direction  # theirs comes from NumPy's global generator
    generator = np.random.default_rng(0)
    for step in range(1, 251):
        action = generator.uniform(-1, 1, 8).astype(np.float32)
        outcome = ours.step(action)
        obs, reward, _, _, _ = theirs.step(action)
        np.testing.assert_array_equal(outcome.obs[:27], obs[:27].astype(np.float32))
        assert outcome.reward == reward
        assert outcome.success == 0.0
        if step % 100 == 0:
            assert not np.array_equal(ours.direction, theirs.z)
            theirs.z = ours.direction
        np.testing.assert_array_equal(outcome.obs[27:], ours.direction.astype(np.float32))


def test_directions_hold_for_a_hundred_steps_and_point_everywhere():
    simulator = built(ANT)
    directions = [simulator.reset(0)[27:]]
    idle = np.zeros(8, dtype=np.float32)
    directions += [simulator.step(idle).obs[27:] for _ in range(ANT.episode_length)]
    changes = [
        step
        for step in range(1, len(directions))
        if not np.array_equal(directions[step], directions[step - 1])
    ]
    assert changes == list(range(100, 1001, 100))
    drawn = np.array([simulator.reset(seed)[27:] for seed in range(400)])
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1.0, atol=1e-6)
    quadrants = np.unique(drawn > 0, axis=0, return_counts=True)[1]
    assert quadrants.min() > 70  # of 100 expected


def test_an_ant_with_a_ball_equals_the_librarys():
    ours, theirs = built(ANTBALL), librarys_ball()
    theirs.reset(seed=6)
    ours.reset(6)
    # All but where ant and ball are put comes from the same stream.
    put = [0, 1, 15, 16]
    np.testing.assert_array_equal(
        np.delete(ours.physics.positions, put), np.delete(theirs.data.qpos, put)
    )
    np.testing.assert_array_equal(ours.physics.velocities, theirs.data.qvel)
    mujoco.mj_resetData(theirs.model, theirs.data)
    theirs.set_state(ours.physics.positions, ours.physics.velocities)
    theirs.set_goal(goal_xy=np.array(ours.goal))
    np.testing.assert_array_equal(ours._observe(), theirs._get_obs().astype(np.float32))
    generator = np.random.default_rng(0)
    for _ in range(ANTBALL.episode_length):
        action = generator.uniform(-1, 1, 8).astype(np.float32)
        outcome = ours.step(action)
        obs, reward, _, _, info = theirs.step(action)
        np.testing.assert_array_equal(outcome.obs, obs.astype(np.float32))
        assert outcome.reward == pytest.approx(reward, abs=1e-9)
        assert outcome.success == info["success"]


def test_ant_ball_and_goal_are_put_where_the_spec_says():
    simulator = built(ANTBALL)
    ants, balls, goals = [], [], []
    for seed in range(300):
        obs = simulator.reset(seed)
        ant, ball = simulator._places()
        ants.append(ant)
        balls.append(ball)
        goals.append(simulator.goal)
        np.testing.assert_allclose(obs[38:40], np.subtract(ball, ant), atol=1e-6)
        np.testing.assert_allclose(obs[40:42], np.subtract(simulator.goal, ball), atol=1e-6)
    for places, spread in ((ants, 1), (balls, 2), (goals, 3)):
        assert 0.95 * spread < np.abs(places).max() <= spread


def test_the_ball_brought_closer_counts_more_than_the_ant():
    assert ball_reward((2.0, 1.0), (1.9, 1.0)) == pytest.approx(2.5)
    assert ball_reward((2.0, 1.0), (2.0, 0.9)) == pytest.approx(1.0)


def test_success_is_the_ball_lying_at_the_goal_now():
    simulator = built(ANTBALL)
    simulator.reset(0)
    idle = np.zeros(8, dtype=np.float32)
    for off, success in ((0.45, 1.0), (0.55, 0.0)):
        simulator.physics.positions[15:17] = np.add(simulator.goal, (off, 0.0))
        simulator.physics.velocities[:] = 0.0
        assert simulator.step(idle).success == success


WITHOUT_TORCH = """
import sys
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
for task in ("og-ant", "og-point-maze"):
    build_simulator(load_specs()[task]).reset(0)
sys.exit("torch" in sys.modules or "ogbench" in sys.modules)
"""


def test_building_loads_neither_torch_nor_the_packages_code():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], env=_variables(), check=False)
    assert done.returncode == 0


RENDER = """
import mujoco
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs

def plain(simulator, camera):
    with mujoco.Renderer(simulator.physics.model, 224, 224) as renderer:
        renderer.update_scene(simulator.physics.data, camera)
        return renderer.render()

def free(lookat, distance):
    camera = mujoco.MjvCamera()
    camera.lookat[:] = lookat
    camera.distance, camera.elevation, camera.azimuth = distance, -90, 90
    return camera

cameras = {
    "og-point-maze": free((10, 10, 0), 30),
    "og-antball": free((0, 0, 0), 8),
    "og-ant": "track",
}
for task, camera in cameras.items():
    spec = load_specs()[task]
    looked_at, unseen = build_simulator(spec), build_simulator(spec)
    for simulator in (looked_at, unseen):
        simulator.reset(1)
    frame = looked_at.render()
    assert frame.shape == (224, 224, 3) and frame.dtype == np.uint8 and frame.std() > 5
    assert np.array_equal(frame, looked_at.render())
    # Drivers may round differently from buffer to buffer.
    difference = np.abs(frame.astype(int) - plain(looked_at, camera))
    assert difference.mean() < 0.5, (task, difference.mean())
    for _ in range(3):
        action = np.ones(spec.action_dim, dtype=np.float32)
        assert np.array_equal(looked_at.step(action).obs, unseen.step(action).obs)
    assert not np.array_equal(frame, looked_at.render())
    assert np.array_equal(looked_at.reset(None), unseen.reset(None))
    if task == "og-point-maze":
        # From above, x to the right and y upwards: a red disc at the goal.
        red, green, blue = looked_at.render().astype(int).transpose(2, 0, 1)
        rows, columns = np.nonzero((red > 150) & (red - green > 60) & (blue > green))
        pixels = 224 / (2 * 30 * np.tan(np.radians(45 / 2)))
        x, y = looked_at.goal
        assert abs(columns.mean() - (112 + (x - 10) * pixels)) < 2, (columns.mean(), x)
        assert abs(rows.mean() - (112 - (y - 10) * pixels)) < 2, (rows.mean(), y)
    looked_at.close()
print("drawn")
"""


def _variables() -> dict[str, str]:
    return {**os.environ, "MUJOCO_GL": "egl", "PYTHONPATH": os.pathsep.join(sys.path)}


def test_pictures_equal_plain_ones_and_disturb_nothing():
    done = subprocess.run(
        [sys.executable, "-c", RENDER],
        env=_variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "drawn", done.stderr
