"""From tasks to scripted players, one at a time and many at once."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from newt_core.errors import SpecError
from newt_core.evaluation import evaluate
from newt_core.experts.act import ScriptedAct
from newt_core.experts.registry import FINDERS, has_player, make_player
from newt_core.specs import load_specs
from newt_core.specs.schema import BUILTIN_DOMAINS
from newt_core.types import Observation

LIBRARY = load_specs()


def test_a_task_without_a_player_is_an_error_that_says_where_to_look():
    spec = LIBRARY["hopper-hop"]
    assert not has_player(spec)
    with pytest.raises(SpecError, match=r"'hopper-hop': there is no .*tasks list --experts"):
        make_player(spec)


def test_finders_are_those_of_domains_that_exist():
    assert set(FINDERS) <= set(BUILTIN_DOMAINS)


def test_a_task_of_a_users_domain_has_no_player():
    foreign = LIBRARY["walker-run"].model_copy(update={"domain": "my-robots"})
    assert not has_player(foreign)


def test_every_player_acts_within_its_task():
    """Each is given an observation of zeros: no simulator is built."""
    tasks = [spec for spec in LIBRARY.values() if has_player(spec)]
    assert len(tasks) >= 100
    for spec in tasks:
        action = make_player(spec)(np.zeros(spec.obs_dim, np.float32))
        assert action.shape == (spec.action_dim,), spec.id
        assert action.dtype == np.float32, spec.id
        assert np.abs(action).max() <= 1.0, spec.id


def test_asking_for_one_domain_does_not_import_the_others():
    code = """
import sys
from newt_core.experts.registry import make_player
from newt_core.specs import load_specs
make_player(load_specs()["pygame-pong"])
foreign = {"metaworld", "Box2D", "dm_control", "ale_py", "torch"} & set(sys.modules)
sys.exit(", ".join(foreign) or None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_many_players_at_once_each_start_anew_with_their_episode():
    """Both tasks' players through the pool score what each scores by itself."""
    specs = [LIBRARY["pygame-point-maze-var1"], LIBRARY["pygame-cartpole-balance"]]
    results = evaluate(ScriptedAct(specs), specs, 3, envs_per_task=2, workers=1)
    assert [result.task for result in results] == [spec.id for spec in specs for _ in range(3)]
    assert min(result.score for result in results) > 0.9


def test_padded_entries_are_zero():
    spec = LIBRARY["pygame-pong"]
    act = ScriptedAct([spec])
    once = np.ones(2, dtype=np.bool_)
    state = np.ones((2, 128), np.float32)
    action = act(Observation(state, np.zeros(2, np.int64), np.arange(2), once))
    assert action.shape == (2, 16)
    assert not action[:, spec.action_dim :].any()
