"""``newt render``: pictures and videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import count_display, counted, task_display
from newt_cli.failures import interruptible
from newt_cli.numbers import number_option, real_option
from newt_cli.optional_value import VideoCommand
from newt_core.settings import limits

app = command_app()


OF_VIDEOS = {
    "episodes": "--episodes",
    "policy_only": "--policy-only",
    "fps": "--fps",
    "grid": "--grid",
    "open_loop": "--open-loop",
    "bare": "--bare",
    "device": "--device",
    "image_weights": "--image-weights",
    "runs_dir": "--runs-dir",
}
"""Parameter → option of those that a gallery has no use for."""


@app.command(cls=VideoCommand)
def render(
    ctx: typer.Context,
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="CKPT",
            help="A checkpoint, or a run, for its best checkpoint; by default the newest run.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE]",
            help="Record a video to this MP4 or GIF; without FILE, one MP4 per task in the "
            "folder videos of the run.",
        ),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw one frame of each task to this PNG or JPEG."),
    ] = None,
    tasks: options.MaybeTasks = None,
    episodes: Annotated[
        int, number_option(1, limits.EPISODES, "Episodes of each task in a video.")
    ] = 1,
    policy_only: Annotated[
        bool, typer.Option("--policy-only", help="Act with the policy alone, without planning.")
    ] = False,
    fps: Annotated[
        float | None,
        real_option(
            1, 1_000, "Agent steps per second of the video; by default it plays in real time."
        ),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Show all tasks in one video, beside each other.")
    ] = False,
    open_loop: Annotated[
        int | None,
        number_option(
            1,
            limits.HORIZON,
            "Show beside it the same episodes acted open loop: so many steps are planned at once "
            "and executed without looking.",
        ),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option(
            "--bare", help="Leave out the texts below a video: task, step, reward, value, return."
        ),
    ] = False,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the episodes shown.")] = 0,
    device: options.Device = "auto",
    image_weights: options.ImageWeights = None,
    specs: options.Specs = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Record videos of an agent, or draw tasks.

    \b
    newt render --video
    newt render last.pt --task walker-run --video walk.mp4
    newt render last.pt --task walker-run --video walk.gif --policy-only --fps 20
    newt render last.pt --grid --tasks 'walker-*' --video walkers.mp4
    newt render last.pt --task walker-run --open-loop 48 --video both.mp4
    newt render --gallery tasks.png
    newt render --gallery walkers.png --tasks 'walker-*'

    Without --tasks, videos show the tasks that the checkpoint was trained on. Put --video after
    the checkpoint. Tasks that cannot be drawn here are left out.
    """
    if (video is None) == (gallery is None):
        raise typer.BadParameter(
            "say what to draw: --video, or --gallery FILE; --grid goes with --video"
        )
    if policy_only and open_loop is not None:
        raise typer.BadParameter("--policy-only does not plan: leave --open-loop out")
    if gallery is not None:
        if checkpoint is not None:
            raise typer.BadParameter(f"a gallery shows tasks, no agent: leave '{checkpoint}' out")
        _refuse_what_is_for_videos(ctx)
        _draw_gallery(gallery, "*" if tasks is None else tasks, seed, specs, as_json)
        return
    from newt_core.envs.availability import runnable
    from newt_core.specs import load_specs
    from newt_core.workflows import film
    from newt_core.workflows.find_checkpoint import specs_for

    if tasks is not None:
        library = load_specs(specs_for(checkpoint, specs, runs_dir))
        tasks = runnable(library, tasks, strict=False, notice=console.notice)
    with console.quiet_stdout(), task_display("frames") as on_progress:
        filmed = film.film_checkpoint(
            film.FilmRequest(
                checkpoint,
                tasks,
                Path(video) if video else None,
                episodes=episodes,
                policy_only=policy_only,
                seed=seed,
                fps=fps,
                grid=grid,
                open_loop=open_loop,
                bare=bare,
                device=device,
                specs=specs or (),
                image_weights=image_weights,
                runs=runs_dir,
            ),
            on_progress=on_progress,
        )
    for task, reason in filmed.left_out.items():
        console.notice(f"left out {task}: {reason}")
    if as_json:
        made: list[dict[str, Any]] = [
            {"path": str(one.path), "frames": one.frames, "fps": one.fps} for one in filmed.videos
        ]
        console.write_json(made[0] if len(made) == 1 else made)
        return
    for one in filmed.videos:
        console.write(f"{one.path}: {one.frames:,} frames at {one.fps:g} per second")


def _refuse_what_is_for_videos(ctx: typer.Context) -> None:
    given = [
        option
        for name, option in OF_VIDEOS.items()
        if (source := ctx.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    ]
    if given:
        raise typer.BadParameter(
            f"a gallery shows one frame of each task, and no agent: leave {', '.join(given)} out"
        )


def _draw_gallery(
    gallery: Path, tasks: str, seed: int, specs: list[Path] | None, as_json: bool
) -> None:
    from newt_core.envs import gallery as pictures
    from newt_core.errors import MissingDependencyError
    from newt_core.specs import load_specs

    pictures.require_picture_name(gallery)
    drawn = {}
    skipped: dict[str, str] = {}
    chosen = load_specs(specs or ()).select(tasks)
    with console.quiet_stdout(), count_display("tasks") as on_progress:
        for number, spec in enumerate(chosen):
            on_progress(number, len(chosen))
            try:
                with interruptible():
                    drawn[spec.id] = pictures.picture(spec, seed=seed)
            except MissingDependencyError as error:
                skipped[spec.id] = str(error)
                console.notice(f"left out {spec.id}: {error}")
    if not drawn:
        raise MissingDependencyError(next(iter(skipped.values())))
    pictures.save_picture(gallery, pictures.contact_sheet(drawn))
    if as_json:
        console.write_json({"path": str(gallery), "tasks": list(drawn), "skipped": skipped})
    else:
        console.notice(f"wrote {gallery}: {counted(len(drawn), 'task')}")
