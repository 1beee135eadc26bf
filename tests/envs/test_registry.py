"""Finding a domain's simulators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from newt_core.envs.pool import make_pool
from newt_core.envs.registry import find_builder, known_domains
from newt_core.errors import MissingDependencyError, SpecError
from newt_core.specs import TaskSpec, load_specs

ROOT = Path(__file__).parents[2]

DOMAIN_MODULE = """
import math
import numpy as np
from newt_core.envs.contract import Outcome

class Still:
    def reset(self, seed): return np.zeros(2, dtype=np.float32)
    def step(self, action): return Outcome(np.ones(2, dtype=np.float32), 1.0, math.nan)
    def render(self, height=224, width=224): return np.zeros((height, width, 3), dtype=np.uint8)
    def close(self): pass

def build(spec): return Still()
"""

SPEC_FILE = """
domain: garden
tasks:
  - id: garden-rest
    embodiment: A stone.
    instruction: Lie still.
    obs_dim: 2
    action_dim: 1
    episode_length: 3
    reward: dense
    score: {kind: return, high: 3}
"""


@pytest.fixture
def installed_package(tmp_path, monkeypatch):
    """A package as pip would install it, with a domain of its own and its entry point."""
    (tmp_path / "garden.py").write_text(DOMAIN_MODULE)
    metadata = tmp_path / "garden-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: garden\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[newt.domains]\ngarden = garden:build\n")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "garden.yaml").write_text(SPEC_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_installed_package_can_bring_its_own_domain(installed_package):
    assert known_domains()["garden"] == "garden:build"
    spec = load_specs([installed_package / "specs"])["garden-rest"]
    with make_pool([spec, spec], workers=2) as pool:
        pool.reset()
        for _ in range(3):
            transitions = pool.step([[0.0] * 16] * 2)
    assert transitions.done.all()
    assert transitions.score.tolist() == [1.0, 1.0]


def test_an_unknown_domain_lists_the_known_ones():
    with pytest.raises(SpecError, match=r"'dmcontrool'\. Did you mean 'dmcontrol'\? Known: "):
        find_builder("dmcontrool")


def test_a_missing_package_is_named():
    with pytest.raises(MissingDependencyError, match="'toys' needs the Python package 'not_here'"):
        find_builder("toys", {"toys": "not_here.envs:build"})


def test_a_missing_function_is_named():
    with pytest.raises(SpecError, match="'math' has no function 'build'"):
        find_builder("toys", {"toys": "math:build"})


def test_a_simulator_is_imported_only_when_a_task_is_built():
    code = (
        "import sys, gymnasium, newt_core; import newt_core.envs.pool, newt_core.envs.task_env;"
        "from newt_core.specs import load_specs; load_specs();"
        "sys.exit(any(name in sys.modules for name in ('dm_control', 'mujoco', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_spec_domains_can_be_replaced_for_a_call():
    spec = load_specs()["walker-run"]
    assert isinstance(spec, TaskSpec)
    assert find_builder(spec.domain, {"dmcontrol": "builtins:repr"}).__name__ == "repr"
