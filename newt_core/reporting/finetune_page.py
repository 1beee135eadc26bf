"""A finetuning's page: what the checkpoint's weights were worth, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newt_core.errors import RunFolderError
from newt_core.files import write_text
from newt_core.reporting.finetune_scores import SHARES, curve_history
from newt_core.reporting.pictures import embedded
from newt_core.reporting.score_curves import draw_scores
from newt_core.reporting.template import render_template
from newt_core.training.finetuning import PRETRAINED, SCRATCH, Finetuning, Variant

TEMPLATE = "finetune.html.j2"
LABELS: Mapping[Variant, str] = {PRETRAINED: "from the checkpoint", SCRATCH: "from scratch"}


def write_finetune_page(finetuning: Finetuning, scores: Mapping[str, Any]) -> None:
    """Write the page into the finetuning's folder; it appears whole or not at all.

    Args:
        finetuning: Its folder.
        scores: See :func:`newt_core.reporting.finetune_scores.finetune_scores`.

    Raises:
        RunFolderError: The page cannot be written.
    """
    try:
        write_text(finetuning.report, render_finetune_page(finetuning, scores))
    except OSError as error:
        raise RunFolderError(
            f"cannot write {finetuning.report}: {error.strerror or error}."
        ) from error


def render_finetune_page(finetuning: Finetuning, scores: Mapping[str, Any]) -> str:
    """Return the page's HTML; the arguments are those of :func:`write_finetune_page`."""
    plan, config = finetuning.plan, finetuning.config
    histories = [
        curve_history(scores["tasks"], variant, LABELS[variant]) for variant in plan.variants
    ]
    evaluated = [history for history in histories if history.interaction]
    return render_template(
        TEMPLATE,
        filters={},
        title=finetuning.path.name,
        plan=plan,
        config=config,
        scores=scores,
        moments=[f"{100 * share:g}" for share in SHARES],
        labels=LABELS,
        done=sum(run["done"] for run in scores["runs"]),
        curves=embedded(draw_scores(evaluated, {})) if evaluated else None,
    )
