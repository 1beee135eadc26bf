"""One ManiSkill environment under Newt's contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from newt_core.envs.contract import Frame, Outcome
from newt_core.envs.domains.maniskill.library import Kind, make_environment
from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE, FloatArray

NO_SUCCESS = 0.0
"""The success of tasks that can only be done better or worse."""


class ManiSkillSimulator:
    """An environment of the library without its wrappers: it never ends an episode.

    All of its arithmetic runs in PyTorch's inference mode, which makes a step a fifth faster.
    Tensors of that mode cannot be changed outside of it, hence also building and resets.

    Args:
        kind: the environment.
        spec: gives control mode, object and action repeat.

    Raises:
        MissingDependencyError: there is no Vulkan driver.
    """

    def __init__(self, kind: Kind, spec: TaskSpec) -> None:
        self._kind = kind
        self._settings = {key: value for key, value in spec.env.items() if key != "id"}
        with _private_randomness(0), _without_cuda():
            self._env = make_environment(kind, draws=False, **self._settings)
        self._repeat = spec.action_repeat
        self.step_seconds: float = spec.action_repeat / self._env.control_freq
        self._random = np.random.default_rng()
        self._picture: _Picture | None = None

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode: the library's ``reset(seed=seed)``.

        Without a seed the library would draw from PyTorch's global generator; here the next
        seed comes from a generator that the last one began.
        """
        if seed is None:
            seed = int(self._random.integers(2**32))
        else:
            self._random = np.random.default_rng(seed)
        with _private_randomness(seed):
            self._env._set_main_rng(seed)
            self._env._set_episode_rng(seed, np.arange(1))
            observation, _ = self._env.reset()
        return _as_float32(observation)

    def step(self, action: FloatArray) -> Outcome:
        """Hold ``action`` for ``action_repeat`` control steps of the library."""
        env = self._env
        reward = 0.0
        with torch.inference_mode():
            for _ in range(self._repeat):
                # The library's own step, less the observations that nobody sees.
                applied = env._step_action(action)
                env._elapsed_steps += 1
                info = env.get_info()
                reward += float(env.get_reward(obs=None, action=applied, info=info))
            observation = env.get_obs(info)
        success = float(info.get("success", NO_SUCCESS))
        return Outcome(_as_float32(observation), reward, success)

    def render(self, height: int = FRAME_SIZE, width: int = FRAME_SIZE) -> Frame:
        """Draw the scene from the camera that the library films the task with.

        Raises:
            MissingDependencyError: there is no Vulkan driver that can draw.
        """
        if self._picture is None or self._picture.size != (height, width):
            self.close()
            self._picture = _Picture(self._kind, self._settings, height, width)
        with torch.inference_mode():
            state = self._env.scene.get_sim_state()
        return self._picture.draw(state)

    def close(self) -> None:
        """Free what drawing takes, if anything was drawn; drawing again would take it again."""
        if self._picture is not None:
            self._picture.close()
            self._picture = None


class _Picture:
    """A second environment, which can draw, brought into the state of the first.

    It is built when the first frame is drawn. Whoever draws nothing pays nothing for it, and
    drawing cannot change the simulation.
    """

    def __init__(self, kind: Kind, settings: dict[str, Any], height: int, width: int) -> None:
        self.size = (height, width)
        camera = {"height": height, "width": width}
        with _private_randomness(0), _without_cuda():
            self._env = make_environment(
                kind, draws=True, human_render_camera_configs=camera, **settings
            )

    def draw(self, state: dict[str, Any]) -> Frame:
        """Return the scene with everything in ``state``, as [height, width, 3]."""
        with torch.inference_mode():
            self._env.scene.set_sim_state(state)
            frame: Frame = self._env.render_rgb_array()[0].numpy()
        return frame.copy()

    def close(self) -> None:
        self._env.close()


@contextmanager
def _private_randomness(seed: int) -> Iterator[None]:
    """Seed PyTorch's generator, which the library draws from, and put it back afterwards.

    That of the CPU alone: to look at that of a GPU would start CUDA.
    """
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def _without_cuda() -> Iterator[None]:
    """Keep the library from starting CUDA, only to look after its random state, in every worker.

    When it builds an environment, it forks the generators of all devices. That of the CPU is
    looked after here; there is nothing to look after of a GPU that is not in use.
    """
    if torch.cuda.is_initialized():
        yield
        return
    fork = torch.random.fork_rng
    torch.random.fork_rng = nullcontext  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.random.fork_rng = fork


def _as_float32(observation: torch.Tensor) -> FloatArray:
    """Return the only row of a batch of one as an array of its own."""
    row: FloatArray = observation[0].numpy().astype(np.float32)
    return row
