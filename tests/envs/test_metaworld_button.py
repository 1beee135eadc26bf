"""Newt's button behind the wall is rewarded as before Meta-World's version 3."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from newt_core.envs.domains import metaworld as domain
from newt_core.envs.session import Session
from newt_core.specs import load_specs
from tests.envs.metaworld_button import TURNED_AROUND, earlier_reward

SPEC = load_specs()[TURNED_AROUND]


def test_the_button_behind_the_wall_is_rewarded_as_before_version_3_turned_its_gripper_around():
    simulator = domain.build(SPEC)
    environment = simulator._env
    generator = np.random.default_rng(0)
    with_contact = 0
    for seed in range(20):
        state = simulator.reset(seed)
        for _ in range(100):
            obs = state.astype(np.float64)
            obs[3] = generator.uniform()
            # The button anywhere around the gripper, and at times right at it.
            reach = generator.choice([0.02, 0.2, 1.0])
            obs[4:7] = environment.tcp_center + generator.uniform(-reach, reach, 3)
            given = obs.copy()
            reward, info = environment.evaluate_state(obs, np.zeros(4))
            np.testing.assert_array_equal(obs, given)
            expected = earlier_reward(environment, obs)
            assert reward == pytest.approx(expected[0], rel=1e-12)
            assert info["success"] == (expected[3] <= 0.024)
            with_contact += expected[1] <= 0.03
    assert 100 < with_contact < 1900


@pytest.mark.filterwarnings("ignore:Constant.* may be too high")
def test_an_open_gripper_beside_the_button_earns_less_than_a_press():
    from metaworld.policies import ENV_POLICY_MAP

    def episode(above, effort):
        session = Session(SPEC, domain.build(SPEC))
        make_policy: Any = ENV_POLICY_MAP["button-press-topdown-v3"]
        obs, policy = session.reset(0), make_policy()
        while not session.done:
            shown = obs.astype(np.float64)
            shown[6] += above
            action = np.r_[policy.get_action(shown)[:3], effort]
            obs = session.step(np.clip(action, -1, 1).astype(np.float32)).obs
        return session

    hovering, pressing = episode(0.04, -1.0), episode(0.0, 1.0)
    assert (hovering.score, pressing.score) == (0.0, 1.0)
    assert 3 * hovering.episode_return < pressing.episode_return
