"""What must arrive of the options of the commands about tasks and downloads."""

from __future__ import annotations

from pathlib import Path

from tests.cli.option_row import Command, Row, Seen, calls, exit_code, file_there, json_row


def listed(seen: Seen) -> list[str]:
    """What the document that was printed is about, by name."""
    return [item.get("id") or item["name"] for item in seen.answer.json]


def splits(seen: Seen) -> set[str]:
    """The splits of the tasks in the document that was printed."""
    return {item["split"] for item in seen.answer.json}


def has_expert(seen: Seen) -> bool:
    """Whether the document says who plays."""
    return "expert" in seen.answer.json[0]


def checked(seen: Seen) -> list[str]:
    """The tasks that were checked."""
    return [arguments["spec"].id for name, arguments in seen.core.calls if name == "check_task"]


def embedded(seen: Seen) -> list[str]:
    """The tasks that were embedded."""
    return list(seen.answer.json["nearest"])


def neighbours_named(seen: Seen) -> int:
    """How many neighbours the first task has."""
    return len(next(iter(seen.answer.json["nearest"].values())))


SHOW = "newt tasks show walker-run --json"
CHECK = "newt tasks check walker-run"
FIVE = "walker-run,walker-walk,walker-stand,finger-spin,finger-turn-easy"
NEAR = f"newt tasks embed {FIVE} --json"
FROM_FILE = "newt tasks embed walker-run --encoder file"

OF_TASKS: dict[str, Command] = {
    "newt tasks list": Command("newt tasks list walker-run --json", (
        Row("selector", "newt tasks list walker-walk --json", listed, ["walker-walk"],
            ["walker-run"]),
        Row("--split", "--split transfer", splits, {"transfer"}, {"train", "transfer"},
            line="newt tasks list --json"),
        Row("--experts", "--experts", has_expert, True, False),
        Row("--specs", "newt tasks list short-balance --specs specs --json", listed,
            ["short-balance"], ["walker-run"]),
        json_row("newt tasks list walker-run"),
    )),
    "newt tasks show": Command(SHOW, (
        Row("task", "newt tasks show walker-walk --json", "json id", "walker-walk", "walker-run"),
        Row("--render", "--render a.png", file_there("a.png"), True, False),
        Row("--render", "--render a.png", calls("picture"), 1, 0),
        Row("--specs", "newt tasks show short-balance --specs specs --json", "json id",
            "short-balance", "walker-run"),
        json_row("newt tasks show walker-run"),
    )),
    "newt tasks check": Command(CHECK, (
        Row("selector", "newt tasks check walker-walk,walker-stand", checked,
            ["walker-walk", "walker-stand"], ["walker-run"]),
        Row("--episodes", "--episodes 3", "check_task episodes", 3, 1),
        Row("--specs", "newt tasks check short-balance --specs specs", checked,
            ["short-balance"], ["walker-run"]),
        json_row(),
    )),
    "newt tasks embed": Command(NEAR, (
        Row("selector", "newt tasks embed 'finger-*' --json", embedded,
            ["finger-spin", "finger-turn-easy", "finger-turn-hard"],
            FIVE.split(",")),
        Row("--encoder", "--encoder zero", "json encoder", "zero", "hashed-v1"),
        Row("--text-encoder", "--text-encoder zero", "json encoder", "zero", "hashed-v1"),
        Row("--weights", "--weights table.npz", exit_code, 0, 2, line=FROM_FILE),
        Row("--text-weights", "--text-weights table.npz", exit_code, 0, 2, line=FROM_FILE),
        Row("--out", "--out texts.npz", file_there("texts.npz"), True, False),
        Row("--plot", "--plot texts.png", "draw_embeddings path", Path("texts.png"),
            Path("other.png"), line=f"{NEAR} --plot other.png"),
        Row("--plot", "--plot texts.png", calls("draw_embeddings"), 1, 0),
        Row("--neighbours", "--neighbours 1", neighbours_named, 1, 3),
        Row("--specs", "newt tasks embed short-balance --specs specs --json", embedded,
            ["short-balance"], FIVE.split(",")),
        json_row("newt tasks embed walker-run"),
    ), replaced=("draw_embeddings",)),
}  # fmt: skip


def folder(seen: Seen) -> str:
    """The folder of all assets, as seen from the one that the command runs in."""
    return Path(seen.answer.json[0]["path"]).relative_to(Path.cwd()).parts[0]


def fetched(seen: Seen) -> list[str]:
    """What was downloaded."""
    return [arguments["name"] for name, arguments in seen.core.calls if name.startswith("download")]


def download_root(seen: Seen) -> str | None:
    """The folder into which assets were downloaded; None for where they usually are."""
    root = seen.core.arguments("download_asset")["root"]
    return None if root is None else str(root.relative_to(Path.cwd()))


def assets(command: str) -> tuple[Row, ...]:
    """The rows that the commands about assets share."""
    line = f"newt assets {command}"
    return (
        Row("names", f"{line} xarm6 --json", listed, ["xarm6"], ASSETS, line=f"{line} --json"),
        Row("--folder", "--folder other", folder, "other", "assets", line=f"{line} --json"),
        json_row(),
    )


def weights(command: str) -> tuple[Row, ...]:
    """The rows that the commands about weights share."""
    line = f"newt weights {command}"
    return (
        Row("names", f"{line} dinov2-vit-b-14 --json", listed, ["dinov2-vit-b-14"], WEIGHTS,
            line=f"{line} --json"),
        json_row(),
    )  # fmt: skip


ASSETS = ["ycb", "xarm6", "anymal_c"]
WEIGHTS = ["clip-vit-b-32", "dinov2-vit-b-14"]

OF_DOWNLOADS: dict[str, Command] = {
    "newt assets list": Command("newt assets list", assets("list")),
    "newt assets check": Command("newt assets check", assets("check"), code=1),
    "newt assets download": Command("newt assets download", (
        *assets("download"),
        Row("names", "newt assets download xarm6", fetched, ["xarm6"], ASSETS),
        Row("--folder", "--folder other", download_root, "other", None),
    ), replaced=("download_asset",)),
    "newt weights list": Command("newt weights list", (json_row(),)),
    "newt weights check": Command("newt weights check", weights("check"), code=1),
    "newt weights download": Command("newt weights download", (
        *weights("download"),
        Row("names", "newt weights download dinov2-vit-b-14", fetched, ["dinov2-vit-b-14"],
            WEIGHTS),
    ), replaced=("download_weights",)),
}  # fmt: skip

DATA = OF_TASKS | OF_DOWNLOADS
