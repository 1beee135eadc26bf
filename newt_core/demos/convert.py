"""Demonstration files into others: merged, and as Minari lays its datasets out."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from newt_core.demos.checksum import is_demo_file
from newt_core.demos.folder import MINARI_FILE, inside_dataset
from newt_core.demos.published import read_published
from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.recover import recover
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.write import require_room, writing
from newt_core.errors import DamagedDemoError, DemoError
from newt_core.files import parent_made, write_text
from newt_core.specs.load import SpecLibrary
from newt_core.specs.schema import TaskSpec

MINARI_VERSION = "0.5.0"
"""The version of Minari's layout that an exported dataset states: later ones read it, too."""


def merge(
    files: Sequence[Path],
    out: Path,
    specs: SpecLibrary,
    *,
    append: bool = False,
    damaged_too: bool = False,
) -> int:
    """Write the episodes of several files of one task into one, each episode once.

    Args:
        files: what to merge, in this order; a folder that :func:`export_minari` made counts as
            the file in it.
        out: the file to write.
        specs: where the task is looked up.
        append: whether ``out`` may exist; its episodes stay.
        damaged_too: take what is whole of damaged files instead of refusing them.

    Returns:
        Episodes left out because an equal one was there already.

    Raises:
        DemoError: a file is not usable or of another task, or ``out`` cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        sources = [
            _usable(inside_dataset(path), Path(folder) / f"{number}.h5", damaged_too)
            for number, path in enumerate(files)
        ]
        headers = []
        for path in sources:
            with open_demos(path) as file:
                headers.append(file.header)
        spec = specs[headers[0].task]
        expert = ", ".join(dict.fromkeys(header.expert for header in headers))
        with writing(out, spec, expert, append=append) as writer:
            seen = {_content_of(e) for e in read_demos(out, spec)} if out.exists() else set()
            new: list[DemoEpisode] = []
            duplicates = 0
            for path in sources:
                for episode in read_demos(path, spec):
                    content = _content_of(episode)
                    if content in seen:
                        duplicates += 1
                        continue
                    seen.add(content)
                    new.append(_held(episode))
            rejected = sum(header.rejected for header in headers)
            writer.add(new, rejected=rejected)
    return duplicates


def import_file(file: Path, out: Path, spec: TaskSpec, *, append: bool = False) -> None:
    """Turn a published file, or one that :func:`export_minari` made, into one of ours.

    Args:
        file: the published file, or the dataset's folder or the file in it.
        out: the file to write.
        spec: the task.
        append: whether ``out`` may exist; its episodes stay.

    Raises:
        DemoError: the file is not usable or does not fit the task, or ``out`` cannot be written.
    """
    require_room(out, append=append)
    file = inside_dataset(file)
    if is_demo_file(file):
        with open_demos(file) as ours:
            expert = ours.header.expert
        episodes = [_held(episode) for episode in read_demos(file, spec)]
    else:
        expert, episodes = f"imported {file.name}", read_published(file, spec)
    with writing(out, spec, expert, append=append) as writer:
        writer.add(episodes)


def _usable(path: Path, rescued: Path, damaged_too: bool) -> Path:
    """Return the file itself, or a new one with what is whole of it."""
    try:
        with open_demos(path):
            return path
    except DamagedDemoError as error:
        if not damaged_too:
            raise DemoError(
                f"{error.problem} Take what is whole of it with 'newt demos merge --damaged-too'."
            ) from error
        rest = recover(path, rescued)
        if not rest.whole:
            raise DemoError(
                f"{path}: nothing of it is whole: {rest.reason or 'no checksum matches'}."
            ) from error
        return rescued


def _content_of(episode: DemoEpisode) -> bytes:
    """What makes two episodes the same, whoever recorded them."""
    parts = (episode.observations, episode.actions, episode.rewards)
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def _held(episode: DemoEpisode) -> DemoEpisode:
    """Return the episode with its pictures fetched, because its file is about to be closed."""
    if episode.rgb is None:
        return episode
    from dataclasses import replace

    pictures = episode.rgb()
    return replace(episode, rgb=lambda: pictures)


def export_minari(path: Path, spec: TaskSpec, folder: Path) -> Path:
    """Lay a task's file out as a Minari dataset, for ``minari.MinariDataset(folder / "data")``.

    Returns:
        The dataset's folder, named after the task as Minari names datasets.

    Raises:
        DemoError: the file is not usable, or the folder exists or cannot be written.
    """
    with open_demos(path) as file:
        header = file.header
    for _ in read_demos(path, spec):
        pass  # Nothing is exported that could not be learned from.
    name = f"newt/{spec.id}-v{spec.version}"
    dataset = folder / name
    if dataset.exists():
        raise DemoError(f"{dataset} exists already. Name another folder with --out.")
    space = {"type": "Box", "dtype": "float32"}
    metadata = {
        "dataset_id": name,
        "data_format": "hdf5",
        "total_episodes": header.total_episodes,
        "total_steps": header.total_steps,
        "dataset_size": round(path.stat().st_size / 1e6, 1),
        "observation_space": json.dumps(
            {**space, **_bounds(spec.obs_dim, float("inf"))},
        ),
        "action_space": json.dumps({**space, **_bounds(spec.action_dim, 1.0)}),
        "algorithm_name": header.expert,
        "description": spec.text,
        "minari_version": MINARI_VERSION,
    }
    try:
        with parent_made(dataset):
            try:
                (dataset / MINARI_FILE).parent.mkdir(parents=True)
                shutil.copyfile(path, dataset / MINARI_FILE)
                metadata_file = dataset / "data" / "metadata.json"
                write_text(metadata_file, json.dumps(metadata, indent=2) + "\n")
            except OSError:
                shutil.rmtree(dataset, ignore_errors=True)
                raise
    except OSError as error:
        raise DemoError(f"cannot write {dataset}: {error.strerror or error}.") from error
    return dataset


def _bounds(size: int, bound: float) -> dict[str, object]:
    return {"shape": [size], "low": [-bound] * size, "high": [bound] * size}
