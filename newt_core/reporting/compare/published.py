"""Scores that others published, for the tasks that are ours, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from newt_core.specs import BUILTIN_DOMAINS, SpecLibrary

TOTAL = "total"
"""The group of all tasks."""
SPLITS = MappingProxyType({"train": "the training tasks", "transfer": "the held-out tasks"})


@dataclass(frozen=True)
class PublishedAgent:
    """An agent that was scored on the tasks of a split, or of a domain in it."""

    name: str
    split: str
    scores: Mapping[str, float]
    """Domain, or :data:`TOTAL`, → mean over all of its tasks in that split."""


@dataclass(frozen=True)
class PublishedRow:
    """A score that may stand beside ours: it is over the same tasks."""

    name: str
    group: str
    score: float


NEWT = (0.50, 0.37, 0.50, 0.69, 0.20, 0.44, 0.33, 0.38, 0.30, 0.13)
"""Domain by domain, after 100M steps."""

PAPER: Sequence[PublishedAgent] = (
    PublishedAgent(
        "Newt (paper, 20M, 100M steps)",
        "train",
        MappingProxyType({TOTAL: 0.438, **dict(zip(BUILTIN_DOMAINS, NEWT, strict=True))}),
    ),
    *(
        PublishedAgent(
            f"one agent per task (paper, {steps} steps each)",
            "train",
            MappingProxyType({TOTAL: total, **dict(zip(BUILTIN_DOMAINS, scores, strict=True))}),
        )
        for steps, total, scores in (
            ("100k", 0.38, (0.32, 0.24, 0.53, 0.36, 0.35, 0.50, 0.60, 0.48, 0.43, 0.13)),
            ("500k", 0.65, (0.67, 0.60, 0.70, 0.77, 0.64, 0.75, 0.87, 0.67, 0.65, 0.24)),
            ("5M", 0.80, (0.81, 0.78, 0.79, 0.92, 0.82, 0.94, 0.86, 0.82, 0.93, 0.51)),
        )
    ),
    PublishedAgent("Newt (paper, zero-shot)", "transfer", MappingProxyType({TOTAL: 0.192})),
    PublishedAgent(
        "Newt (paper, finetuned for 100k steps)", "transfer", MappingProxyType({TOTAL: 0.868})
    ),
    PublishedAgent(
        "Newt (paper, 100k steps from scratch)", "transfer", MappingProxyType({TOTAL: 0.480})
    ),
)
"""Newt, its section 4 and appendices; one agent per task in its table 9."""

TDMPC2_DECISIONS = (50_000, 100_000, 250_000, 500_000)
"""Agent steps after which :data:`TDMPC2` was scored; each is two simulator steps."""
TDMPC2: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "cartpole-balance": (998, 996, 994, 975),
        "cartpole-swingup": (839, 872, 876, 876),
        "cartpole-swingup-sparse": (0, 308, 845, 842),
        "pendulum-swingup": (724, 824, 842, 819),
        "walker-stand": (981, 978, 957, 991),
        "walker-walk": (962, 973, 979, 980),
        "walker-run": (723, 780, 820, 842),
        "cheetah-run": (519, 614, 758, 844),
        "hopper-stand": (28, 262, 936, 954),
        "hopper-hop": (14, 167, 303, 338),
        "acrobot-swingup": (179, 296, 361, 518),
        "cup-catch": (981, 977, 985, 986),
        "finger-spin": (948, 974, 985, 986),
        "finger-turn-hard": (484, 797, 876, 975),
        "fish-swim": (205, 379, 610, 690),
        "reacher-easy": (937, 976, 919, 983),
        "reacher-hard": (414, 871, 914, 981),
    }
)
"""Task → mean returns of TD-MPC2's result files: one agent per task, 5M parameters, 3 seeds."""


def paper_rows(
    tasks: Mapping[str, Sequence[str]], library: SpecLibrary
) -> tuple[list[PublishedRow], str | None]:
    """Return the paper's scores over the same tasks, and why others are not there, if any are not.

    Args:
        tasks: domain → the tasks that are compared; all of them under :data:`TOTAL`.
        library: where the domains' tasks are looked up.
    """
    rows: list[PublishedRow] = []
    parts: dict[str, str] = {}
    for agent in PAPER:
        for group, score in agent.scores.items():
            whole = {
                spec.id
                for spec in library.values()
                if spec.split == agent.split and group in (TOTAL, spec.domain)
            }
            here = set(tasks.get(group, ()))
            if here == whole:
                rows.append(PublishedRow(agent.name, group, score))
            elif here & whole:
                what = group if group != TOTAL else SPLITS[agent.split]
                parts[what] = f"{len(here & whole)} of {len(whole)} of {what}"
    if not parts:
        return rows, None
    return rows, (
        "the paper's own scores are over all tasks of a domain, and not put beside a part of "
        f"them: here are {', '.join(parts.values())}"
    )


def tdmpc2_scores(task: str, library: SpecLibrary) -> dict[int, float] | None:
    """Return TD-MPC2's scores in a task, agent steps → score; None where none are known here."""
    if task not in TDMPC2 or task not in library:
        return None
    rule = library[task].score
    pairs = zip(TDMPC2_DECISIONS, TDMPC2[task], strict=True)
    return {decisions: rule.score(float(reached), 0.0) for decisions, reached in pairs}
