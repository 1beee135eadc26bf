"""Episodes step by step are those that an evaluation runs, and can be looked at again."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.evaluation import evaluate
from newt_core.evaluation.traces import Trace, record, replay
from newt_core.types import ACTION_DIM, ByteArray, FloatArray, IntArray, Observation, Transitions
from tests.fixtures.point_pool import PointPool, point_task

TASK = point_task("point", 6)


def act(observation: Observation) -> FloatArray:
    """Push back, a little differently in each episode."""
    assert observation.episode is not None
    push = np.zeros((len(observation.task), ACTION_DIM), np.float32)
    push[:, 0] = -observation.state[:, 0] - 0.1 * observation.episode
    return np.clip(push, -1, 1)


def traces(envs: int, episodes: int = 5, steps: int = 6, seed: int = 3, **pool) -> list[Trace]:
    return record(act, PointPool([TASK] * envs, **pool), episodes, steps, task=2, seed=seed)


def test_whole_traces_are_the_episodes_of_an_evaluation():
    results = evaluate(act, [TASK], 5, pool=PointPool([TASK] * 2), seed=3)
    for envs in (1, 2, 5, 7):
        found = traces(envs)
        assert len(found) == 5
        for trace, result in zip(found, results, strict=True):
            assert trace.reward.sum() == pytest.approx(result.episode_return, rel=1e-6)


def test_a_trace_says_what_led_from_where_to_where():
    first, *_ = traces(2)
    state = first.seen.state
    assert state.shape == (7, 128)
    assert (first.action.shape, first.reward.shape) == ((6, ACTION_DIM), (6,))
    # The point's speed, and the reward for where it then is; also at the episode's end.
    np.testing.assert_allclose(
        state[1:, 1], 0.9 * state[:-1, 1] + 0.2 * first.action[:, 0], rtol=1e-5
    )
    np.testing.assert_allclose(first.reward, 1 / (1 + np.abs(state[1:, 0])), rtol=1e-5)
    assert first.seen.task.tolist() == [2] * 7
    assert first.seen.first.tolist() == [True] + [False] * 6


def test_the_beginning_of_an_episode_is_enough():
    for short, whole in zip(traces(2, steps=2), traces(2), strict=True):
        assert len(short.reward) == 2
        assert np.array_equal(short.reward, whole.reward[:2])
        assert np.array_equal(short.seen.state, whole.seen.state[:3])


def test_a_lost_episode_is_run_again():
    counted: list[int] = []
    pool = PointPool([TASK] * 2, [(1, 3)])
    found = record(act, pool, 5, 6, task=2, seed=3, on_steps=counted.append)
    assert pool.stats.lost_episodes == 1
    for again, undisturbed in zip(found, traces(2), strict=True):
        assert np.array_equal(again.seen.state, undisturbed.seen.state)
    assert sum(counted) > 5 * 6


class DrawnPool(PointPool):
    """Draws each environment as one grey picture: its place."""

    def frames(self) -> ByteArray:
        return self._pictures(np.arange(self.num_envs))

    def recv(self, min_envs: int = 1) -> Transitions:
        ids = np.array(self.sent[-1])
        places = self._state[ids].copy()
        reply = super().recv(min_envs)
        assert places.shape == (len(ids), 2)
        drawn = self._grey(reply.final_obs[:, 0])
        return Transitions(**vars(reply) | {"frames": drawn, "final_frames": drawn})

    def _pictures(self, ids: IntArray) -> ByteArray:
        return self._grey(self._state[ids, 0])

    def _grey(self, place: FloatArray) -> ByteArray:
        level = np.clip(128 + 20 * place, 0, 255).astype(np.uint8)
        return np.broadcast_to(level[:, None, None, None, None], (len(place), 1, 4, 4, 3)).copy()


@pytest.mark.parametrize("lose", [(), [(0, 1)]])
def test_recorded_actions_lead_to_the_same_pictures(lose):
    one, other = traces(2)[1], traces(1, steps=4)[4]
    shown = replay(DrawnPool([TASK] * 2, lose), (one, other), (0, 1, 4), seed=3)
    assert len(shown) == 3
    for time, pair in zip((0, 1, 4), shown, strict=True):
        for picture, trace in zip(pair, (one, other), strict=True):
            grey = np.clip(128 + 20 * trace.seen.state[time, 0], 0, 255).astype(np.uint8)
            assert (picture == grey).all()
