"""Measure the scripted players beside random actions, and write the page about them.

    python benchmarks/experts.py                      # every task that has a player
    python benchmarks/experts.py --tasks metaworld    # some; the others' rows stay as they are
    python benchmarks/experts.py --tasks none         # only the page

The results go to benchmarks/results/experts.json, which `newt tasks list --experts` reads as a part
of the package, and to docs/experts.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.session import Session, open_session
from newt_core.evaluation.aggregate import TaskSummary, summarise
from newt_core.evaluation.rollout import EpisodeResult
from newt_core.experts.policy import Player
from newt_core.experts.registry import find_player, has_player, make_player
from newt_core.experts.scores import FILE, GOOD_SCORE, Measured, read_scores
from newt_core.files import write_json, write_text
from newt_core.specs import load_specs
from newt_core.specs.schema import BUILTIN_DOMAINS, TaskSpec
from newt_core.types import FloatArray
from newt_core.version import git_version

PAGE = Path(__file__).parent.parent / "docs" / "experts.md"
SEARCHED = Path(__file__).parent / "results" / "expert_search.json"
"""What `benchmarks/search_experts.py` writes."""
SEARCHED_DOMAINS = ("dmcontrol", "dmcontrol-ext")
PLAYERS = "../newt_core/experts"
"""Where the players are written, seen from the page."""
EPISODES, RANDOM_EPISODES = 20, 10
FIRST_SEED = 1_000_000
"""Of the measured episodes: far from those that constants were searched on."""

PREFACE = """\
# Scripted experts

<!-- Written by `python benchmarks/experts.py`; do not edit. -->

Controllers for demonstrations without a training run, written by hand or, where the player is
called rhythm, searched for by `python benchmarks/search_experts.py`: an oscillator for each
actuator with linear feedback, stored as numbers. They see what an agent sees and live in
`newt_core/experts/`, a file or a folder per domain; `newt tasks list --experts` shows this
table in the terminal. Each row is the mean over {episodes} episodes, with half the width
of its 95 % interval, beside the mean of at least {at_random} of random actions.
`python benchmarks/experts.py` measures them again; all numbers:
[experts.json](../benchmarks/results/experts.json).

**{count} tasks have one. In {good} of them it scores at least 0.5 or five times what random actions
score** (random scores below 0.01 count as 0.01); in {half} it scores at least 0.5.{dots}
"""
DOTS = " The others are\nmarked with a dot."


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="all,transfer", help="a task selector, or none")
    parser.add_argument("--episodes", type=int, default=EPISODES)
    arguments = parser.parse_args()
    library = load_specs()
    commit = git_version()  # Once: the first row makes the files differ from their commit.
    if arguments.tasks != "none":
        specs = [spec for spec in library.select(arguments.tasks) if has_player(spec)]
        for spec in specs:
            _keep(
                spec,
                {"version": spec.version, "commit": commit} | _measure(spec, arguments.episodes),
            )
    write_text(PAGE, page(list(library.values()), read_scores(), read_searched()))
    sys.stderr.write(f"wrote {PAGE}\n")


def _measure(spec: TaskSpec, episodes: int) -> dict[str, Any]:
    """Play one task with its player and at random; return what came of it."""
    started = time.monotonic()
    session = open_session(spec)
    generator = np.random.default_rng(FIRST_SEED)

    def random_player() -> Player:
        def act(obs: FloatArray) -> FloatArray:
            return generator.uniform(-1.0, 1.0, spec.action_dim).astype(np.float32)

        return act

    expert = _play(session, lambda: make_player(spec), episodes)
    at_random = _play(session, random_player, min(episodes, RANDOM_EPISODES))
    session.simulator.close()
    sys.stderr.write(
        f"{spec.id}: {expert.score:.3f}, at random {at_random.score:.3f} "
        f"({time.monotonic() - started:.0f} s)\n"
    )
    return {"expert": _row(expert), "random": _row(at_random)}


def _play(session: Session, new_player: Callable[[], Player], episodes: int) -> TaskSummary:
    spec, results = session.spec, []
    for episode in range(episodes):
        act = new_player()
        obs = session.reset(FIRST_SEED + episode)
        while not session.done:
            obs = session.step(act(obs)).obs
        results.append(
            EpisodeResult(
                spec.id, session.episode_return, session.success, session.score, session.steps
            )
        )
    return summarise(results, [spec]).tasks[spec.id]


def _row(summary: TaskSummary) -> dict[str, Any]:
    """Return a summary with as many digits as are meant."""

    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.5g}")

    return {
        "episodes": summary.episodes,
        "score": short(summary.score),
        "ci95": short(summary.ci95),
        "mean_return": short(summary.mean_return),
        "success": short(summary.success),
    }


def _keep(spec: TaskSpec, row: dict[str, Any]) -> None:
    """Put a row into the file, in the order of the tasks."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["tasks"] if FILE.exists() else {}
    rows[spec.id] = row
    ordered = {task: rows[task] for task in load_specs() if task in rows}
    document = {"command": "python benchmarks/experts.py", "hardware": describe_hardware()}
    write_json(FILE, document | {"tasks": ordered})


def page(
    specs: list[TaskSpec],
    scores: dict[str, Measured],
    searched: Mapping[str, Any],
) -> str:
    """Return the text of docs/experts.md, of what was measured and what was searched for."""
    measured = [scores[spec.id] for spec in specs if spec.id in scores]
    lines = [
        PREFACE.format(
            episodes=EPISODES,
            at_random=min((row.random.episodes for row in measured), default=RANDOM_EPISODES),
            count=len(measured),
            good=sum(row.good for row in measured),
            half=sum(row.expert.score >= GOOD_SCORE for row in measured),
            dots=DOTS if not all(row.good for row in measured) else "",
        ),
        "| domain | tasks | with an expert | good | mean score | at random |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for domain in BUILTIN_DOMAINS:
        tasks = [spec for spec in specs if spec.domain == domain]
        rows = [scores[spec.id] for spec in tasks if spec.id in scores]
        if rows:
            means = (
                np.mean([row.expert.score for row in rows]),
                np.mean([row.random.score for row in rows]),
            )
            lines.append(
                f"| {domain} | {len(tasks)} | {len(rows)} | {sum(row.good for row in rows)} | "
                f"{means[0]:.2f} | {means[1]:.2f} |"
            )
    for domain in BUILTIN_DOMAINS:
        played = [spec for spec in specs if spec.domain == domain and spec.id in scores]
        if played:
            lines += [
                "",
                f"## {domain}",
                "",
                "| task | player | score | at random | return | at random |",
                "| --- | --- | ---: | ---: | ---: | ---: |",
            ]
            lines += [_line(spec, scores[spec.id]) for spec in played]
    return "\n".join([*lines, *_without_success(specs, searched)]) + "\n"


def _without_success(specs: list[TaskSpec], searched: Mapping[str, Any]) -> list[str]:
    """Return the lines about the tasks that were searched for an expert in vain."""
    rows = [
        f"| {spec.id} | {row['checked']:.2f} | {row['random']:.2f} | {row['episodes']:,} | "
        f"{row['seconds']:.0f} s |"
        for spec in specs
        if (row := searched.get(spec.id)) is not None and not has_player(spec)
    ]
    untried = [
        spec.id
        for spec in specs
        if spec.domain in SEARCHED_DOMAINS and spec.id not in searched and not has_player(spec)
    ]
    if not rows:
        return []
    return [
        "",
        "## Tried without success",
        "",
        "What the search found in these tasks is neither worth 0.5 nor five times what random",
        "actions score, or less than 0.1, over twenty episodes as above. Here, best and random",
        "scores are those of the search, over few episodes. Their searches, and all others:",
        "[expert_search.json](../benchmarks/results/expert_search.json).",
        "",
        "| task | best | at random | episodes | processor time |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        f"Not tried yet, of the control suite and its extension: {', '.join(untried) or 'none'}.",
    ]


def read_searched() -> dict[str, Any]:
    """Return what `benchmarks/search_experts.py` tried, under the tasks' ids."""
    searched: dict[str, Any] = json.loads(SEARCHED.read_text(encoding="utf-8"))["tasks"]
    return searched


def _line(spec: TaskSpec, row: Measured) -> str:
    player = find_player(spec)
    who = "" if player is None else f"[{player.name}]({PLAYERS}/{player.file})"
    half_width = "" if row.expert.ci95 is None else f" ± {row.expert.ci95:.2f}"
    mark = "" if row.good else " ·"
    cells = (
        f"{spec.id}{mark}",
        who,
        f"{row.expert.score:.2f}{half_width}",
        f"{row.random.score:.2f}",
        f"{row.expert.mean_return:,.4g}",
        f"{row.random.mean_return:,.4g}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
