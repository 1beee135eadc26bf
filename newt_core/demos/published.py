"""The published demonstrations: PyTorch files of stacked steps, read and written.

One file per task, a TensorDict of N rows: ``obs`` [N, 128], ``action`` [N, 16], ``reward`` [N],
``terminated`` [N], ``episode`` [N] (an index that grows from row to row), ``task``, and perhaps
``feat`` [N, 768], image features. The action and reward of a row led *to* its observation, so
those of an episode's first row are NaN.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newt_core.demos.problems import IMAGE_DIM, episode_problems
from newt_core.demos.schema import DemoEpisode
from newt_core.errors import DemoError, in_short
from newt_core.files import atomic_path, is_old_pytorch_file, require_whole_archive
from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import SuccessScore
from newt_core.types import ACTION_DIM, STATE_DIM

MANISKILL_EPISODES = 20
"""Of a published ManiSkill file, only so many are used (Newt's own training did so)."""
FEATURE_ENCODER = "dinov2-vitb14"
"""What made the published image features."""
_ROUNDING = 1e-4
"""By how much an action may be outside [-1, 1] before it counts as wrong."""


def read_published(path: Path, spec: TaskSpec) -> list[DemoEpisode]:
    """Read a published file, without running any code from it.

    Observation t of an episode, then action t, lead to observation t + 1: rows are shifted by
    one against the file, padding is cut off, and success, which the files do not have, is NaN.

    Raises:
        DemoError: there is no such file, it is damaged or foreign, or it does not fit the task.
    """
    fields = _fields(path)
    rows = _Rows(path, fields, spec)
    episodes = []
    for name, first, end in rows.episodes():
        episode = rows.episode(name, first, end)
        for problem in episode_problems(episode, spec):
            raise DemoError(f"{path}: {name}: {problem}.")
        episodes.append(episode)
    return episodes[:MANISKILL_EPISODES] if spec.domain == "maniskill" else episodes


def write_published(path: Path, episodes: Sequence[DemoEpisode]) -> None:
    """Write episodes as a published file; the inverse of :func:`read_published`.

    Raises:
        DemoError: the file cannot be written.
    """
    import torch
    from tensordict import TensorDict

    def padded(rows: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        return np.pad(rows, ((0, 0), (0, size - rows.shape[1])))

    columns: dict[str, list[NDArray[Any]]] = {}
    for number, episode in enumerate(episodes):
        steps = len(episode.rewards)
        parts: dict[str, NDArray[Any]] = {
            "obs": padded(episode.observations, STATE_DIM),
            "action": np.insert(padded(episode.actions, ACTION_DIM), 0, np.nan, axis=0),
            "reward": np.insert(episode.rewards, 0, np.nan),
            "terminated": np.insert(episode.terminations, 0, False),
            "episode": np.full(steps + 1, number, np.int64),
            "task": np.zeros(steps + 1, np.int64),
        }
        if episode.features is not None:
            parts["feat"] = episode.features.astype(np.float32)
        for name, part in parts.items():
            columns.setdefault(name, []).append(part)
    tensors = {name: torch.from_numpy(np.concatenate(parts)) for name, parts in columns.items()}
    content = TensorDict(tensors, batch_size=[len(tensors["reward"])])
    try:
        # Into a file that Python has opened: PyTorch's own does not say that the disk is full.
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:
        reason = in_short(error)
        raise DemoError(f"cannot write {path}: {reason}.") from error


class _Rows:
    """The checked columns of a file."""

    def __init__(self, path: Path, fields: Mapping[str, NDArray[Any]], spec: TaskSpec) -> None:
        self._path = path
        self._spec = spec
        self._reward = self._column(fields, "reward")
        index = self._column(fields, "episode")
        finite = np.isfinite(index)
        if not finite.all():
            row = int(np.argmin(finite))
            raise DemoError(f"{path}: the episode index is {index[row]} at row {row}.")
        self._episode = index.astype(np.int64)
        terminated = fields.get("terminated")
        self._terminated = (
            np.zeros(len(self._reward)) if terminated is None else terminated.reshape(-1)
        )
        self._obs = self._matrix(fields, "obs", spec.obs_dim)
        self._action = self._matrix(fields, "action", spec.action_dim)
        self._feat = fields.get("feat")
        if self._feat is not None and self._feat.shape != (len(self._reward), IMAGE_DIM):
            raise DemoError(
                f"{path}: feat is {list(self._feat.shape)}, expected "
                f"{[len(self._reward), IMAGE_DIM]}."
            )
        for name, column in (("terminated", self._terminated), ("episode", self._episode)):
            if len(column) != len(self._reward):
                raise DemoError(f"{path}: {name} has another number of rows than reward.")

    def episodes(self) -> Iterator[tuple[str, int, int]]:
        """Yield the name, the first row and the end of every episode.

        Raises:
            DemoError: the episode index goes back, or there is no row at all.
        """
        jumps = np.diff(self._episode)
        if not len(self._episode):
            raise DemoError(f"{self._path}: holds no steps.")
        if (jumps < 0).any():
            row = int(np.argmax(jumps < 0)) + 1
            raise DemoError(
                f"{self._path}: the episode index goes back from {self._episode[row - 1]} to "
                f"{self._episode[row]} at row {row}: its rows are out of order."
            )
        edges = [0, *(np.flatnonzero(jumps) + 1).tolist(), len(self._episode)]
        for first, end in pairwise(edges):
            yield f"episode {self._episode[first]}", first, end

    def episode(self, name: str, first: int, end: int) -> DemoEpisode:
        """Return the episode in rows [first, end)."""
        spec = self._spec
        steps = end - first - 1
        if steps < 1:
            raise DemoError(f"{self._path}: {name}: has no step.")
        for what, rows, size in (
            ("observations", self._obs[first:end], spec.obs_dim),
            ("actions", self._action[first + 1 : end], spec.action_dim),
        ):
            if np.any(rows[:, size:] != 0):
                raise DemoError(
                    f"{self._path}: {name}: its {what} have values beyond the {size} entries "
                    f"that '{spec.id}' has: the dimensions do not fit."
                )
        actions = self._float32(name, "actions", self._action[first + 1 : end, : spec.action_dim])
        if np.any(np.abs(actions) > 1.0 + _ROUNDING):
            step = int(np.argwhere(np.abs(actions) > 1.0 + _ROUNDING)[0][0])
            raise DemoError(f"{self._path}: {name}: actions are outside [-1, 1] at step {step}.")
        rewards = self._float32(name, "rewards", self._reward[first + 1 : end])
        terminations = self._terminated[first + 1 : end] > 0
        truncations = np.zeros(steps, np.bool_)
        truncations[-1] = not terminations[-1]
        return DemoEpisode(
            observations=self._float32(name, "observations", self._obs[first:end, : spec.obs_dim]),
            actions=np.clip(actions, -1.0, 1.0),
            rewards=rewards,
            terminations=terminations,
            truncations=truncations,
            success=np.full(steps, np.nan, np.float32),
            score=_scores(rewards, spec),
            features=None if self._feat is None else self._feat[first:end].astype(np.float16),
            encoder="" if self._feat is None else FEATURE_ENCODER,
        )

    def _float32(self, name: str, what: str, values: NDArray[Any]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            converted = values.astype(np.float32)
        grown = np.isinf(converted) & np.isfinite(values)
        if grown.any():
            step = int(np.argwhere(grown)[0][0])
            raise DemoError(
                f"{self._path}: {name}: {what} at step {step} are too large for 32-bit numbers."
            )
        return converted

    def _column(self, fields: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
        if name not in fields:
            raise DemoError(
                f"{self._path}: has no '{name}': it is no file of published demonstrations. It "
                f"holds {', '.join(sorted(map(str, fields))) or 'nothing'}."
            )
        return fields[name].reshape(-1)

    def _matrix(self, fields: Mapping[str, NDArray[Any]], name: str, size: int) -> NDArray[Any]:
        self._column(fields, name)
        matrix = fields[name]
        if matrix.ndim != 2 or len(matrix) != len(self._reward) or matrix.shape[1] < size:
            raise DemoError(
                f"{self._path}: {name} is {list(matrix.shape)}, but {len(self._reward)} steps of "
                f"'{self._spec.id}' need [{len(self._reward)}, {size}] or more columns of "
                "padding: the dimensions do not fit."
            )
        return matrix


def _scores(rewards: NDArray[np.float32], spec: TaskSpec) -> NDArray[np.float32]:
    """Return the score after each step; NaN where it depends on a success that is not known."""
    if isinstance(spec.score, SuccessScore):
        return np.full(len(rewards), np.nan, np.float32)
    returns = np.cumsum(rewards, dtype=np.float64)
    return np.array([spec.score.score(value, np.nan) for value in returns], np.float32)


def _array(path: Path, name: str, tensor: Any) -> NDArray[Any]:
    """Return a tensor's numbers; those of types that NumPy does not have as float32."""
    try:
        if tensor.is_complex():
            raise TypeError("its numbers are complex")
        if tensor.is_floating_point() and tensor.element_size() < 4:
            tensor = tensor.float()  # bfloat16 and the 8-bit types
        array: NDArray[Any] = tensor.detach().to_dense().numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise DemoError(
            f"{path}: {name} is a tensor of {kind} that cannot be read ({in_short(error)}). "
            "Save it as float32."
        ) from error
    return array


def _fields(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return the tensors in a file by name, as arrays."""
    # PyTorch's restricted loader reads its older format as well, which has no checksums.
    if not is_old_pytorch_file(path):
        require_whole_archive(
            path,
            DemoError,
            "file",
            "not a PyTorch file, or cut short. Published demonstrations are named <task>.pt.",
        )
    # PyTorch's safe loader only builds what is allowed: this package allows its own classes.
    import tensordict  # noqa: F401
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DemoError(
            f"{path}: holds objects other than tensors. Newt does not open it, because such a "
            "file can run code."
        ) from error
    except Exception as error:  # A malformed file can make the reader fail in any way.
        raise DemoError(f"{path}: cannot be read: {in_short(error)}.") from error
    if not hasattr(content, "items"):
        raise DemoError(f"{path}: not a file of published demonstrations: it has no columns.")
    return {
        str(name): _array(path, str(name), value)
        for name, value in content.items()
        if isinstance(value, torch.Tensor)
    }
