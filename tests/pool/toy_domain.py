"""A domain for tests: arithmetic instead of physics, and every way to go wrong.

``spec.env`` may hold ``trouble`` (what goes wrong), ``at`` (at which step of an episode) and
``once`` (a file that is created when it happens; if it exists, nothing goes wrong any more).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.pool import EnvPool
from newt_core.envs.pool.supervise import Crew
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

BUILDERS = {"dmcontrol": "tests.pool.toy_domain:build"}
"""Stands in for a real domain's name, because specs only accept known domains."""


LATE = 10
"""A step that a new environment does not reach while its cost is measured."""


def toy_spec(task_id: str = "toy", length: int = 5, **env: object) -> TaskSpec:
    return TaskSpec.model_validate(
        {
            "id": task_id,
            "domain": "dmcontrol",
            "embodiment": "A counter.",
            "instruction": "Count.",
            "obs_dim": 3,
            "action_dim": 2,
            "episode_length": length,
            "reward": "dense",
            "score": {"kind": "return", "high": 10.0},
            "env": env,
        }
    )


def build(spec: TaskSpec) -> ToySimulator:
    simulator = ToySimulator(spec)
    simulator.perhaps_fail("build")
    return simulator


class ToySimulator:
    """Observes [the seed's random number, steps so far, is PyTorch imported?].

    The reward is the sum of the two actions.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec
        self.generator = np.random.default_rng()
        self.steps = 0
        self.luck = 0.0
        self.bonus = 0.0
        self.success: float | None = None

    def reset(self, seed: int | None) -> FloatArray:
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.luck = self.generator.random()
        self.steps = 0
        self.perhaps_fail("reset")
        return self.observe()

    def step(self, action: FloatArray) -> Outcome:
        if barrier := self.spec.env.get("behind"):
            while Path(barrier).exists():
                time.sleep(0.002)
        self.steps += 1
        if self.steps == self.spec.env.get("at"):
            self.perhaps_fail("step")
        return Outcome(self.observe(), float(action.sum()) + self.bonus, self.solved())

    def solved(self) -> float:
        return float(self.steps == 5) if self.success is None else self.success

    def observe(self) -> FloatArray:
        torch_is_imported = "torch" in sys.modules
        return np.array([self.luck, self.steps, torch_is_imported], dtype=np.float32)

    def render(self, height: int = 224, width: int = 224) -> Frame:
        """A picture whose red is the steps so far, upper row white."""
        frame = np.zeros((height, width, 3), dtype=np.uint8)
        frame[..., 0] = self.steps
        frame[0] = 255
        return frame

    def close(self) -> None:
        pass

    def perhaps_fail(self, moment: str) -> None:
        trouble, once = self.spec.env.get("trouble"), self.spec.env.get("once")
        if self.spec.env.get("when", "step") != moment or trouble is None:
            return
        if once is not None:
            if Path(once).exists():
                return
            Path(once).touch()
        if trouble == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif trouble == "exit":
            os._exit(7)
        elif trouble == "hang":
            while True:
                pass
        elif trouble == "raise":
            raise ArithmeticError(self.spec.env.get("says", "the counter overflowed"))
        elif trouble == "observes":
            self.luck = float(self.spec.env["value"])
        elif trouble == "rewards":
            self.bonus = float(self.spec.env["value"])
        elif trouble == "succeeds":
            self.success = float(self.spec.env["value"])


def worker_pids(pool: EnvPool) -> list[int]:
    """Process ids of a pool's present workers."""
    assert isinstance(pool._crew, Crew)
    return [worker.pid for worker in pool._crew.workers]
