"""``newt tasks``: the task specs, and whether they run here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.commands.embed import embed
from newt_cli.counts import count_display, counted
from newt_cli.failures import interruptible
from newt_cli.numbers import number_option
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.specs import TaskSpec

app = command_app()
app.command("embed")(embed)

LISTED_FIELDS = (
    "id",
    "domain",
    "split",
    "instruction",
    "embodiment",
    "obs_dim",
    "action_dim",
    "episode_length",
    "action_repeat",
    "reward",
    "score",
    "assets",
)
"""Fields of a spec that ``--json`` gives as they stand in the spec's file."""


@app.callback()
def tasks() -> None:
    """List, show, check and embed tasks.

    \b
    newt tasks list dmcontrol
    newt tasks show walker-run
    newt tasks check 'walker-*'
    """


@app.command("list")
def list_tasks(
    selector: Annotated[
        str | None, typer.Argument(metavar="SEL", help=options.SELECTOR_HELP)
    ] = None,
    split: Annotated[
        Literal["train", "transfer"] | None, typer.Option(help="Only the tasks of this split.")
    ] = None,
    experts: Annotated[
        bool, typer.Option("--experts", help="List scripted experts and their scores.")
    ] = False,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """List tasks, by default all of them.

    \b
    newt tasks list
    newt tasks list 'walker-*' --json
    newt tasks list --split transfer
    newt tasks list metaworld --experts
    """
    from newt_core.specs import load_specs

    library = load_specs(specs or ())
    chosen = list(library.values()) if selector is None else library.select(selector)
    chosen = [spec for spec in chosen if split in (None, spec.split)]
    if experts:
        _list_experts(chosen, as_json)
        return
    if as_json:
        console.write_json([_describe(spec) for spec in chosen])
        return
    numbers = ("obs", "actions", "steps", "repeat", "discount")
    console.write_table(
        ("task", "domain", "split", *numbers, "reward", "score"),
        [
            (
                spec.id,
                spec.domain,
                spec.split,
                str(spec.obs_dim),
                str(spec.action_dim),
                str(spec.episode_length),
                str(spec.action_repeat),
                f"{spec.gamma:.3f}",
                spec.reward,
                spec.score.kind,
            )
            for spec in chosen
        ],
        right=numbers,
        gives_way=("split", "discount", "reward", "repeat", "score", "domain", "steps"),
    )
    console.notice(counted(len(chosen), "task"))


@app.command()
def show(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's id.")],
    render: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the task's first frame into this PNG or JPEG."),
    ] = None,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Show a task's spec, its text and its masks.

    \b
    newt tasks show walker-run
    newt tasks show walker-run --render walker.png
    """
    from newt_core.specs import load_specs

    spec = load_specs(specs or ())[task]
    if render is not None:
        _draw(spec, render)
    document = _describe(spec) | {
        "text": spec.text,
        "version": spec.version,
        "env": dict(spec.env),
        "camera": spec.camera,
        "action_mask": [int(valid) for valid in spec.action_mask],
        "obs_mask": [int(valid) for valid in spec.obs_mask],
        "spec_hash": spec.spec_hash,
    }
    if as_json:
        console.write_json(document)
        return
    masks = {
        "obs_mask": f"{spec.obs_dim} of {len(spec.obs_mask)} entries",
        "action_mask": f"{spec.action_dim} of {len(spec.action_mask)} entries",
    }
    for field, value in (document | masks).items():
        console.write(f"{field:<15} {_plain(value)}")
    if render is not None:
        console.notice(f"wrote {render}")


@app.command()
def check(
    selector: options.TaskArgument,
    episodes: Annotated[
        int, number_option(1, limits.EPISODES, "Episodes to run of each task.")
    ] = 1,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Run tasks, and check that they do what their specs say.

    \b
    newt tasks check dmcontrol
    newt tasks check my-task --specs my_specs --episodes 3

    A task whose package or assets are not installed is skipped, not failed.
    """
    from newt_core.envs.checks import check_task
    from newt_core.errors import MissingDependencyError, one_line
    from newt_core.specs import load_specs

    passed: list[str] = []
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    chosen = load_specs(specs or ()).select(selector)
    with console.quiet_stdout(), count_display("tasks") as on_progress:
        for number, spec in enumerate(chosen):
            on_progress(number, len(chosen))
            try:
                with interruptible():
                    check_task(spec, episodes)
            except MissingDependencyError as error:
                skipped[spec.id] = str(error)
                console.notice(f"skipped {spec.id}: {error}")
            except Exception as error:  # noqa: BLE001  A broken simulator may raise anything.
                failed[spec.id] = one_line(str(error)) or type(error).__name__
                console.notice(f"FAILED  {spec.id}: {failed[spec.id]}")
            else:
                passed.append(spec.id)
                console.notice(f"passed  {spec.id}")
    if as_json:
        console.write_json({"passed": passed, "failed": failed, "skipped": skipped})
    else:
        console.write(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    if failed:
        raise typer.Exit(1)


def _list_experts(specs: list[TaskSpec], as_json: bool) -> None:
    """List tasks with their scripted players and how well those do."""
    from newt_core.experts.scores import describe_expert, read_scores

    scores = read_scores()
    experts = {spec.id: describe_expert(spec, scores) for spec in specs}
    if as_json:
        console.write_json([_describe(spec) | {"expert": experts[spec.id]} for spec in specs])
        return
    numbers = ("episodes", "score", "at random", "return", "success")
    rows = []
    for spec in specs:
        expert = experts[spec.id] or {}
        values = (expert.get(name) for name in ("score", "random_score", "return", "success"))
        rows.append(
            (
                spec.id,
                spec.domain,
                expert.get("kind", console.NO_VALUE),
                str(expert.get("episodes", console.NO_VALUE)),
                *(console.number(value, 2) for value in values),
                expert.get("player", console.NO_VALUE),
            )
        )
    console.write_table(
        ("task", "domain", "expert", *numbers, "player"),
        rows,
        right=numbers,
        folds=("player",),
        gives_way=("player", "episodes", "domain", "return", "success", "at random"),
    )
    found = sum(expert is not None for expert in experts.values())
    console.notice(f"{found} of {len(specs)} tasks have a scripted expert")


def _describe(spec: TaskSpec) -> dict[str, Any]:
    """Return what the listing says of a task; the discount is the one in force."""
    fields = spec.model_dump(mode="json", include=set(LISTED_FIELDS))
    return {field: fields[field] for field in LISTED_FIELDS} | {"discount": spec.gamma}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items()) or console.NO_VALUE
    if isinstance(value, list):
        return ", ".join(map(str, value)) or console.NO_VALUE
    return console.NO_VALUE if value is None else str(value)


def _draw(spec: TaskSpec, path: Path) -> None:
    """Write the first frame of an episode."""
    from newt_core.envs.gallery import picture, require_picture_name, save_picture

    require_picture_name(path)
    with console.quiet_stdout():
        save_picture(path, picture(spec, steps=0))
