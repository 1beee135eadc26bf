"""What must arrive of the options of the commands that learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.resume import run_settings
from tests.cli.option_row import Command, Look, Row, Seen, calls, exit_code, json_row, knows

DEFAULT, SMOKE = RunConfig(), resolve_config("smoke")

TRAIN = "newt train --tasks walker-run"
SHORT = "newt train --tasks short-balance --specs specs"
FILE = "--text-encoder file --text-weights table.npz"


def run_name(function: str) -> Callable[[Seen], str]:
    """The name of the run that a function got; of one that is named by itself, a word for that."""

    def look(seen: Seen) -> str:
        name = str(seen.core.arguments(function)["folder"].name)
        return "date and tasks" if re.match(r"\d{4}-\d\d-\d\d_", name) else name

    return look


def each_run(seen: Seen) -> list[str] | None:
    """The tasks that got a run of their own; None where all got one together."""
    if not calls("train_each")(seen):
        return None
    runs = seen.core.arguments("train_each")["runs"]
    return [run_settings(runs.run(member)).tasks for member in runs.members]


TRAIN_ROWS = (
    Row("--tasks", "newt train --tasks walker-walk", "train config.tasks", "walker-walk",
        "walker-run"),
    Row("--task", "newt train --task walker-walk", "train config.tasks", "walker-walk",
        "walker-run"),
    Row("--demos", "--demos more", "train config.demos.folder", Path("more"), None,
        line=SHORT),
    Row("--steps", "--steps 700", "train config.steps", 700, DEFAULT.steps),
    Row("--agent", "--agent other", exit_code, 2, 0, code=2),
    Row("--size", "--size 2M", "train config.model.size", "2M", DEFAULT.model.size),
    Row("--preset", "--preset smoke", "train config.steps", SMOKE.steps, DEFAULT.steps),
    Row("--preset", "--preset smoke", "train config.planner.num_samples",
        SMOKE.planner.num_samples, DEFAULT.planner.num_samples),
    Row("--config", "--config mine.yaml", "train config.planner.num_samples", 300,
        DEFAULT.planner.num_samples),
    Row("--set", "--set planner.horizon=2 --set seed=5", "train config.planner.horizon", 2,
        DEFAULT.planner.horizon),
    Row("--set", "--set planner.horizon=2 --set seed=5", "train config.seed", 5, DEFAULT.seed),
    Row("--seed", "--seed 3", "train config.seed", 3, DEFAULT.seed),
    Row("--device", "--device cpu", "train config.device", "cpu", "auto"),
    Row("--run", "--run mine", run_name("train"), "mine", "date and tasks"),
    Row("--run", "newt train --run a --resume", "train folder.path", Path("runs/a"),
        Path("runs/z"), line="newt train --tasks walker-run --run z"),
    Row("--resume", "newt train --resume", "train resume", True, False),
    Row("--resume", "newt train --resume --steps 2000", "train config.steps", 2000,
        DEFAULT.steps),
    Row("--resume", "newt train --resume --set evaluation.every=7",
        "train config.evaluation.every", 7, DEFAULT.evaluation.every),
    Row("--specs", "newt train --tasks short-balance --specs specs", knows("train", "library"),
        True, False),
    Row("--strict", "--strict", exit_code, 2, 0, line=f"{TRAIN},ms-*", code=2),
    Row("--obs", "--obs rgb --image-encoder tiny", "train config.model.obs", "rgb", "state"),
    Row("--text-encoder", "--text-encoder zero", "train config.text.encoder", "zero", "hashed"),
    Row("--text-weights", FILE, "train config.text.weights", Path("table.npz"), None),
    Row("--instruction", "--instruction 'Run ahead.'", "train config.text.instruction",
        "Run ahead.", None),
    Row("--embodiment", "--embodiment 'Two legs.'", "train config.text.embodiment",
        "Two legs.", None),
    Row("--image-encoder", "--image-encoder tiny", "train config.images.encoder", "tiny", "dinov2"),
    Row("--image-weights", "--image-weights dino.pt", "train config.images.weights",
        Path("dino.pt"), None),
    Row("--pretrained", "--pretrained made.pt", "train config.pretrained", Path("made.pt"), None),
    Row("--envs-per-task", "--envs-per-task 3", "train config.envs_per_task", 3,
        DEFAULT.envs_per_task),
    Row("--save-replay", "--save-replay", "train config.replay.save", True, False,
        line=f"{TRAIN} --set replay.save=false"),
    Row("--no-save-replay", "--no-save-replay", "train config.replay.save", False, True,
        line=f"{TRAIN} --set replay.save=true"),
    Row("--ray", "--ray 10.0.0.1:6379", "train config.ray", "10.0.0.1:6379", ""),
    Row("--gpus", "--gpus 1", exit_code, 2, 0, code=2),
    Row("--ranks", "--ranks 2", "launch asked.processes", 2, 1,
        line="newt train --tasks walker-run --envs-per-task 2 --ranks 1"),
    Row("--max-restarts", "--max-restarts 3", "launch asked.max_restarts", 3, 0,
        line="newt train --tasks walker-run --envs-per-task 2 --ranks 1"),
    Row("--rank-timeout", "--rank-timeout 60", "launch asked.arguments.5", "60", "3600",
        line="newt train --tasks walker-run --envs-per-task 2 --ranks 1"),
    Row("--each", "newt train --each --tasks walker-run,walker-walk", each_run,
        ["walker-run", "walker-walk"], None, line="newt train --tasks walker-run,walker-walk"),
    Row("--jobs", "--jobs 3", "train_each jobs", 3, 1, line="newt train --each --task walker-run"),
    Row("--runs-dir", "--runs-dir elsewhere", "train folder.path.parent", Path("elsewhere"),
        Path("runs")),
    Row("--runs-dir", "newt train --resume --runs-dir elsewhere", "train folder.path",
        Path("elsewhere/b"), Path("runs/a"), line="newt train --resume"),
    json_row(),
)  # fmt: skip

PRETRAIN = "newt pretrain --tasks short-balance --specs specs"
SIGHT = "newt pretrain --tasks short-reach --specs specs --demos seen --image-encoder tiny"

PRETRAIN_ROWS = (
    Row("--tasks", "newt pretrain --tasks short-reach --specs specs --demos seen",
        "pretrain config.tasks", "short-reach", "short-balance"),
    Row("--task", "newt pretrain --task short-reach --specs specs --demos seen",
        "pretrain config.tasks", "short-reach", "short-balance"),
    Row("--demos", "--demos more", "pretrain config.demos.folder", Path("more"),
        Path("demos")),
    Row("--updates", "--updates 50", "pretrain config.pretrain.updates", 50,
        DEFAULT.pretrain.updates),
    Row("--agent", "--agent other", exit_code, 2, 0, code=2),
    Row("--size", "--size 2M", "pretrain config.model.size", "2M", DEFAULT.model.size),
    Row("--preset", "--preset smoke", "pretrain config.planner.num_samples",
        SMOKE.planner.num_samples, DEFAULT.planner.num_samples),
    Row("--config", "--config mine.yaml", "pretrain config.planner.num_samples", 300,
        DEFAULT.planner.num_samples),
    Row("--set", "--set pretrain.bc_coef=5", "pretrain config.pretrain.bc_coef", 5.0,
        DEFAULT.pretrain.bc_coef),
    Row("--seed", "--seed 3", "pretrain config.seed", 3, DEFAULT.seed),
    Row("--device", "--device cpu", "pretrain config.device", "cpu", "auto"),
    Row("--run", "--run mine", run_name("pretrain"), "mine", "date and tasks"),
    Row("--resume", "newt pretrain --run a --resume", "pretrain resume", True, False),
    Row("--resume", "newt pretrain --resume --updates 70", "pretrain config.pretrain.updates", 70,
        DEFAULT.pretrain.updates),
    Row("--specs", PRETRAIN, knows("pretrain", "library"), True, False,
        line="newt pretrain --run a --resume"),
    Row("--obs", "--obs rgb", "pretrain config.model.obs", "rgb", "state", line=SIGHT),
    Row("--text-encoder", "--text-encoder zero", "pretrain config.text.encoder", "zero",
        "hashed"),
    Row("--text-weights", FILE, "pretrain config.text.weights", Path("table.npz"), None),
    Row("--image-encoder", "--image-encoder tiny", "pretrain config.images.encoder", "tiny",
        "dinov2"),
    Row("--image-weights", "--image-weights dino.pt", "pretrain config.images.weights",
        Path("dino.pt"), None),
    Row("--gpus", "--gpus 1", exit_code, 2, 0, code=2),
    Row("--ranks", "--ranks 2", "launch asked.processes", 2, 1,
        line=f"{PRETRAIN} --ranks 1"),
    Row("--max-restarts", "--max-restarts 3", "launch asked.max_restarts", 3, 0,
        line=f"{PRETRAIN} --ranks 1"),
    Row("--rank-timeout", "--rank-timeout 60", "launch asked.arguments.5", "60", "3600",
        line=f"{PRETRAIN} --ranks 1"),
    Row("--runs-dir", "--runs-dir elsewhere", "pretrain folder.path.parent", Path("elsewhere"),
        Path("runs")),
    Row("--runs-dir", "newt pretrain --resume --runs-dir elsewhere", "pretrain folder.path",
        Path("elsewhere/b"), Path("runs/a"), line="newt pretrain --resume"),
    json_row(),
)  # fmt: skip

FINETUNE = "newt finetune made.pt --tasks walker-walk"
SETTING = "finetune finetuning.config."
SHORT_TUNED = "newt finetune made.pt --tasks short-balance --specs specs"
TABLED = "newt finetune filed.pt --tasks short-balance --specs specs --text-encoder file"


def finetuning_name(seen: Seen) -> str:
    """The name of the finetuning; of one that is named by itself, a word for that."""
    name = str(seen.core.arguments("finetune")["finetuning"].path.name)
    return "date and tasks" if re.match(r"\d{4}-\d\d-\d\d_", name) else name


FINETUNE_ROWS = (
    Row("checkpoint", "newt finetune filed.pt --tasks walker-walk --text-encoder file "
        "--text-weights table.npz", exit_code, 2, 0, line=FINETUNE, code=2),
    Row("--tasks", "newt finetune made.pt --tasks cheetah-run", f"{SETTING}tasks", "cheetah-run",
        "walker-walk"),
    Row("--task", "newt finetune made.pt --task cheetah-run", f"{SETTING}tasks", "cheetah-run",
        "walker-walk"),
    Row("--steps", "--steps 700", f"{SETTING}steps", 700, 100_000),
    Row("--seeds", "--seeds 2", "finetune finetuning.plan.seeds", [0, 1], [0, 1, 2, 3, 4]),
    Row("--scratch", "--scratch", "finetune finetuning.plan.scratch", True, False),
    Row("--demos", "--demos more", f"{SETTING}demos.folder", Path("more"), None,
        line=SHORT_TUNED),
    Row("--preset", "--preset smoke", f"{SETTING}planner.num_samples",
        SMOKE.planner.num_samples, DEFAULT.planner.num_samples),
    Row("--preset", "--preset smoke", f"{SETTING}steps", SMOKE.steps, 100_000),
    Row("--config", "--config mine.yaml", f"{SETTING}planner.num_samples", 300,
        DEFAULT.planner.num_samples),
    Row("--set", "--set planner.horizon=2", f"{SETTING}planner.horizon", 2,
        DEFAULT.planner.horizon),
    Row("--seed", "--seed 3 --seeds 2", "finetune finetuning.plan.seeds", [3, 4],
        [0, 1, 2, 3, 4]),
    Row("--device", "--device cpu", f"{SETTING}device", "cpu", "auto"),
    Row("--run", "--run mine", finetuning_name, "mine", "date and tasks"),
    Row("--resume", "newt finetune --resume", finetuning_name, "a-ft", "date and tasks"),
    Row("--resume", "newt finetune --run a-ft --resume --steps 2000", f"{SETTING}steps", 2000,
        1000, line="newt finetune --resume"),
    Row("--specs", SHORT_TUNED, knows("finetune", "library"), True, False),
    Row("--strict", "--strict", exit_code, 2, 0, line=f"{FINETUNE},ms-*", code=2),
    Row("--obs", "--obs both --image-encoder tiny", f"{SETTING}model.obs", "both", "state"),
    Row("--text-encoder", "--text-encoder zero", exit_code, 2, 0, code=2),
    Row("--text-weights", "--text-weights table.npz", exit_code, 0, 2, line=TABLED),
    Row("--instruction", "--instruction 'Run ahead.'", f"{SETTING}text.instruction",
        "Run ahead.", None),
    Row("--embodiment", "--embodiment 'Two legs.'", f"{SETTING}text.embodiment",
        "Two legs.", None),
    Row("--image-encoder", "--image-encoder tiny", f"{SETTING}images.encoder", "tiny", "dinov2"),
    Row("--image-weights", "--image-weights dino.pt", f"{SETTING}images.weights",
        Path("dino.pt"), None),
    Row("--envs-per-task", "--envs-per-task 3", f"{SETTING}envs_per_task", 3,
        DEFAULT.envs_per_task),
    Row("--save-replay", "--save-replay", f"{SETTING}replay.save", True, False,
        line=f"{FINETUNE} --set replay.save=false"),
    Row("--no-save-replay", "--no-save-replay", f"{SETTING}replay.save", False, True,
        line=f"{FINETUNE} --set replay.save=true"),
    Row("--runs-dir", "--runs-dir elsewhere", "finetune finetuning.path.parent",
        Path("elsewhere"), Path("runs")),
    Row("--runs-dir", "newt finetune --resume --runs-dir elsewhere", "finetune finetuning.path",
        Path("elsewhere/b-ft"), Path("runs/a-ft"), line="newt finetune --resume"),
    json_row(),
)  # fmt: skip

COLLECT = "newt collect-demos --tasks walker-run"
EXPERTS = "newt collect-demos --tasks walker-run --train-expert"


def collecting(option: str, typed: str, argument: str, value: object, default: object) -> Row:
    """A row of an argument of ``collect_demos``."""
    return Row(option, f"{option} {typed}".strip(), f"collect_demos {argument}", value, default)


def training(option: str, typed: str, look: Look, value: object, default: object) -> Row:
    """A row of what reaches the training of an expert."""
    return Row(option, f"{option} {typed}", look, value, default, line=EXPERTS)


COLLECT_ROWS = (
    Row("--tasks", "newt collect-demos --tasks walker-run,walker-walk",
        "collect_demos specs.*.id", ["walker-run", "walker-walk"], ["walker-run"]),
    Row("--task", "newt collect-demos --task walker-walk", "collect_demos specs.*.id",
        ["walker-walk"], ["walker-run"]),
    collecting("--expert", "runs/a", "expert", "runs/a", "auto"),
    collecting("--episodes", "7", "episodes", 7, None),
    collecting("--out", "others", "folder", Path("others"), Path("demos")),
    collecting("--noise", "0.3", "noise", 0.3, 0.0),
    collecting("--rgb", "", "rgb", True, False),
    Row("--train-expert", "--train-expert", calls("interact"), 1, 0),
    collecting("--append", "", "append", True, False),
    collecting("--seed", "5", "seed", 5, 0),
    collecting("--device", "cuda:1", "device", "cuda:1", "auto"),
    collecting("--runs-dir", "elsewhere", "runs", Path("elsewhere"), Path("runs")),
    Row("--specs", "newt collect-demos --task short-balance --specs specs",
        knows("collect_demos", "library"), True, False),
    training("--seed", "5", "interact config.seed", 5, 0),
    training("--device", "cpu", "interact config.device", "cpu", "auto"),
    training("--device", "cpu", "forecast config.device", "cpu", "auto"),
    training("--device", "cpu", "without_expert device", "cpu", "auto"),
    training("--runs-dir", "elsewhere", "interact folder.path.parent", Path("elsewhere"),
             Path("runs")),
    training("--runs-dir", "elsewhere", "without_expert runs", Path("elsewhere"), Path("runs")),
    training("--specs", "specs", knows("interact", "library"), True, False),
    training("--specs", "specs", knows("without_expert", "library"), True, False),
    json_row(),
)  # fmt: skip

PLAN = "newt plan --tasks walker-run"


def planning(option: str, typed: str, look: str, value: object, default: object) -> Row:
    """A row about what the cost is worked out of."""
    return Row(option, f"{option} {typed}", f"cost {look}", value, default)


def kept_profile(seen: Seen) -> bool:
    """Whether the machine's speed was kept."""
    return Path("kept.json").is_file()


PLAN_ROWS = (
    Row("--tasks", "newt plan --tasks walker-walk", "cost specs.*.id", ["walker-walk"],
        ["walker-run"]),
    Row("--task", "newt plan --task walker-walk", "cost specs.*.id", ["walker-walk"],
        ["walker-run"]),
    planning("--steps", "50M", "config.steps", 50_000_000, DEFAULT.steps),
    planning("--gpus", "2 --profile speed.json", "gpus", 2, 1),
    planning("--price", "2.5", "per_hour", 2.5, None),
    planning("--watts", "700", "watts", 700.0, None),
    Row("--profile", "--profile speed.json", calls("measure_profile"), 0, 1),
    Row("--save-profile", "--save-profile kept.json", kept_profile, True, False),
    Row("--each", "--each", calls("cost_of_each"), 1, 0),
    planning("--agent", "tdmpc2", "config.agent.kind", "tdmpc2", "newt"),
    planning("--demos", "more", "config.demos.folder", Path("more"), None),
    planning("--size", "5M", "config.model.size", "5M", DEFAULT.model.size),
    planning("--preset", "smoke", "config.planner.num_samples", SMOKE.planner.num_samples,
             DEFAULT.planner.num_samples),
    planning("--config", "mine.yaml", "config.planner.num_samples", 300,
             DEFAULT.planner.num_samples),
    planning("--set", "planner.horizon=2", "config.planner.horizon", 2, DEFAULT.planner.horizon),
    planning("--device", "cpu", "config.device", "cpu", "auto"),
    planning("--obs", "rgb", "config.model.obs", "rgb", "state"),
    planning("--envs-per-task", "3", "config.envs_per_task", 3, 1),
    Row("--specs", "newt plan --tasks short-balance --specs specs", "cost specs.*.id",
        ["short-balance"], ["walker-run"]),
    json_row(),
)  # fmt: skip

LEARNING = {
    "newt plan": Command(PLAN, PLAN_ROWS, replaced=("cost", "cost_of_each")),
    "newt train": Command(TRAIN, TRAIN_ROWS),
    "newt pretrain": Command(PRETRAIN, PRETRAIN_ROWS),
    "newt finetune": Command(FINETUNE, FINETUNE_ROWS),
    "newt collect-demos": Command(COLLECT, COLLECT_ROWS, replaced=("without_expert",)),
}
