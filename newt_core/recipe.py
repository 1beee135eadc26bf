"""The whole recipe: learn from demonstrations where there are any, then by interaction.

(Newt, section 3.) The first part is a run of its own inside the run's folder, so that each part
keeps its checkpoints, metrics and evaluations, and goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from newt_core import build
from newt_core.build_pretrain import PretrainOutcome, pretrain
from newt_core.files import write_text
from newt_core.reporting.history import PRETRAINING
from newt_core.run_parts import RunParts
from newt_core.specs import SpecLibrary
from newt_core.training.config import RunConfig
from newt_core.training.progress import Progress
from newt_core.training.run_folder import RunFolder


def train(
    config: RunConfig,
    folder: RunFolder,
    *,
    specs: SpecLibrary,
    resume: bool,
    progress: Progress,
    should_stop: Callable[[], bool],
    parts: RunParts | None = None,
) -> build.TrainResult:
    """Run or resume both parts; the arguments are those of :func:`newt_core.build.train`.

    Encoders, texts and demonstrations are made once for both.

    Stopped during the first part, the result has no steps and names that part's checkpoint.

    Raises:
        NewtError: Whatever the user can put right.
    """
    parts = parts or RunParts(config, specs.select(config.tasks))
    weights = None
    interacted = any(folder.checkpoints.glob("*.pt"))
    if config.pretrains and not interacted:
        # build.train takes the same lock; what it finds it has to have to itself, too.
        with folder.lock():
            outcome = _pretrain(config, folder, specs, progress, should_stop, parts)
        if outcome.interrupted:
            return build.TrainResult(folder.path, outcome.checkpoint, 0, None, interrupted=True)
        weights = outcome.checkpoint
    return build.train(
        config,
        folder,
        specs=specs,
        resume=resume,
        progress=progress,
        should_stop=should_stop,
        weights=weights,
        parts=parts,
    )


def _pretrain(
    config: RunConfig,
    folder: RunFolder,
    specs: SpecLibrary,
    progress: Progress,
    should_stop: Callable[[], bool],
    parts: RunParts,
) -> PretrainOutcome:
    part = RunFolder(folder.path / PRETRAINING)
    if part.config_file.exists():
        with part.lock():  # Whoever goes on with this part alone keeps its settings.
            write_text(part.config_file, config.to_yaml())
    else:
        part = RunFolder.create(PRETRAINING, config.to_yaml(), root=folder.path)
    return pretrain(
        config,
        part,
        specs=specs,
        resume=True,
        progress=progress,
        should_stop=should_stop,
        parts=parts,
    )
