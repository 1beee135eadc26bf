"""``newt eval``: scores of checkpoints, of scripted experts, of random actions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, evaluations, options
from newt_cli.commands import command_app
from newt_cli.counts import count_display
from newt_cli.numbers import number_option, real_option
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.evaluation import Summary
    from newt_core.specs import SpecLibrary

app = command_app()

RANDOM, EXPERT = "random", "expert"
"""The words that take a checkpoint's place: for uniform actions, and for scripted experts."""


@app.command("eval")
def evaluate(
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CKPT",
            help=f"Checkpoints or runs, or the words '{RANDOM}' and '{EXPERT}'; several make one "
            "table.",
            show_default=False,
        ),
    ] = None,
    tasks: options.MaybeTasks = None,
    episodes: Annotated[int, number_option(1, limits.EPISODES, "Episodes of each task.")] = 10,
    policy_only: Annotated[
        bool, typer.Option("--policy-only", help="Act with the policy alone, without planning.")
    ] = False,
    open_loop: Annotated[
        int | None,
        number_option(
            1,
            limits.HORIZON,
            "Plan this many steps at once, execute them without looking, then look and plan again "
            "until the episode ends. By default it plans after every step.",
        ),
    ] = None,
    prior_weight: Annotated[
        float | None,
        real_option(
            0,
            1,
            "How close planning stays to the policy: 0 plans freely, 1 only around the policy. By "
            "default as in training.",
        ),
    ] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Evaluate uniformly random actions, too.")
    ] = False,
    expert: Annotated[
        bool, typer.Option("--expert", help="Evaluate the tasks' scripted experts, too.")
    ] = False,
    instruction: options.Instruction = None,
    embodiment: options.Embodiment = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            "--replace",
            metavar="WORD=OTHER",
            help="Say another word in the texts of all tasks, such as screwdriver=cube; may be "
            "repeated.",
        ),
    ] = None,
    text_encoder: options.TextEncoder = None,
    text_weights: options.TextWeights = None,
    image_weights: options.ImageWeights = None,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes.")] = 0,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N|LIST",
            help="Take the episodes of several seeds: how many, from --seed on, or a list such as "
            "0,3,7.",
        ),
    ] = None,
    envs: Annotated[
        int | None,
        number_option(
            1,
            limits.ENVIRONMENTS,
            "Environments of each task side by side, 5 by default; no result depends on it.",
        ),
    ] = None,
    device: options.Device = "auto",
    specs: options.Specs = None,
    strict: options.Strict = False,
    runs_dir: options.RunsDir = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the JSON document into a file, too.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Evaluate agents: return, success and score, with 95 % confidence intervals.

    \b
    newt eval balance
    newt eval last.pt --task walker-run --open-loop 48
    newt eval last.pt --task walker-run --instruction "Run ahead, fast."
    newt eval last.pt --tasks 'walker-*' --replace walk=run --out results.json
    newt eval last.pt balance --random --expert --seeds 3
    newt eval random --tasks 'walker-*'

    Of a run, the best checkpoint is evaluated. Without --tasks, each is evaluated on the tasks that
    it was trained on, and random actions and experts on those of all of them. Texts that are new to
    a checkpoint are embedded by the text encoder of its training.
    """
    from newt_core.envs.availability import runnable
    from newt_core.errors import ConfigError
    from newt_core.specs import SpecLibrary, Wording, load_specs
    from newt_core.workflows.find_checkpoint import specs_for

    named = [name for name in checkpoints or () if name not in (RANDOM, EXPERT)]
    others = [name for name in checkpoints or () if name not in named]
    others += [RANDOM] * random + [EXPERT] * expert
    together = named + others
    twice = next((name for name in together if together.count(name) > 1), None)
    if twice is not None:
        raise typer.BadParameter(f"'{twice}' is named twice: name each once")
    if not named and not others:
        raise typer.BadParameter(f"say what to evaluate: a checkpoint, a run, '{RANDOM}'")
    if policy_only and (prior_weight is not None or open_loop is not None):
        option = "--open-loop" if prior_weight is None else "--prior-weight"
        raise ConfigError(f"--policy-only does not plan: leave {option} out.")
    words = tuple(evaluations.replacement(text) for text in replace or ())
    wording = Wording(instruction, embodiment, words)
    if not named:
        _refuse(others[0], {
            "has no tasks of its own: name some with --tasks": tasks is None,
            "does not plan: leave --prior-weight out": prior_weight is not None,
            "does not plan: leave --open-loop out": open_loop is not None,
            "has no policy: leave --policy-only out": policy_only,
            "reads no texts: leave the wording and its encoder out": bool(
                wording or text_encoder or text_weights
            ),
            "observes no pictures: leave --image-weights out": image_weights is not None,
        })  # fmt: skip
    if out is not None:
        evaluations.require_json_place(out)
    chosen_seeds = evaluations.seed_list(seeds, seed)
    # Without --specs, each looks its tasks up among those that its own run has kept, and what is
    # not there among those of the other runs, so that all can be evaluated on the same.
    kept = {name: load_specs(specs_for(name, specs, runs_dir)) for name in named}
    every = {task: spec for own in kept.values() for task, spec in own.items()}
    libraries = {name: SpecLibrary({**every, **own}) for name, own in kept.items()}
    library = SpecLibrary(every) if named else load_specs(specs or ())
    if tasks is not None:
        tasks = runnable(library, tasks, strict=strict, notice=console.notice)

    from newt_core.agents.base import Acting
    from newt_core.encoders import TextOptions
    from newt_core.workflows import evaluate as work

    side_by_side: dict[str, Any] = {} if envs is None else {"envs": envs}
    requests = {
        name: work.EvaluationRequest(
            Path(name),
            tasks,
            episodes,
            how=Acting(policy_only, prior_weight, open_loop),
            seeds=chosen_seeds,
            device=device,
            text=TextOptions(wording, text_encoder, text_weights),
            image_weights=image_weights,
            **side_by_side,
        )
        for name in named
    }
    found: dict[str, Summary] = {}

    def add(name: str, run: Callable[..., Summary], library: SpecLibrary) -> None:
        if len(named) + len(others) > 1:
            console.notice(f"{name}:")
        with console.quiet_stdout(), count_display("steps") as show:
            on_step = evaluations.EvaluationForecast(show, console.notice)
            found[name] = run(library=library, on_step=on_step)

    if len(requests) > 1:
        for name, request in requests.items():  # The last's faults are said before the first runs.
            work.open_agent(request, library=libraries[name], runs=runs_dir)
    for name, request in requests.items():
        add(name, partial(work.evaluate_checkpoint, request, runs=runs_dir), libraries[name])
    here = dict.fromkeys(task for summary in found.values() for task in summary.tasks)
    same: dict[str, Any] = {
        "tasks": tasks or ",".join(here),
        "episodes": episodes,
        "seeds": chosen_seeds,
    }
    if RANDOM in others:
        add(RANDOM, partial(work.evaluate_random, **same, **side_by_side), library)
    if EXPERT in others:
        notice = console.notice
        experts = partial(work.evaluate_experts, **same, **side_by_side, notice=notice)
        add(EXPERT, experts, library)
    _show(found, out, as_json)


def _refuse(who: str, faults: dict[str, bool]) -> None:
    from newt_core.errors import ConfigError

    for text, at_fault in faults.items():
        if at_fault:
            raise ConfigError(f"'{who}' {text}.")


def _show(found: dict[str, Summary], out: Path | None, as_json: bool) -> None:
    from newt_core.files import write_json

    documents = {name: summary.to_json() for name, summary in found.items()}
    (first, *more) = documents.values()
    document = {"evaluations": documents} if more else first
    if out is not None:
        write_json(out, document)
        console.notice(f"wrote {out}")
    if as_json:
        console.write_json(document)
    elif more:
        evaluations.write_comparison(found)
    else:
        evaluations.write_tables(*found.values())
