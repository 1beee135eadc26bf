"""``newt pretrain``: learn from demonstrations alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from newt_cli import console, options
from newt_cli import setting_options as settings
from newt_cli.display import training_display
from newt_cli.failures import INTERRUPTED, StopRequest
from newt_cli.forecasts import ForecastFirst
from newt_cli.run_settings import failing_cleanly, require_own_settings, resume_command

if TYPE_CHECKING:
    from newt_core.training.config import RunConfig
    from newt_core.workflows.pretrain import Pretrained

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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

    asked, own = settings.asked(context), specs or ()
    forecast = ForecastFirst(pretraining=True)
    if resume:
        require_own_settings(preset, config)
        made = existing_run(asked, specs=own, name=run, runs=runs_dir, pretraining=True)
    else:
        made = new_run(
            asked,
            specs=own,
            name=run,
            runs=runs_dir,
            demos=Path("demos"),
            pretraining=True,
            check=_check,
            measure=forecast,
            notice=console.notice,
        )
    go_on = resume_command("pretrain", made.folder.path)
    with console.quiet_stdout(), training_display(made.folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening(), failing_cleanly(made.folder, go_on, new=not resume):
            outcome = workflow.pretrain(
                replace(made, progress=display, should_stop=stop), resume=resume
            )
    _say(outcome, forecast.document(), as_json)
    if outcome.interrupted:
        console.notice(f"Stopped and saved. Go on with: {go_on}")
        raise typer.Exit(INTERRUPTED)


def _check(config: RunConfig) -> None:
    """See that it begins from nothing."""
    from newt_core.errors import ConfigError

    if config.pretrained is not None:
        raise ConfigError(
            "pretraining begins with random weights: leave the setting 'pretrained' out, or go on "
            "by interaction with newt train --pretrained."
        )


def _say(outcome: Pretrained, forecast: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.write_json(
            {
                "run": str(outcome.run),
                "checkpoint": str(outcome.checkpoint),
                "steps": 0,
                "updates": outcome.updates,
                "score": outcome.scores.get("policy"),
                "scores": dict(outcome.scores),
                "scored_after": outcome.scored_after,
                "curves": str(outcome.curves),
                **forecast,
            }
        )
        return
    scores = ", ".join(f"{mode} {score:.3f}" for mode, score in outcome.scores.items())
    console.write(f"{outcome.updates:,} updates: {outcome.checkpoint}")
    old = outcome.scored_after is not None and outcome.scored_after != outcome.updates
    when = f" after {outcome.scored_after:,} updates" if old else ""
    console.write(f"scores{when}: {scores or console.NO_VALUE}")
    console.notice(f"losses: {outcome.curves}")
