"""Every task's Gymnasium id passes Gymnasium's own checker."""

from __future__ import annotations

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from newt_core.envs import gym_ids
from newt_core.errors import MissingDependencyError
from newt_core.specs import load_specs

LIBRARY = load_specs()
SOME = (
    "walker-run",
    "quadruped-run",
    "giraffe-run",
    "spinner-jump-four",
    "mw-reach",
    "mw-basketball",
    "ms-cartpole-balance",
    "mujoco-ant",
    "mujoco-reacher",
    "pygame-cowboy",
    "pygame-point-maze-var1",
    "bipedal-walker-rugged",
    "lunarlander-hover",
    "rd-open-drawer",
    "og-antball",
    "og-point-maze",
    "atari-pong",
)
"""Tasks of every domain, among them those with the most unusual rewards and bodies."""
SPREAD = [task for task in SOME if task in LIBRARY]


def check(task, **options):
    """Build a task by its Gymnasium id and check it; one that cannot be built here is skipped."""
    gym_ids.register()
    try:
        env = gymnasium.make(f"newt/{task}-v0", **options)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    try:
        # Rendering is checked elsewhere: this would draw each task in every mode.
        check_env(env.unwrapped, skip_render_check=True)
    finally:
        env.close()


# Observations are unbounded, as the benchmark's are; the checker only mentions it.
pytestmark = pytest.mark.filterwarnings(
    "error:.*33mWARN", "ignore:.*Box observation space m.*imum value"
)


def test_the_spread_covers_every_domain():
    assert {LIBRARY[task].domain for task in SPREAD} == {s.domain for s in LIBRARY.values()}


@pytest.mark.parametrize("task", SPREAD)
def test_a_spread_of_tasks_passes(task):
    check(task)


@pytest.mark.parametrize("obs", ["rgb", "both"])
def test_observations_with_pictures_pass(obs):
    check("pygame-highway", obs=obs)


@pytest.mark.slow
@pytest.mark.parametrize("task", [task for task in LIBRARY if task not in SPREAD])
def test_all_others_pass(task):
    check(task)
