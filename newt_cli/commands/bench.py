"""``newt bench``: how fast the parts are, each beside a straightforward version of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import count_display
from newt_cli.numbers import number_option
from newt_core.settings import limits

app = command_app()

Sizes = Annotated[str, typer.Option("--size", help="Model sizes, separated by commas.")]
Repeats = Annotated[
    int, number_option(1, limits.COUNT, "Timed runs of each variant; the median is reported.")
]
Preset = Annotated[str, typer.Option(help="Settings of the run.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; repeatable.")
]
Steps = Annotated[int, number_option(1, limits.COUNT, "Steps of every environment in a timed run.")]


@app.callback()
def bench() -> None:
    """Measure speed on this machine.

    \b
    newt bench plan
    newt bench update --json
    newt bench pool --tasks dmcontrol
    newt bench train --obs both
    newt bench agent --agents ppo,brc
    """


@app.command()
def plan(
    size: Sizes = "2M,5M",
    envs: Annotated[
        int, number_option(1, limits.ENVIRONMENTS, "Environments planned for at once.")
    ] = 8,
    repeats: Repeats = 10,
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Time planning against the plain reference planner.

    \b
    newt bench plan
    newt bench plan --size 5M --envs 21 --json
    """
    from newt_core.agents.newt.setup import choose_device
    from newt_core.bench.plan import bench_plan

    where = str(choose_device(device))
    with console.quiet_stdout(), count_display("runs") as told:
        result = bench_plan(
            sizes=_sizes(size), num_envs=envs, repeats=repeats, device=where, told=told
        )
    _show(result, as_json)


@app.command()
def update(
    size: Sizes = "2M,5M",
    batch_size: Annotated[int, number_option(1, limits.BATCH, "Subsequences per update.")] = 256,
    repeats: Repeats = 10,
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Time a gradient step against a plain one.

    \b
    newt bench update
    newt bench update --size 5M --batch-size 1024 --json
    """
    from newt_core.agents.newt.setup import choose_device
    from newt_core.bench.update import bench_update

    where = str(choose_device(device))
    with console.quiet_stdout(), count_display("runs") as told:
        result = bench_update(
            sizes=_sizes(size), batch_size=batch_size, repeats=repeats, device=where, told=told
        )
    _show(result, as_json)


@app.command()
def pool(
    tasks: options.Tasks = "dmcontrol",
    steps: Steps = 500,
    repeats: Repeats = 5,
    variants: Annotated[
        str | None, typer.Option(help="Variants to time, separated by commas; by default all.")
    ] = None,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Compare the environment pool's speed and memory with Gymnasium's vector environments.

    \b
    newt bench pool
    newt bench pool --tasks 'walker-*' --steps 50 --json
    newt bench pool --tasks robodesk,mujoco --variants pool,pool_async
    """
    from newt_core.bench.pool import bench_pool
    from newt_core.specs import load_specs

    chosen = None if variants is None else variants.split(",")
    selected = load_specs(specs or ()).select(tasks)
    with console.quiet_stdout(), count_display("runs") as told:
        result = bench_pool(selected, steps=steps, repeats=repeats, chosen=chosen, told=told)
    _show(result, as_json)


@app.command()
def train(
    tasks: options.Tasks = "pygame-reacher-easy,pygame-coconut-dodge",
    obs: Annotated[
        Literal["state", "rgb", "both"], typer.Option(help="What the agent observes.")
    ] = "both",
    preset: Preset = "cpu",
    set_: Set = None,
    steps: Steps = 10,
    repeats: Repeats = 5,
    overlap: Annotated[
        bool,
        typer.Option("--overlap", help="Time the whole with overlap=simulation and full, too."),
    ] = False,
    device: options.Device = "cpu",
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Time the stages of training: step, render, transfer, encode, act, learn.

    \b
    newt bench train --obs both
    newt bench train --tasks 'walker-*' --obs state --overlap
    newt bench train --tasks walker-walk --obs state --json
    """
    from newt_core.bench.train import bench_train
    from newt_core.specs import load_specs
    from newt_core.training.config import resolve_config

    config = resolve_config(preset, None, set_ or (), tasks=tasks, obs=obs, device=device)
    selected = load_specs(specs or ()).select(tasks)
    with console.quiet_stdout(), count_display("runs") as told:
        result = bench_train(
            config, selected, rounds=steps, repeats=repeats, overlap=overlap, told=told
        )
    _show(result, as_json)


@app.command()
def agent(
    agents: Annotated[
        str | None,
        typer.Option(help="Kinds of agents, separated by commas; by default all built-in ones."),
    ] = None,
    tasks: options.Tasks = "cartpole-balance",
    envs_per_task: Annotated[
        int, number_option(1, limits.ENVIRONMENTS, "Environments of each task.")
    ] = 1,
    preset: Preset = "cpu",
    set_: Set = None,
    steps: Steps = 100,
    repeats: Repeats = 3,
    device: options.Device = "cpu",
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Measure how fast agents act and learn, and their memory, each in a process of its own.

    \b
    newt bench agent
    newt bench agent --agents newt,brc --tasks walker-walk --json
    newt bench agent --agents ppo,fasttd3 --envs-per-task 16
    """
    from newt_core.bench.agent import AGENTS, bench_agent
    from newt_core.specs import load_specs
    from newt_core.training.config import resolve_config

    names = AGENTS if agents is None else _kinds(agents)
    configs = {
        name: resolve_config(
            preset,
            None,
            set_ or (),
            agent=name,
            tasks=tasks,
            envs_per_task=envs_per_task,
            device=device,
        )
        for name in names
    }
    selected = load_specs(specs or ()).select(tasks)
    with console.quiet_stdout(), count_display("agents") as told:
        result = bench_agent(configs, selected, steps=steps, repeats=repeats, told=told)
    _show_agents(result, as_json)


def _kinds(names: str) -> list[str]:
    """Return the kinds of a comma list, which may end with a comma."""
    from newt_core.errors import ConfigError

    kinds = [name.strip() for name in names.split(",") if name.strip()]
    if not kinds:
        raise ConfigError("--agents names no kind of agent, such as newt,ppo.")
    return kinds


def _sizes(names: str) -> list[str]:
    """Return the sizes of a comma list."""
    from newt_core.errors import ConfigError, did_you_mean
    from newt_core.model.sizes import SIZES

    sizes = [name.strip() for name in names.split(",")]
    for size in sizes:
        if size not in SIZES:
            raise ConfigError(
                f"there is no model size '{size}'.{did_you_mean(size, SIZES)} "
                f"Choose from {', '.join(SIZES)}."
            )
    return sizes


def _show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a benchmark's document, or its two tables."""
    if as_json:
        console.write_json(result)
        return
    numbers = ("median ms", "steps/s", "memory MB")
    rows = [
        (
            name,
            console.number(1e3 * variant["median_s"]),
            console.number(variant["steps_per_s"]),
            console.number(variant.get("memory_mb"), 0),
        )
        for name, variant in result["variants"].items()
    ]
    console.write(f"{result['what']}\n")
    console.write_table(("variant", *numbers), rows, right=numbers)
    console.write("")
    ratios = [(name.replace("_", " "), f"{ratio:.2f}") for name, ratio in result["ratios"].items()]
    console.write_table(("ratio", "times"), ratios, right=["times"])
    if at_work := result.get("at_work"):
        console.write("")
        names = [name.replace("_", " ") for name in next(iter(at_work.values()))]
        shares = [
            (variant, *(f"{share:.0%}" for share in each.values()))
            for variant, each in at_work.items()
        ]
        console.write_table(("variant", *names), shares, right=names)


def _show_agents(result: Mapping[str, Any], as_json: bool) -> None:
    """Print the document of the agents' benchmark, or its table."""
    if as_json:
        console.write_json(result)
        return
    numbers = {
        "steps/s": ("steps_per_s", 1),
        "acting/s": ("acting_steps_per_s", 1),
        "updates/s": ("updates_per_s", 1),
        "learning %": ("learning_share", 0),
        "parameters": ("parameters", 0),
        "memory MB": ("memory_mb", 0),
        "GPU MB": ("gpu_memory_mb", 0),
    }
    rows = []
    for name, found in result["variants"].items():
        share = found["learning_share"]
        found = {**found, "learning_share": None if share is None else 100 * share}
        cells = (console.number(found[key], digits) for key, digits in numbers.values())
        rows.append((name, *cells))
    console.write(f"{result['what']}\n")
    console.write_table(
        ("agent", *numbers),
        rows,
        right=tuple(numbers),
        gives_way=("GPU MB", "acting/s", "parameters", "learning %", "memory MB"),
    )
