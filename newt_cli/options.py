"""Options that several subcommands share, written once.

Each is a type for a command's parameter; the parameter gives the default.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

SELECTOR_HELP = (
    "Tasks: an id, a domain, all, transfer, a glob such as 'walker-*', "
    "a comma list of these, or @FILE."
)

Tasks = Annotated[str, typer.Option("--tasks", "--task", metavar="SEL", help=SELECTOR_HELP)]
"""A task selector that must be given."""

MaybeTasks = Annotated[
    str | None, typer.Option("--tasks", "--task", metavar="SEL", help=SELECTOR_HELP)
]
"""A task selector with a default of the command's own."""

TaskArgument = Annotated[str, typer.Argument(metavar="SEL", help=SELECTOR_HELP)]
"""A task selector in the place of an argument."""

Specs = Annotated[
    list[Path] | None,
    typer.Option(
        "--specs",
        metavar="FOLDER",
        help="A folder of your own task specs, YAML files; may be repeated.",
    ),
]

Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Fail, instead of leaving out tasks whose package or assets are missing."
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def _known_device(device: str) -> str:
    from newt_core.settings.base import DEVICE

    if not re.fullmatch(DEVICE, device):
        raise typer.BadParameter(f"'{device}' is not auto, cpu, cuda, cuda:N or mps")
    return device


Device = Annotated[
    str,
    typer.Option(
        "--device", help="Where to compute: auto, cpu, cuda, cuda:N or mps.", callback=_known_device
    ),
]

ImageWeights = Annotated[
    Path | None,
    typer.Option(
        "--image-weights",
        metavar="FILE",
        help="DINOv2's weights; by default those of 'newt weights'.",
    ),
]
"""Where the image encoder's weights are, if not where ``newt weights`` keeps them."""

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="The folder of all runs.")]
"""The folder that holds the run folders."""

TEXT_ENCODER_HELP = "The text encoder: auto, clip, hashed, file, one-hot or zero."

TextEncoder = Annotated[
    str | None, typer.Option("--text-encoder", metavar="NAME", help=TEXT_ENCODER_HELP)
]

TextWeights = Annotated[
    Path | None,
    typer.Option(
        "--text-weights",
        metavar="FILE",
        help="The text encoder's file: weights for clip, a table of vectors for file.",
    ),
]

Instruction = Annotated[
    str | None,
    typer.Option(
        "--instruction",
        metavar="TEXT",
        help="Give the agent this instruction instead of the task's.",
    ),
]

Embodiment = Annotated[
    str | None,
    typer.Option(
        "--embodiment", metavar="TEXT", help="Give the agent this embodiment instead of the task's."
    ),
]
