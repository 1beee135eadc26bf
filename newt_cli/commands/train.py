"""``newt train``: learn tasks by interaction, after demonstrations where there are some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from newt_cli import console, options, rank_options, ranks
from newt_cli import setting_options as settings
from newt_cli.forecasts import ForecastFirst
from newt_cli.run_settings import require_own_settings

if TYPE_CHECKING:
    from newt_core.specs import TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.context import RunContext

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def train(
    context: typer.Context,
    tasks: options.MaybeTasks = None,
    demos: settings.Demos = None,
    steps: settings.Steps = None,
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
    strict: options.Strict = False,
    obs: settings.Obs = None,
    text_encoder: settings.TextEncoder = None,
    text_weights: settings.TextWeights = None,
    instruction: settings.Instruction = None,
    embodiment: settings.Embodiment = None,
    image_encoder: settings.ImageEncoder = None,
    image_weights: settings.ImageWeights = None,
    pretrained: settings.Pretrained = None,
    envs_per_task: settings.EnvsPerTask = None,
    save_replay: settings.SaveReplay = None,
    gpus: rank_options.Gpus = None,
    rank_count: rank_options.RankCount = None,
    max_restarts: rank_options.MaxRestarts = 0,
    rank_timeout: rank_options.RankTimeout = rank_options.RANK_TIMEOUT_S,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Train one agent on one or many tasks.

    \b
    newt train --tasks cartpole-balance --preset cpu --run balance
    newt train --tasks 'cheetah-*' --preset cpu --seed 1
    newt train --tasks walker-run --preset smoke --set planner.horizon=2
    newt train --tasks pygame-pong --preset cpu --obs both
    newt train --tasks pygame-pong --preset cpu --obs both --pretrained last.pt
    newt train --tasks pygame-cowboy --preset cpu --demos demos
    newt train --tasks pygame-cowboy --preset cpu --pretrained last.pt
    newt train --task pygame-pong --pretrained last.pt --instruction "Win."
    newt train --run balance --resume
    newt train --tasks dmcontrol --preset cpu --ranks 2

    With --demos, the agent first pretrains on the demonstrations, in the folder pretraining of its
    run; --pretrained begins with a checkpoint of 'newt pretrain'. Each use of demonstrations can be
    turned off: --set demos.pretraining=false, demos.constrained_planning=false,
    demos.batch_share=0, demos.seeding=false or demos.cloning=false.

    With --gpus or --ranks, several processes share the tasks and every batch; torchrun starts them
    on several machines.

    Options override --set, --set overrides --config, --config overrides --preset. Ctrl-C and
    SIGTERM save the run and say how to resume it.
    """
    from newt_core.workflows.settings import existing_run, new_run

    several = rank_options.Several(gpus, rank_count, max_restarts, rank_timeout)
    several.check(device)
    own, forecast = specs or (), ForecastFirst()
    if resume:
        require_own_settings(preset, config)

    def make(asked: Asked, check: ranks.Measure) -> RunContext:
        def measure(config: RunConfig, tasks: Sequence[TaskSpec]) -> None:
            check(config, tasks)
            if group.size == 1 and not several.processes:
                forecast(config, tasks)

        return new_run(
            asked,
            specs=own,
            name=run,
            runs=runs_dir,
            strict=strict,
            measure=measure,
            notice=console.notice,
        )

    def go_on(asked: Asked) -> RunContext:
        return existing_run(asked, specs=own, name=run, runs=runs_dir)

    with ranks.one_of(several) as group:
        made, resume = ranks.shared_run(
            several,
            group,
            settings.asked(context),
            make,
            go_on,
            name=run,
            specs=own,
            resume=resume,
        )

        def learn(made: RunContext) -> ranks.Result:
            return _learn(made, resume, forecast.document())

        ranks.work("train", made, learn, several=several, new=not resume, as_json=as_json)


def _learn(made: RunContext, resume: bool, forecast: dict[str, Any]) -> ranks.Result:
    """Train, and return what there is to say."""
    from newt_core.workflows import train as workflow

    result = workflow.train(made, resume=resume)
    old = result.score is not None and result.score_steps != result.steps
    when = f" at step {result.score_steps:,}" if old else ""
    score = f"{console.number(result.score, 3)}{when}"
    document = {
        "run": str(result.run),
        "checkpoint": str(result.checkpoint),
        "steps": result.steps,
        "score": result.score,
        "score_steps": result.score_steps,
        **forecast,
    }
    lines = [f"{result.steps:,} steps, score {score}: {result.checkpoint}"]
    return ranks.Result(document, lines, [], result.interrupted)
