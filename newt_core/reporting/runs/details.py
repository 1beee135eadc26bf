"""One run in more detail: settings in short, scores task by task, what it takes on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.errors import NewtError
from newt_core.reporting.history import read_history
from newt_core.reporting.numbers import NO_VALUE
from newt_core.reporting.runs.state import RunInfo, disk_bytes
from newt_core.training.run_folder import RunFolder


@dataclass(frozen=True)
class Details:
    """What ``newt runs show`` says of a run."""

    lines: Mapping[str, str]
    """Heading → text, for people."""
    scores: Mapping[str, float]
    """Task → score in the newest evaluation."""
    evaluations: Mapping[int, float]
    """Where it was evaluated → score."""
    checkpoints: list[Path]
    videos: list[Path]
    sizes: Mapping[str, int]
    """What lies in the run's folder → bytes on the disk."""

    def to_json(self) -> dict[str, Any]:
        """Return what ``newt runs show --json`` prints beside the run's row of the list."""
        return {
            "scores": self.scores,
            "evaluations": self.evaluations,
            "checkpoints": self.checkpoints,
            "videos": self.videos,
            "sizes": self.sizes,
        }


def _named(folder: RunFolder, checkpoint: Path) -> str:
    """Return a checkpoint's name, with its part of the run if that is the pretraining."""
    own = checkpoint.parent == folder.checkpoints
    return checkpoint.name if own else f"pretraining/{checkpoint.name}"


def details(info: RunInfo) -> Details:
    """Look into a run's folder. What cannot be read is left out."""
    folder, config = info.folder, info.config
    scores: dict[str, float] = {}
    evaluations: dict[int, float] = {}
    try:
        history = read_history(folder)
    except NewtError:
        history = None
    if history is not None and history.newest is not None:
        scores = {task: one["score"] for task, one in history.newest["tasks"].items()}
        known = history.interaction or history.pretraining
        evaluations = {step: one["score"] for step, one in known.items() if "score" in one}
    parts = [part for part in (folder, folder.pretraining) if part.checkpoints.is_dir()]
    checkpoints = [path for part in parts for path in sorted(part.checkpoints.glob("[!.]*.pt"))]
    videos = sorted(folder.videos.glob("[!.]*")) if folder.videos.is_dir() else []
    sizes = {path.name: disk_bytes(path) for path in sorted(folder.path.glob("[!.]*"))}

    what = "updates of pretraining" if info.part == "pretraining" else "agent steps"
    total = f" of {info.total:,}" if info.total is not None else ""
    lines = {
        "run": str(folder.path),
        "state": str(info.state),
        "done": f"{info.done:,}{total} {what}",
        "at work": _duration(info.seconds),
        "changed": f"{info.changed:%Y-%m-%d %H:%M}",
    }
    if config is not None:
        lines |= {
            "tasks": config.tasks,
            "model": f"{config.who_learns}, sees {config.model.obs}",
            "seed": str(config.seed),
        }
        if config.demos.folder is not None:
            lines["demonstrations"] = str(config.demos.folder)
    lines["score"] = (
        NO_VALUE if info.score is None else f"{info.score:.3f} (best {info.best or 0:.3f})"
    )
    lines |= {f"  {task} ": f"{score:.3f}" for task, score in scores.items()}
    lines["checkpoints"] = ", ".join(_named(folder, path) for path in checkpoints) or NO_VALUE
    lines["videos"] = str(len(videos))
    lines["on the disk"] = f"{info.bytes / 1e6:,.1f} MB"
    lines |= {f"  {name}": f"{size / 1e6:,.1f} MB" for name, size in sizes.items() if size >= 1e5}
    return Details(lines, scores, evaluations, checkpoints, videos, sizes)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return NO_VALUE
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
