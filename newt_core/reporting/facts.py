"""What a report says of one run, gathered from its folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from newt_core.errors import CheckpointError, ConfigError
from newt_core.reporting.history import (
    Evaluation,
    History,
    read_baseline,
    read_history,
)
from newt_core.training.checkpoint_folder import latest_intact
from newt_core.training.config import RunConfig
from newt_core.training.content import CheckpointContent, content_of
from newt_core.training.hardware import read_starts
from newt_core.training.metrics import Row, read_metrics
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder
from newt_core.training.stage_clock import NAMES, STAGES, WAITS, in_words

BASELINE = "random.json"
"""In a run's folder, what ``newt eval random --json`` printed; it may be missing."""
VIDEO_ENDINGS = (".mp4", ".gif")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Facts:
    """One run."""

    folder: RunFolder
    config: RunConfig
    history: History
    baseline: Evaluation | None
    """Random actions on the same tasks."""
    metrics: Sequence[Row]
    """Of the interaction, over agent steps."""
    pretraining_metrics: Sequence[Row]
    """Over updates."""
    videos: Sequence[Path]
    checkpoint: CheckpointContent | None
    """The newest; None if there is none that can be read."""

    @property
    def modes(self) -> Mapping[str, Evaluation]:
        """Way of acting → its scores at the end of the pretraining; empty without one."""
        pretraining = self.history.pretraining
        return pretraining[max(pretraining)].get("modes", {}) if pretraining else {}

    def key_facts(self) -> dict[str, str]:
        """Return when, how long, how fast and where the run was at work, heading → text."""
        starts = [*read_starts(self.folder.pretraining.starts), *read_starts(self.folder.starts)]
        first = min(starts, key=lambda start: start.at, default=None)
        machines = list(dict.fromkeys(start.machine for start in starts))
        done, seconds, counts = 0, 0.0, "agent steps"
        if self.metrics:
            done, seconds = _reached(self.metrics)
        elif self.pretraining_metrics:
            done, seconds = _reached(self.pretraining_metrics)
            counts = "updates"
        whole = sum(_reached(rows)[1] for rows in (self.metrics, self.pretraining_metrics))
        return {
            "Begun": f"{first.at:%Y-%m-%d %H:%M} UTC" if first else UNKNOWN,
            "Duration": duration(whole) if whole else UNKNOWN,
            "Speed": f"{done / seconds:,.1f} {counts}/s" if done and seconds else UNKNOWN,
            **self._stages(),
            "Machine": "; ".join(machines) or UNKNOWN,
        }

    def _stages(self) -> dict[str, str]:
        """Return how much of the time each stage of the interaction was at work, if known."""
        timed = [row for row in self.metrics if row.get(f"time/{STAGES[0]}") is not None]
        if not timed:
            return {}
        shares = {name: fmean(row.get(f"time/{name}") or 0.0 for row in timed) for name in NAMES}
        waits = ", ".join(f"{shares[name]:.0%} {name.replace('_', ' ')}" for name in WAITS)
        return {"Stages": f"{in_words(shares)}; {waits}"}

    def summary(self) -> dict[str, str]:
        """Return what the run was, heading → text."""
        config, saved = self.config, self.checkpoint
        run = saved.run if saved is not None else None
        before = max(self.history.pretraining, default=0)
        lines = {
            "Tasks": config.tasks,
            "Repeat with": self._command(),
            "Newt": run.newt_version if run is not None else "unknown",
            "Commit": (run.git_version if run is not None else None) or "unknown",
            "Seed": str(config.seed),
            "Model": f"{config.who_learns}, observes {config.model.obs}",
            "Text encoder": run.text_encoder if run is not None else config.text.encoder,
        }
        if config.model.feature_stack:
            seen = run.image_encoder if run is not None else None
            lines["Image encoder"] = seen or config.images.encoder
        if config.demos.folder is not None:
            lines["Demonstrations"] = str(config.demos.folder)
        if config.pretrained is not None:
            lines["Begun with"] = str(config.pretrained)
        if before:
            lines["Pretraining"] = f"{before:,} of {config.pretrain.updates:,} updates"
        if self.history.interaction or not self.history.pretraining:
            evaluated = max(self.history.interaction, default=0)
            done = saved.steps if saved is not None else evaluated
            lines["Interaction"] = f"{done:,} of {config.steps:,} agent steps"
        lines.update(self._accidents())
        return lines

    def _accidents(self) -> dict[str, str]:
        """Return what went wrong on the way, heading → text; empty if nothing did."""
        newest: dict[str, float] = {}
        for row in self.metrics:
            newest.update({name: value for name, value in row.items() if value is not None})
        deaths, lost, damaged = (
            int(newest.get(name, 0))
            for name in ("pool/deaths", "pool/lost_episodes", "replay/damaged_episodes")
        )
        lines: dict[str, str] = {}
        if deaths or lost:
            lines["Environments"] = f"died {deaths:,} times; {lost:,} episodes were lost"
        if damaged:
            lines["Replay"] = f"damaged episodes left out: {damaged:,}"
        return lines

    def _command(self) -> str:
        """Return a command that repeats the run; how it was typed is not kept."""
        only_pretrained = bool(self.history.pretraining and not self.history.interaction)
        # Where the pretraining is a part of a run, newt train was what made it.
        own = only_pretrained and not self.folder.pretraining.path.is_dir()
        command = "pretrain" if own else "train"
        return shlex.join(["newt", command, "--config", str(self.folder.config_file)])


def gather(folder: RunFolder) -> Facts:
    """Read a run's folder. What is not there yet is left empty.

    Raises:
        ConfigError: its settings cannot be read.
        RunFolderError: an evaluation or ``random.json`` is damaged.
    """
    history = read_history(folder)
    part = folder.pretraining
    own, before = _metrics(folder), _metrics(part)
    if history.pretraining and not part.path.is_dir():  # made by newt pretrain
        own, before = [], own
    baseline = folder.path / BASELINE
    return Facts(
        folder,
        _settings(folder),
        history,
        read_baseline(baseline) if baseline.exists() else None,
        own,
        before,
        sorted(path for path in folder.videos.glob("[!.]*") if path.suffix in VIDEO_ENDINGS),
        _checkpoint(folder) or _checkpoint(part),
    )


def duration(seconds: float) -> str:
    """Write 45 as 45 s, 150 as 3 min and 3,780 as 1 h 03 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02} min" if hours else f"{minutes} min"


def _reached(rows: Sequence[Row]) -> tuple[int, float]:
    """Return the last step of some metrics, and the seconds until then, evaluations included."""
    steps = max((int(row["step"] or 0) for row in rows), default=0)
    return steps, max((float(row.get("wall_time") or 0.0) for row in rows), default=0.0)


def _settings(folder: RunFolder) -> RunConfig:
    try:
        return run_settings(folder)
    except ConfigError as error:
        raise ConfigError(f"{folder.path} cannot be reported: {error}") from error


def _metrics(folder: RunFolder) -> list[Row]:
    return read_metrics(folder.metrics_file) if folder.metrics_file.exists() else []


def _checkpoint(folder: RunFolder) -> CheckpointContent | None:
    try:
        found = latest_intact(folder.checkpoints)
        return content_of(found.payload, found.path)
    except CheckpointError:
        return None
