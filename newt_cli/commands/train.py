"""``newt train``: learn tasks by interaction, after demonstrations where there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options, rank_options, ranks
from newt_cli import setting_options as settings
from newt_cli.commands import command_app
from newt_cli.display import training_display
from newt_cli.failures import StopRequest
from newt_cli.forecasts import ForecastFirst, ForecastOfMany
from newt_cli.run_lists import find_list, is_list, leave
from newt_cli.run_settings import require_own_settings

if TYPE_CHECKING:
    from newt_core.workflows.asked import Asked
    from newt_core.workflows.context import RunContext
    from newt_core.workflows.run_many import ListContext

app = command_app()


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
    ray: settings.Ray = None,
    gpus: rank_options.Gpus = None,
    rank_count: rank_options.RankCount = None,
    max_restarts: rank_options.MaxRestarts = 0,
    rank_timeout: rank_options.RankTimeout = rank_options.RANK_TIMEOUT_S,
    each: Annotated[
        bool, typer.Option("--each", help="One run for each task, instead of one of all.")
    ] = False,
    jobs: settings.Jobs = 1,
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
    newt train --tasks all --ray auto
    newt train --each --tasks 'walker-*' --preset cpu --run experts --jobs 2

    With --demos, the agent first pretrains on the demonstrations, in the folder pretraining of its
    run; --pretrained begins with a checkpoint of 'newt pretrain'. Each use of demonstrations can be
    turned off: --set demos.pretraining=false, demos.constrained_planning=false,
    demos.batch_share=0, demos.seeding=false or demos.cloning=false.

    With --gpus or --ranks, several processes share the tasks and every batch; torchrun starts them
    on several machines. With --ray, the nodes of a Ray cluster run the environments, and this
    machine learns and evaluates.

    With --each, every task gets a run of its own, in one folder; --resume goes on with all of them,
    and 'newt collect-demos --expert' takes the folder.

    Options override --set, --set overrides --config, --config overrides --preset. Ctrl-C and
    SIGTERM save the run and say how to resume it.
    """
    from newt_core.workflows.run_many import ListContext, existing_list
    from newt_core.workflows.settings import existing_run, new_run
    from newt_core.workflows.train_each import new_list

    several = rank_options.Several(gpus, rank_count, max_restarts, rank_timeout)
    several.check(device)
    asked, own, forecast = settings.asked(context), specs or (), ForecastFirst()
    if each or (resume and run is not None and is_list(run, runs_dir)):
        if several.processes:
            raise typer.BadParameter(
                "with --each, every run is of one process: leave it out",
                param_hint="'--gpus' or '--ranks'",
            )
        if resume:
            require_own_settings(preset, config)
            listed = existing_list(find_list("each", run, runs_dir), asked, jobs=jobs)
        else:
            expected = ForecastOfMany()
            runs = new_list(
                asked,
                specs=own,
                name=run,
                runs=runs_dir,
                strict=strict,
                measure=expected,
                notice=console.notice,
            )
            expected.tell(runs, jobs)
            listed = ListContext(runs, jobs)
        _train_each(listed, as_json=as_json)
        return
    if jobs > 1:
        raise typer.BadParameter("it is for the runs of --each", param_hint="'--jobs'")
    if resume:
        require_own_settings(preset, config)

    def make(asked: Asked, measure: ranks.Measure) -> RunContext:
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
            forecast,
            name=run,
            specs=own,
            resume=resume,
        )

        def learn(made: RunContext) -> ranks.Result:
            return _learn(made, resume)

        ranks.work(
            "train",
            made,
            learn,
            several=several,
            forecast=forecast.document(),
            new=not resume,
            as_json=as_json,
        )


def _learn(made: RunContext, resume: bool) -> ranks.Result:
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
    }
    lines = [f"{result.steps:,} steps, score {score}: {result.checkpoint}"]
    return ranks.Result(document, lines, [], result.interrupted)


def _train_each(listed: ListContext, *, as_json: bool) -> None:
    """Train one agent for each task, showing how it goes, and print how they do."""
    from newt_core.workflows import train_each as workflow

    folder = listed.runs.path
    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            result = workflow.train_each(replace(listed, progress=display, should_stop=stop))
    if as_json:
        failed = {member.name: why for member, why in result.ended.failed.items()}
        console.write_json({"run": str(folder), "runs": result.rows, "failed": failed})
    else:
        _write_each(result.rows)
        console.write(str(folder))
    leave(result.ended, "train", folder, listed.jobs)


def _write_each(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a row for each task."""
    cells = [
        (
            row["task"],
            "done" if row["done"] else "to go on" if row["steps"] is not None else "not begun",
            console.NO_VALUE if row["steps"] is None else f"{row['steps']:,}",
            console.number(row["score"], 3),
        )
        for row in rows
    ]
    numbers = ("steps", "score")
    console.write_table(("task", "run", *numbers), cells, right=numbers, gives_way=("steps", "run"))
