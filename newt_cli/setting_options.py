"""Options that stand for a setting of a run: named and explained where the setting is.

Each is a type for a command's parameter, None where the user says nothing. :func:`asked` collects
them: a command lists its options once, in its signature.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from newt_cli.numbers import number_option, whole_number
from newt_core.training.config import setting_fields
from newt_core.training.config_layers import setting_of_flag
from newt_core.workflows.asked import Asked

_FIELDS = setting_fields()


def _option(setting: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, metavar=metavar, help=_FIELDS[setting].description)


def _number(setting: str) -> Any:
    """Return an option whose limits are the setting's own."""
    return typer.Option(parser=whole_number, metavar="<int>", help=_FIELDS[setting].description)


Demos = Annotated[Path | None, _option("demos.folder", metavar="FOLDER")]
Steps = Annotated[int | None, _number("steps")]
Updates = Annotated[int | None, _number("pretrain.updates")]
Agent = Annotated[str | None, _option("agent.kind", metavar="KIND")]
Size = Annotated[str | None, _option("model.size")]
Seed = Annotated[int | None, _number("seed")]
Device = Annotated[str | None, _option("device")]
Obs = Annotated[str | None, _option("model.obs")]
TextEncoder = Annotated[str | None, _option("text.encoder", metavar="NAME")]
TextWeights = Annotated[Path | None, _option("text.weights", metavar="FILE")]
Instruction = Annotated[str | None, _option("text.instruction", metavar="TEXT")]
Embodiment = Annotated[str | None, _option("text.embodiment", metavar="TEXT")]
ImageEncoder = Annotated[str | None, _option("images.encoder")]
ImageWeights = Annotated[Path | None, _option("images.weights", metavar="FILE")]
Pretrained = Annotated[Path | None, _option("pretrained", metavar="CKPT")]
EnvsPerTask = Annotated[int | None, _number("envs_per_task")]
Ray = Annotated[str | None, _option("ray", metavar="ADDRESS")]
SaveReplay = Annotated[bool | None, _option("replay.save", "--save-replay/--no-save-replay")]

Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Settings to begin with: paper, cpu, smoke, demo, tdmpc2, brc or ppo-untuned. Without "
        "it and --config, the agent's own if there are any, else paper on a CUDA GPU and cpu "
        "elsewhere.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML file of settings, such as a run's config.yaml."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, such as update.lr=1e-4; may be repeated."
    ),
]
Run = Annotated[
    str | None, typer.Option(metavar="NAME", help="The run's name; by default its date and tasks.")
]
Jobs = Annotated[
    int,
    number_option(
        1, 256, "Runs at a time, each in a process of its own that gets its share of the threads."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume that run, or the newest one.")]


def asked(context: typer.Context) -> Asked:
    """Return what the user said of a run, whatever the command's options are called."""
    said = context.params
    flags = {name: value for name, value in said.items() if setting_of_flag(name) in _FIELDS}
    return Asked(said["preset"], said["config"], tuple(said["set_"] or ()), flags)
