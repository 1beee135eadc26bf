"""Newt's DMControl tasks are the suite's, to the last bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from newt_core.envs.domains import dmcontrol
from newt_core.envs.registry import build_simulator
from newt_core.errors import SpecError
from newt_core.specs import load_specs

SPECS = load_specs().select("dmcontrol")
BY_ID = {spec.id: spec for spec in SPECS}


def _suite_environment(spec, seed):
    from dm_control import suite
    from dm_control.suite.wrappers import action_scale

    environment = suite.load(**spec.env, task_kwargs={"random": seed})
    if spec.id.startswith("quadruped"):  # the only body with controls beyond [-1, 1]
        environment = action_scale.Wrapper(environment, minimum=-1.0, maximum=1.0)
    return environment


def _flat(time_step):
    parts = [np.ravel(value) for value in time_step.observation.values()]
    return np.concatenate(parts).astype(np.float32)


def _assert_equals_the_suite(spec, steps, episodes):
    ours = build_simulator(spec)
    theirs = _suite_environment(spec, seed=7)
    generator = np.random.default_rng(1)
    for episode in range(episodes):
        time_step = theirs.reset()
        # The first episode is seeded; the next one continues the same random stream.
        np.testing.assert_array_equal(ours.reset(7 if episode == 0 else None), _flat(time_step))
        for _ in range(steps):
            action = generator.uniform(-1, 1, spec.action_dim).astype(np.float32)
            outcome = ours.step(action)
            reward = 0.0
            for _ in range(spec.action_repeat):
                time_step = theirs.step(action.astype(np.float64))
                reward += time_step.reward
            np.testing.assert_array_equal(outcome.obs, _flat(time_step))
            assert outcome.reward == reward
            assert math.isnan(outcome.success)
    return time_step


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_a_seeded_episode_equals_the_suites(spec):
    _assert_equals_the_suite(spec, steps=12, episodes=2)


@pytest.mark.parametrize("task_id", ["cartpole-swingup", "finger-turn-hard", "reacher-easy"])
def test_a_whole_episode_equals_the_suites_and_ends_when_it_ends(task_id):
    spec = BY_ID[task_id]
    last = _assert_equals_the_suite(spec, steps=spec.episode_length, episodes=1)
    assert last.last()


def test_specs_state_the_suites_sizes_and_lengths():
    from dm_control import suite

    for spec in SPECS:
        environment = suite.load(**spec.env)
        assert environment.action_spec().shape == (spec.action_dim,)
        control_steps = spec.episode_length * spec.action_repeat
        assert environment._step_limit == pytest.approx(control_steps)


def test_quadruped_controls_span_their_whole_range():
    simulator = dmcontrol.build(BY_ID["quadruped-walk"])
    simulator.reset(0)
    bounds = simulator._physics.model.actuator_ctrlrange
    for action, expected in ((-1.0, bounds[:, 0]), (1.0, bounds[:, 1])):
        simulator.step(np.full(12, action, dtype=np.float32))
        np.testing.assert_allclose(simulator._physics.data.ctrl, expected, atol=1e-12)


def test_an_unknown_suite_task_is_named():
    spec = BY_ID["walker-run"].model_copy(
        update={"env": {"domain_name": "walker", "task_name": "rum"}}
    )
    with pytest.raises(SpecError, match=r"no 'walker/rum'.*Did you mean 'walker/run'\?"):
        dmcontrol.build(spec)


RENDER = """
import os
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
simulator = build_simulator(load_specs()["walker-run"])
first = simulator.reset(0)
assert "MUJOCO_GL" not in os.environ
frame = simulator.render(height=96, width=128)
again = simulator.render(height=96, width=128)
assert frame.shape == (96, 128, 3) and frame.dtype == np.uint8 and frame.std() > 5
assert np.array_equal(frame, again)
for _ in range(10):
    simulator.step(np.ones(6, dtype=np.float32))
assert not np.array_equal(frame, simulator.render(height=96, width=128))
assert np.array_equal(first, simulator.reset(0))
print(os.environ["MUJOCO_GL"])
simulator.close()
"""


@pytest.mark.parametrize("screen", [{}, {"DISPLAY": ":4711"}], ids=["none", "gone"])
def test_without_a_screen_rendering_chooses_egl_when_first_asked(screen):
    variables = {k: v for k, v in os.environ.items() if k not in ("MUJOCO_GL", "DISPLAY")} | screen
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", RENDER], env=variables, capture_output=True, text=True
    )
    assert done.stdout.strip() == "egl", done.stderr


def test_rendering_that_is_switched_off_says_how_to_switch_it_on():
    code = (
        "import newt_core, newt_core.errors\n"
        "env = newt_core.make('pendulum-swingup', render_mode='rgb_array')\n"
        "env.reset()\n"
        "try: env.render()\n"
        "except newt_core.errors.MissingDependencyError as error: print(error)"
    )
    variables = {**os.environ, "MUJOCO_GL": "disable", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True
    )
    assert done.stdout.startswith("cannot render with MUJOCO_GL=disable"), done.stderr


WITHOUT_TEXTURES = """
import numpy as np
from newt_core.envs.registry import build_simulator
from newt_core.specs import load_specs
simulator = build_simulator(load_specs()["walker-run"])
total = simulator.reset(3).sum()
for _ in range(20):
    total += simulator.step(np.ones(6, dtype=np.float32)).obs.sum()
print(float(total), simulator._physics.model.tex_data.any())
"""


def test_giving_up_textures_where_nothing_is_rendered_leaves_the_physics_alone():
    outputs = []
    for backend in ("egl", "disable"):
        variables = {**os.environ, "MUJOCO_GL": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TEXTURES], env=variables, capture_output=True, text=True
        )
        outputs.append(done.stdout.split())
    assert outputs[0][0] == outputs[1][0]
    assert outputs[0][1] == "True"
