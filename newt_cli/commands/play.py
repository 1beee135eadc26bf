"""``newt play``: a person plays a game of MiniArcade."""

from __future__ import annotations

from typing import Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.numbers import number_option
from newt_core.settings import limits

app = command_app()


@app.command()
def play(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task of MiniArcade.")],
    seed: Annotated[
        int | None, number_option(0, limits.SEED, "Seed of the episodes; random by default.")
    ] = None,
    fps: Annotated[int, number_option(1, 1_000, "Game steps per second.")] = 30,
    size: Annotated[int, number_option(112, 2240, "Width and height of the game in pixels.")] = 672,
    specs: options.Specs = None,
) -> None:
    """Play a game of MiniArcade in a window, with the keyboard.

    \b
    newt play pygame-cowboy
    newt play pygame-cartpole-swingup --fps 20

    Arrows or WASD move, space jumps or fires, shift halves a push, P pauses, R restarts, Q quits.
    """
    from newt_core.envs.play import window
    from newt_core.specs import load_specs

    spec = load_specs(specs or ())[task]
    with console.quiet_stdout():
        episodes = window.play(spec, seed=seed, fps=fps, size=size)
    for number, episode in enumerate(episodes, start=1):
        whole = episode.steps == episode.episode_length
        part = "" if whole else f" after {episode.steps} of {episode.episode_length} steps"
        console.write(
            f"episode {number}: score {episode.score:.2f}, "
            f"return {episode.episode_return:.1f}{part}"
        )
