"""Draw the scores of one or several runs: a panel per task, random actions as a dashed line.

    python scripts/plot_runs.py runs/demo --random runs/demo/random.json --out scores.png
    python scripts/plot_runs.py runs/text=with text runs/none=text zeroed --out text.png

A run is a folder that `newt train` made: its periodic evaluations are eval/<step>.json, and those
of its pretraining, if it had one, are drawn left of step 0. The random baseline is what
`newt eval random --tasks … --json` printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from newt_core.errors import RunFolderError
from newt_core.files import atomic_path
from newt_core.reporting.history import History, read_baseline, read_history
from newt_core.reporting.score_curves import LABELS, draw_scores
from newt_core.training.run_folder import RunFolder


def read_run(argument: str) -> History:
    """Read ``FOLDER`` or ``FOLDER=label``."""
    name, _, label = argument.partition("=")
    folder = Path(name)
    history = read_history(RunFolder(folder), label or None)
    if not history.tasks:
        raise RunFolderError(f"{folder} holds no eval/<step>.json; is it a run of newt train?")
    return history


def main() -> None:
    """Parse the command line, draw, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="FOLDER[=LABEL]", help="run folders")
    parser.add_argument("--random", type=Path, metavar="FILE", help="JSON of newt eval random")
    parser.add_argument("--value", choices=LABELS, default="score", help="what to draw")
    parser.add_argument("--title", help="a heading above the panels")
    parser.add_argument("--out", type=Path, default=Path("scores.png"), help="the PNG to write")
    arguments = parser.parse_args()

    try:
        baseline = read_baseline(arguments.random)["tasks"] if arguments.random else {}
        runs = [read_run(argument) for argument in arguments.runs]
    except RunFolderError as error:
        raise SystemExit(f"error: {error}") from None
    figure = draw_scores(runs, baseline, arguments.value, arguments.title)
    with atomic_path(arguments.out) as part:
        figure.savefig(part, format="png", dpi=150)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
