"""``newt pretrain``: learn from demonstrations alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newt_cli import console, options, rank_options, ranks
from newt_cli import setting_options as settings
from newt_cli.commands import command_app
from newt_cli.forecasts import ForecastFirst
from newt_cli.run_settings import require_own_settings

if TYPE_CHECKING:
    from newt_core.training.config import RunConfig
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.context import RunContext
    from newt_core.workflows.pretrain import Pretrained

app = command_app()


@app.command()
def pretrain(
    context: typer.Context,
    tasks: options.MaybeTasks = None,
    demos: settings.Demos = None,
    updates: settings.Updates = None,
    agent: settings.Agent = None,
    size: settings.Size = None,
    preset: settings.Preset = None,
    config: settings.Config = None,
    set_: settings.Set = None,
    seed: settings.Seed = None,
    device: settings.Device = None,
    run: settings.Run = None,
    resume: settings.Resume = False,
    specs: options.Specs = None,
    obs: settings.Obs = None,
    text_encoder: settings.TextEncoder = None,
    text_weights: settings.TextWeights = None,
    image_encoder: settings.ImageEncoder = None,
    image_weights: settings.ImageWeights = None,
    gpus: rank_options.Gpus = None,
    rank_count: rank_options.RankCount = None,
    max_restarts: rank_options.MaxRestarts = 0,
    rank_timeout: rank_options.RankTimeout = rank_options.RANK_TIMEOUT_S,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Pretrain an agent on demonstrations, without any interaction.

    \b
    newt pretrain --tasks miniarcade --preset cpu --run arcade
    newt pretrain --tasks pygame-cowboy --demos demos --updates 2000 --size 2M
    newt pretrain --tasks pygame-cowboy --agent bc --preset cpu
    newt pretrain --run arcade --resume

    Demonstrations are read from the folder demos unless --demos names another. At the end, the
    agent is evaluated with its policy alone and, if it plans, with planning and with planning near
    the policy; losses.png in the run's folder shows the losses. Ctrl-C and SIGTERM save the run and
    say how to resume it.
    """
    from newt_core.workflows import pretrain as workflow
    from newt_core.workflows.settings import existing_run, new_run

    several = rank_options.Several(gpus, rank_count, max_restarts, rank_timeout)
    several.check(device)
    own, forecast = specs or (), ForecastFirst(pretraining=True)
    if resume:
        require_own_settings(preset, config)

    def make(asked: Asked, measure: ranks.Measure) -> RunContext:
        return new_run(
            asked,
            specs=own,
            name=run,
            runs=runs_dir,
            demos=Path("demos"),
            pretraining=True,
            check=_check,
            measure=measure,
            notice=console.notice,
        )

    def go_on(asked: Asked) -> RunContext:
        return existing_run(asked, specs=own, name=run, runs=runs_dir, pretraining=True)

    with ranks.one_of(several) as group:
        made, resume = ranks.shared_run(
            several,
            group,
            settings.asked(context),
            make,
            go_on,
            forecast,
            name=run,
            specs=own,
            resume=resume,
            online=False,
        )

        def learn(made: RunContext) -> ranks.Result:
            return _result(workflow.pretrain(made, resume=resume))

        ranks.work(
            "pretrain",
            made,
            learn,
            several=several,
            forecast=forecast.document(),
            new=not resume,
            as_json=as_json,
        )


def _check(config: RunConfig) -> None:
    """See that it begins from nothing."""
    from newt_core.errors import ConfigError

    if config.pretrained is not None:
        raise ConfigError(
            "pretraining begins with random weights: leave the setting 'pretrained' out, or go on "
            "by interaction with newt train --pretrained."
        )


def _result(outcome: Pretrained) -> ranks.Result:
    """Return what there is to say."""
    document = {
        "run": str(outcome.run),
        "checkpoint": str(outcome.checkpoint),
        "steps": 0,
        "updates": outcome.updates,
        "score": outcome.scores.get("policy"),
        "scores": dict(outcome.scores),
        "scored_after": outcome.scored_after,
        "curves": str(outcome.curves),
    }
    scores = ", ".join(f"{mode} {score:.3f}" for mode, score in outcome.scores.items())
    old = outcome.scored_after is not None and outcome.scored_after != outcome.updates
    when = f" after {outcome.scored_after:,} updates" if old else ""
    lines = [
        f"{outcome.updates:,} updates: {outcome.checkpoint}",
        f"scores{when}: {scores or console.NO_VALUE}",
    ]
    return ranks.Result(document, lines, [f"losses: {outcome.curves}"], outcome.interrupted)
