"""Write docs/tasks.md from the task specs: a table per domain, with a small picture of each task.

    python scripts/make_task_docs.py                        # the page alone, within a second
    python scripts/make_task_docs.py --thumbnails           # all pictures as well, some minutes
    python scripts/make_task_docs.py --thumbnails 'ms-*'    # the pictures of some tasks

A task that cannot be drawn on this machine keeps the picture it has, or has none: a dash. The
scores of MiniArcade's scripted players are those of benchmarks/results/miniarcade-players.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from newt_core.envs.gallery import picture
from newt_core.errors import NewtError
from newt_core.files import atomic_path, write_text
from newt_core.specs import TaskSpec, load_specs
from newt_core.specs.schema import BUILTIN_DOMAINS
from newt_core.specs.score import ReturnScore

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tasks.md"
PICTURES = ROOT / "docs" / "images" / "tasks"
PLAYERS = ROOT / "benchmarks" / "results" / "miniarcade-players.json"

SIDE = 96
"""Pixels of a thumbnail's sides."""
JPEG_QUALITY = 82

TITLES = {
    "dmcontrol": "DMControl",
    "dmcontrol-ext": "DMControl Extended",
    "metaworld": "Meta-World",
    "maniskill": "ManiSkill3",
    "mujoco": "MuJoCo",
    "miniarcade": "MiniArcade",
    "box2d": "Box2D",
    "robodesk": "RoboDesk",
    "ogbench": "OGBench",
    "atari": "Atari",
}
"""Headings of the built-in domains; another domain's is its name."""

COLUMNS = ("", "task", "instruction", "obs", "actions", "steps", "discount", "reward", "score")
PLAYER_COLUMNS = ("player", "random")
NUMBERS = ("obs", "actions", "steps", "discount", *PLAYER_COLUMNS)
"""Columns that are aligned to the right."""

INTRODUCTION = """\
# The tasks

<!-- Made by `python scripts/make_task_docs.py` from task_specs/: change those, not this. -->

{total} tasks of {domains} domains: {train} to train on and {transfer} held out from pretraining
(marked *held out*). The columns:

- **obs**, **actions**: how many numbers a state and an action have, before both are padded to 128
  and 16.
- **steps**: agent steps in an episode, times the control steps for which each holds its action
  where that is more than one.
- **score**: what makes the score between 0 and 1: the range of returns that is mapped to it, or
  the success at the last step.

`newt tasks show TASK` prints all that is known of one, `newt play TASK` lets you play a MiniArcade
game by hand.
"""

PLAYERS_NOTE = """\
*player* and *random* are mean scores of a scripted player of a few lines
(`newt_core/experts/miniarcade/`) and of random actions, over {episodes} episodes each
([json](../benchmarks/results/miniarcade-players.json)).
"""


def page(specs: Sequence[TaskSpec], players: Mapping[str, Any], drawn: Iterable[str]) -> str:
    """Return the page's text.

    Args:
        specs: the tasks.
        players: what ``benchmarks/miniarcade_players.py`` wrote.
        drawn: ids of the tasks that have a thumbnail.
    """
    by_domain: dict[str, list[TaskSpec]] = {}
    for spec in specs:
        by_domain.setdefault(spec.domain, []).append(spec)
    domains = sorted(by_domain, key=_rank)
    held_out = sum(spec.split == "transfer" for spec in specs)
    sections = [
        INTRODUCTION.format(
            total=len(specs),
            domains=len(domains),
            train=len(specs) - held_out,
            transfer=held_out,
        ),
        "\n".join(
            f"- [{_title(domain)}](#{_anchor(_title(domain))}): {len(by_domain[domain])}"
            for domain in domains
        )
        + "\n",
    ]
    with_pictures = set(drawn)
    for domain in domains:
        scores = {
            spec.id: players["tasks"][spec.id]
            for spec in by_domain[domain]
            if spec.id in players["tasks"]
        }
        sections.append(f"## {_title(domain)}\n")
        if scores:
            sections.append(PLAYERS_NOTE.format(episodes=players["episodes"]))
        sections.append(_table(by_domain[domain], scores, with_pictures))
    return "\n".join(sections)


def _table(specs: Sequence[TaskSpec], scores: Mapping[str, Any], drawn: set[str]) -> str:
    columns = COLUMNS + (PLAYER_COLUMNS if scores else ())
    lines = [
        _row(columns),
        _row(["---:" if column in NUMBERS else "---" for column in columns]),
    ]
    for spec in specs:
        cells = [
            f"![{spec.id}](images/tasks/{spec.id}.jpg)" if spec.id in drawn else "-",
            f"`{spec.id}`" + (" *held out*" if spec.split == "transfer" else ""),
            spec.instruction.replace("|", "\\|"),
            str(spec.obs_dim),
            str(spec.action_dim),
            _steps(spec),
            f"{spec.gamma:.3f}",
            spec.reward,
            _score(spec),
        ]
        if scores:
            found = scores.get(spec.id)
            cells += [f"{found[who]['score']:.2f}" if found else "-" for who in PLAYER_COLUMNS]
        lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _steps(spec: TaskSpec) -> str:
    repeat = f" x {spec.action_repeat}" if spec.action_repeat > 1 else ""
    return f"{spec.episode_length}{repeat}"


def _score(spec: TaskSpec) -> str:
    rule = spec.score
    if isinstance(rule, ReturnScore):
        return f"return {rule.low:g} to {rule.high:g}" + ("" if rule.clip else ", not clipped")
    return "success"


def _title(domain: str) -> str:
    return TITLES.get(domain, domain)


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return title.lower().replace(" ", "-")


def _rank(domain: str) -> tuple[int, str]:
    known = domain in BUILTIN_DOMAINS
    return (BUILTIN_DOMAINS.index(domain) if known else len(BUILTIN_DOMAINS), domain)


def drawn_tasks(folder: Path = PICTURES) -> list[str]:
    """Return the ids of the tasks that have a thumbnail."""
    return sorted(path.stem for path in folder.glob("*.jpg"))


def draw(specs: Sequence[TaskSpec], folder: Path = PICTURES) -> list[str]:
    """Draw the tasks' thumbnails; return the ids of those that cannot be drawn here."""
    failed = []
    for number, spec in enumerate(specs, start=1):
        try:
            frame = Image.fromarray(np.asarray(picture(spec)))
        except NewtError as error:
            failed.append(spec.id)
            sys.stderr.write(f"{number}/{len(specs)} {spec.id}: {error}\n")
            continue
        small = frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        with atomic_path(folder / f"{spec.id}.jpg") as part:
            small.save(part, format="JPEG", quality=JPEG_QUALITY, optimize=True)
        sys.stderr.write(f"{number}/{len(specs)} {spec.id}\n")
    return failed


def read_players() -> Mapping[str, Any]:
    """Return what the benchmark of the players wrote."""
    document: Mapping[str, Any] = json.loads(PLAYERS.read_text(encoding="utf-8"))
    return document


def main() -> None:
    """Parse the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--thumbnails",
        nargs="?",
        const="*",
        metavar="SEL",
        help="redraw the pictures of these tasks, of all by default",
    )
    arguments = parser.parse_args()
    library = load_specs()
    specs = list(library.values())
    if arguments.thumbnails is not None:
        failed = draw(library.select(arguments.thumbnails))
        for path in PICTURES.glob("*.jpg"):
            if path.stem not in library:
                path.unlink()  # of a task that is no more
        if failed:
            print(f"not drawn here: {', '.join(failed)}")
    write_text(PAGE, page(specs, read_players(), drawn_tasks()))
    print(f"wrote {PAGE.relative_to(ROOT)}: {len(specs)} tasks")


if __name__ == "__main__":
    main()
