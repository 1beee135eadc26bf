"""Stable-Baselines3's PPO on MiniArcade: how another library trains on Newt's environments.

    pip install '.[examples]'
    OMP_NUM_THREADS=1 python examples/ppo_miniarcade.py
    python examples/ppo_miniarcade.py --short               # seconds; only shows that it runs
    python examples/ppo_miniarcade.py --tasks pygame-pong --steps 1000000 --out pong.json

One agent for each task. `newt_core.make_vec` gives the environments, stepped by worker processes,
as a Gymnasium vector environment; Stable-Baselines3 has an interface of its own for that, and
:class:`PoolVecEnv` is all that lies between the two.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box

try:
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv, VecNormalize
except ModuleNotFoundError as error:
    raise SystemExit(
        f"error: '{error.name}' is not installed: pip install '.[examples]'"
    ) from error

import newt_core
from newt_core.bench.timing import describe_hardware
from newt_core.envs.vector import PoolVectorEnv
from newt_core.errors import NewtError
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.types import ACTION_DIM
from newt_core.version import git_version

TASKS = "pygame-cartpole-balance,pygame-coconut-dodge,pygame-cowboy"
EVALUATION_SEED = 10_000
"""Of episodes that no training has seen."""


class PoolVecEnv(VecEnv):
    """Newt's vector environment as Stable-Baselines3 expects one.

    Newt pads states and actions, so that different tasks can stand side by side; here the
    padding that none of the tasks uses is cut off again.

    Args:
        envs: what ``newt_core.make_vec`` returned; closed with this.
    """

    def __init__(self, envs: PoolVectorEnv) -> None:
        self._envs = envs
        self._obs_dim = max(spec.obs_dim for spec in envs.pool.specs)
        self._actions = np.zeros((envs.num_envs, ACTION_DIM), np.float32)
        super().__init__(
            envs.num_envs,
            Box(-np.inf, np.inf, (self._obs_dim,), np.float32),
            Box(-1.0, 1.0, (max(spec.action_dim for spec in envs.pool.specs),), np.float32),
        )

    def reset(self) -> np.ndarray:
        """Begin an episode everywhere."""
        return self._cut(self._envs.reset()[0])

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions of the next step."""
        self._actions[:, : actions.shape[1]] = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Make the step. Episodes are cut off at their length, so values go on beyond the end."""
        obs, rewards, _, truncated, infos = self._envs.step(self._actions)
        ended = truncated | infos["lost"]
        records: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for env in np.flatnonzero(ended):
            records[env] = {
                "terminal_observation": self._cut(infos["final_obs"])[env],
                "TimeLimit.truncated": True,
                "score": float(infos["score"][env]),
            }
        return self._cut(obs), rewards, ended, records

    def _cut(self, obs: np.ndarray) -> np.ndarray:
        return obs[:, : self._obs_dim]

    def close(self) -> None:
        """End the workers."""
        self._envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the environments' attribute; they have no other than the library asks for."""
        if attr_name != "render_mode":
            raise AttributeError(attr_name)
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the environments live in other processes."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        """Refuse: the environments live in other processes."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """No environment is wrapped."""
        return [False] * self.num_envs


class Report(BaseCallback):
    """Says after every rollout how far the training is and what episodes score."""

    def __init__(self, task: str, total: int) -> None:
        super().__init__()
        self._task, self._total = task, total
        self._scores: list[float] = []
        self._started = time.monotonic()

    def _on_step(self) -> bool:
        self._scores += [info["score"] for info in self.locals["infos"] if "score" in info]
        return True

    def _on_rollout_end(self) -> None:
        rate = self.num_timesteps / (time.monotonic() - self._started)
        left = max(0.0, self._total - self.num_timesteps) / rate
        recent = self._scores[-50:]
        score = f"score {np.mean(recent):.3f}" if recent else "no episode yet"
        sys.stderr.write(
            f"{self._task}: {self.num_timesteps:,} of {self._total:,} steps, {score}, "
            f"{rate:,.0f} steps/s, {left:.0f} s left\n"
        )


def mean_score(model: PPO, task: str, episodes: int, workers: int) -> float:
    """Return the mean score of whole episodes, side by side, without exploration."""
    tasks = [task] * episodes
    with closing(PoolVecEnv(newt_core.make_vec(tasks, workers, EVALUATION_SEED))) as envs:
        obs: Any = envs.reset()
        while True:  # all have the same length: all end in the same step
            actions, _ = model.predict(obs, deterministic=True)
            obs, _, ended, records = envs.step(actions)
            if ended.all():
                return float(np.mean([record["score"] for record in records]))


def train(task: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train an agent on one task; return its scores before and after, and what it took."""
    spec = load_specs()[task]
    envs = PoolVecEnv(newt_core.make_vec([spec] * options.envs, options.workers, options.seed))
    started = time.monotonic()
    with closing(VecNormalize(envs, norm_obs=False, gamma=spec.gamma)) as scaled:
        model = PPO(
            "MlpPolicy",
            scaled,
            n_steps=256,
            batch_size=min(512, 256 * options.envs),
            gamma=spec.gamma,
            seed=options.seed,
            device="cpu",
        )
        before = mean_score(model, task, options.episodes, options.workers)
        model.learn(options.steps, callback=Report(task, options.steps))
        after = mean_score(model, task, options.episodes, options.workers)
    return {
        "score_before": round(before, 4),
        "score_after": round(after, 4),
        "steps": int(model.num_timesteps),
        "wall_s": round(time.monotonic() - started, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, train on each task, print the scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", default=TASKS, help="a selector, as for the newt command")
    parser.add_argument("--steps", type=int, default=200_000, help="agent steps on each task")
    parser.add_argument("--envs", type=int, default=16, help="environments side by side")
    parser.add_argument("--workers", type=int, default=1, help="processes that step them")
    parser.add_argument("--episodes", type=int, default=20, help="of each evaluation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the scores as JSON")
    parser.add_argument("--short", action="store_true", help="a few steps of each, to try it out")
    options = parser.parse_args(arguments)
    if options.short:
        options.steps, options.envs, options.episodes = 1024, 4, 2
    results = {}
    try:
        for spec in load_specs().select(options.tasks):
            results[spec.id] = train(spec.id, options)
    except NewtError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    for task, result in results.items():
        print(
            f"{task:<28} score {result['score_before']:.3f} -> {result['score_after']:.3f}   "
            f"{result['steps']:,} steps, {result['wall_s']:.0f} s"
        )
    if options.out is not None:
        write_json(
            options.out,
            {
                "command": "python examples/ppo_miniarcade.py "
                f"--tasks {options.tasks} --steps {options.steps} --envs {options.envs} "
                f"--episodes {options.episodes} --seed {options.seed}",
                "commit": git_version(),
                "hardware": describe_hardware(),
                "seed": options.seed,
                "episodes": options.episodes,
                "tasks": results,
            },
        )
        sys.stderr.write(f"wrote {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
