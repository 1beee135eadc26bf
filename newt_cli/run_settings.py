"""Run folders for the commands that learn: a new one, or one to go on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newt_cli import console
from newt_cli.selection import runnable

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary, TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.training.run_folder import RunFolder


def new_run(
    name: str | None,
    preset: str | None,
    config: Path | None,
    overrides: Sequence[str],
    flags: dict[str, Any],
    library: SpecLibrary,
    runs_dir: Path,
    *,
    strict: bool,
    check: Callable[[RunConfig], None] = lambda settings: None,
) -> tuple[RunConfig, RunFolder]:
    """Check what the user said, and only then make a folder.

    ``check`` raises for what else is wrong with the settings.
    """
    from newt_core.agents.newt.setup import choose_device
    from newt_core.errors import ConfigError
    from newt_core.restore import image_encoder
    from newt_core.training.checkpoint import load_checkpoint
    from newt_core.training.config import resolve_config
    from newt_core.training.run_folder import RunFolder, run_label

    settings = resolve_config(preset, config, overrides, **flags)
    if "tasks" not in settings.model_fields_set:
        raise ConfigError(
            "nothing says which tasks to train on.\nName some with --tasks: walker-run, "
            "'cheetah-*', dmcontrol or all, say. 'newt tasks list' shows all of them."
        )
    label = run_label(settings.tasks, preset)
    # With what is left out spelled out, a resumed run trains the same tasks wherever it is.
    settings = settings.model_copy(
        update={"tasks": runnable(library, settings.tasks, strict=strict)}
    )
    device = choose_device(settings.device)
    check(settings)
    image_encoder(settings, device)  # Raises now what is wrong with its weights.
    if settings.pretrained is not None:
        load_checkpoint(Path(settings.pretrained))
    settings = _with_text_encoder(settings, library.select(settings.tasks))
    return settings, RunFolder.create(name, settings.to_yaml(), label=label, root=runs_dir)


def _with_text_encoder(settings: RunConfig, tasks: Sequence[TaskSpec]) -> RunConfig:
    """Decide what ``auto`` is, for good, and see that the encoder can embed the tasks."""
    from newt_core.encoders import choose_text_encoder, make_text_encoder

    if settings.text_encoder == "auto" and settings.text_weights is None:
        chosen = choose_text_encoder(console.notice)
        settings = settings.model_copy(update={"text_encoder": chosen})
    weights = Path(settings.text_weights) if settings.text_weights is not None else None
    make_text_encoder(settings.text_encoder, weights).encode_tasks(tasks)
    return settings


def existing_run(
    name: str | None, overrides: Sequence[str], flags: dict[str, Any], runs_dir: Path
) -> tuple[RunConfig, RunFolder]:
    """Find the run, and note the settings that change from here on."""
    from newt_core.files import write_text
    from newt_core.training.resume import resumed_config
    from newt_core.training.run_folder import RunFolder

    if name is None:
        folder = RunFolder.newest(root=runs_dir)
    else:
        folder = RunFolder.open(name, root=runs_dir)
    if flags["text_encoder"] == "auto":  # what it was is already decided
        flags = flags | {"text_encoder": None}
    settings = resumed_config(folder, overrides, **flags)
    with folder.lock():
        write_text(folder.config_file, settings.to_yaml())
    return settings, folder
