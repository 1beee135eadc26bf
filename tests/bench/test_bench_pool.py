"""``newt bench pool``: that it measures; its numbers are for an idle machine."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from newt_core.bench.pool import VARIANTS, asynchronous, bench_pool
from newt_core.envs.pool import Pool
from newt_core.errors import ConfigError
from newt_core.specs import load_specs
from newt_core.types import ACTION_DIM


def test_the_report_has_the_command_lines_form():
    specs = load_specs().select("pygame-cowboy,pygame-pong")
    report = json.loads(json.dumps(bench_pool(specs, steps=3, repeats=1)))
    assert set(report) == {"what", "tasks", "commit", "hardware", "variants", "ratios"}
    assert set(report["variants"]) == set(VARIANTS)
    for measured in report["variants"].values():
        assert measured["median_s"] > 0
        assert measured["steps_per_s"] > 0
        # A Python process with a simulator: not nothing, and no gigabytes.
        assert 20 < measured["memory_mb"] <= measured["resident_mb"] < 4000
    expected = {"pool_over_gymnasium_async", "pool_over_gymnasium_sync", "pool_async_over_pool"}
    assert expected <= set(report["ratios"])
    assert report["ratios"]["memory_mb_pool_over_gymnasium_async"] > 0


def test_some_variants_alone():
    specs = load_specs().select("pygame-cowboy,pygame-pong")
    heard = []
    report = bench_pool(
        specs, steps=3, repeats=1, chosen=["pool_async"], told=lambda *each: heard.append(each)
    )
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(report["variants"]) == {"pool", "pool_async"}
    assert set(report["ratios"]) == {"pool_async_over_pool"}
    with pytest.raises(ConfigError, match=r"Did you mean 'pool_async'\?"):
        bench_pool(specs, chosen=["pool_asinc"])


class HalfReady:
    """Of four environments, those with even ids are ready at once and the others never."""

    num_envs = 4

    def __init__(self):
        self.sent = []

    def send(self, actions, env_ids):
        assert len(actions) == len(env_ids)
        self.sent.append((env_ids.tolist(), actions[:, 0].tolist()))

    def recv(self, min_envs):
        assert min_envs == 1
        return SimpleNamespace(env_ids=np.array([0, 2]))


def test_asynchronously_only_ready_environments_get_an_action():
    pool = HalfReady()
    act = asynchronous(cast(Pool, pool))
    actions = np.repeat(np.arange(4, dtype=np.float32)[:, None], ACTION_DIM, axis=1)
    assert [act(actions) for _ in range(3)] == [2, 2, 2]
    assert pool.sent == [([0, 1, 2, 3], [0, 1, 2, 3]), ([0, 2], [0, 2]), ([0, 2], [0, 2])]
