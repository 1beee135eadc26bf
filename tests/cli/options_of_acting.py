"""What must arrive of the options of the commands in which somebody acts, and of benchmarks."""

from __future__ import annotations

from pathlib import Path

from newt_core.training.config import resolve_config
from tests.cli.option_row import Command, Row, Seen, calls, exit_code, file_there, json_row, knows

CPU, SMOKE = resolve_config("cpu"), resolve_config("smoke")

EVAL = "newt eval last.pt"
RANDOM = "newt eval random --tasks walker-run"
EXPERT = "newt eval expert --tasks pygame-pong"
CHECKED = "evaluate_checkpoint"
FILE = "--text-encoder file --text-weights table.npz"

EVAL_ROWS = (
    Row("checkpoints", "newt eval other.pt", f"{CHECKED} checkpoint", Path("other.pt"),
        Path("last.pt")),
    Row("--runs-dir", "--runs-dir elsewhere", f"{CHECKED} runs", Path("elsewhere"), Path("runs")),
    Row("--tasks", "--tasks walker-walk", f"{CHECKED} tasks", "walker-walk", None),
    Row("--task", "--task walker-walk", f"{CHECKED} tasks", "walker-walk", None),
    Row("--episodes", "--episodes 3", f"{CHECKED} episodes", 3, 10),
    Row("--policy-only", "--policy-only", f"{CHECKED} how.policy_only", True, False),
    Row("--open-loop", "--open-loop 48", f"{CHECKED} how.open_loop", 48, None),
    Row("--prior-weight", "--prior-weight 0.25", f"{CHECKED} how.prior_weight", 0.25, None),
    Row("--random", "--random", calls("evaluate_random"), 1, 0),
    Row("--expert", "--expert", calls("evaluate_experts"), 1, 0),
    Row("--instruction", "--instruction Stroll.", f"{CHECKED} text.wording.instruction",
        "Stroll.", None),
    Row("--replace", "--replace cart=sled", f"{CHECKED} text.wording.replacements",
        (("cart", "sled"),), ()),
    Row("--embodiment", "--embodiment Legs.", f"{CHECKED} text.wording.embodiment", "Legs.", None),
    Row("--text-encoder", "--text-encoder clip", f"{CHECKED} text.encoder", "clip", None),
    Row("--text-weights", "--text-weights t.npz", f"{CHECKED} text.weights", Path("t.npz"), None),
    Row("--image-weights", "--image-weights d.pt", f"{CHECKED} image_weights", Path("d.pt"), None),
    Row("--seed", "--seed 4", f"{CHECKED} seeds", (4,), (0,)),
    Row("--seeds", "--seeds 3,7", f"{CHECKED} seeds", (3, 7), (0,)),
    Row("--envs", "--envs 2", f"{CHECKED} envs", 2, 5),
    Row("--out", "--out scores.json", file_there("scores.json"), True, False),
    Row("--device", "--device cpu", f"{CHECKED} device", "cpu", "auto"),
    Row("--specs", "--specs specs", knows(CHECKED, "library"), True, False),
    Row("--strict", "--strict", exit_code, 2, 0, line=f"{EVAL} --tasks walker-run,ms-*",
        code=2),
    json_row(),
    Row("checkpoints", RANDOM, calls("evaluate_random"), 1, 0),
    Row("checkpoints", EXPERT, calls("evaluate_experts"), 1, 0),
    Row("--tasks", "newt eval random --tasks walker-walk", "evaluate_random tasks", "walker-walk",
        "walker-run", line=RANDOM),
    Row("--episodes", "--episodes 3", "evaluate_random episodes", 3, 10, line=RANDOM),
    Row("--seed", "--seed 4", "evaluate_random seeds", (4,), (0,), line=RANDOM),
    Row("--envs", "--envs 2", "evaluate_random envs", 2, 1, line=RANDOM),
    Row("--specs", "--specs specs", knows("evaluate_random", "library"), True, False, line=RANDOM),
    Row("--strict", "--strict", exit_code, 2, 0, line=f"{RANDOM},ms-*", code=2),
    json_row(RANDOM),
    Row("--tasks", "newt eval expert --tasks walker-walk", "evaluate_experts tasks", "walker-walk",
        "pygame-pong", line=EXPERT),
    Row("--episodes", "--episodes 3", "evaluate_experts episodes", 3, 10, line=EXPERT),
    Row("--seeds", "--seeds 2", "evaluate_experts seeds", (0, 1), (0,), line=EXPERT),
    Row("--envs", "--envs 2", "evaluate_experts envs", 2, 1, line=EXPERT),
    Row("--specs", "--specs specs", knows("evaluate_experts", "library"), True, False,
        line=EXPERT),
    json_row(EXPERT),
)  # fmt: skip

COMPARED = "compare_open_loop"

OPEN_LOOP_ROWS = (
    Row("checkpoint", "newt openloop other.pt", f"{COMPARED} evaluation.checkpoint",
        Path("other.pt"), Path("last.pt")),
    Row("--tasks", "--tasks walker-walk", f"{COMPARED} evaluation.tasks", "walker-walk", None),
    Row("--task", "--task walker-walk", f"{COMPARED} evaluation.tasks", "walker-walk", None),
    Row("--horizon", "--horizon 24", f"{COMPARED} horizon", 24, 48),
    Row("--episodes", "--episodes 3", f"{COMPARED} evaluation.episodes", 3, 20),
    Row("--closed-steps", "--closed-steps 200", f"{COMPARED} closed_steps", 200, None),
    Row("--prior-weight", "--prior-weight 0.25", f"{COMPARED} evaluation.how.prior_weight", 0.25,
        None),
    Row("--seed", "--seed 4", f"{COMPARED} evaluation.seeds", (4,), (0,)),
    Row("--envs", "--envs 2", f"{COMPARED} evaluation.envs", 2, 5),
    Row("--text-weights", "--text-weights t.npz", f"{COMPARED} evaluation.text.weights",
        Path("t.npz"), None),
    Row("--image-weights", "--image-weights d.pt", f"{COMPARED} evaluation.image_weights",
        Path("d.pt"), None),
    Row("--device", "--device cpu", f"{COMPARED} evaluation.device", "cpu", "auto"),
    Row("--specs", "--specs specs", knows(COMPARED, "library"), True, False),
    Row("--strict", "--strict", exit_code, 2, 0,
        line="newt openloop last.pt --tasks walker-run,ms-*", code=2),
    Row("--runs-dir", "--runs-dir elsewhere", f"{COMPARED} runs", Path("elsewhere"), Path("runs")),
    Row("--out", "--out pictures", f"{COMPARED} out", Path("pictures"), None),
    json_row(),
)  # fmt: skip

RENDER = "newt render --video"
GALLERY = "newt render --gallery a.png --tasks walker-run"
FILM = "film_checkpoint"


def pictures(seen: Seen) -> list[str]:
    """The pictures that were written."""
    return sorted(path.name for path in Path().glob("*.png"))


def drawn(seen: Seen) -> list[str]:
    """The tasks that were drawn."""
    return [arguments["spec"].id for name, arguments in seen.core.calls if name == "picture"]


RENDER_ROWS = (
    Row("checkpoint", "newt render last.pt --video", f"{FILM} checkpoint", "last.pt", None),
    Row("--video", "newt render --video a.mp4 --task walker-run", f"{FILM} path", Path("a.mp4"),
        None),
    Row("--tasks", "--tasks walker-run", f"{FILM} tasks", "walker-run", None),
    Row("--task", "--task walker-run", f"{FILM} tasks", "walker-run", None),
    Row("--episodes", "--episodes 3", f"{FILM} episodes", 3, 1),
    Row("--policy-only", "--policy-only", f"{FILM} policy_only", True, False),
    Row("--fps", "--fps 20", f"{FILM} fps", 20.0, None),
    Row("--grid", "--grid", f"{FILM} grid", True, False),
    Row("--open-loop", "--open-loop 24", f"{FILM} open_loop", 24, None),
    Row("--bare", "--bare", f"{FILM} bare", True, False),
    Row("--seed", "--seed 4", f"{FILM} seed", 4, 0),
    Row("--device", "--device cpu", f"{FILM} device", "cpu", "auto"),
    Row("--image-weights", "--image-weights d.pt", f"{FILM} image_weights", Path("d.pt"), None),
    Row("--specs", "--specs specs", f"{FILM} specs", [Path("specs")], []),
    Row("--specs", "--specs specs --task short-balance", f"{FILM} tasks", "short-balance", None),
    Row("--runs-dir", "--runs-dir elsewhere", f"{FILM} runs", Path("elsewhere"), Path("runs")),
    json_row(),
    Row("--gallery", "newt render --gallery b.png --tasks walker-run", pictures, ["b.png"],
        ["a.png"], line=GALLERY),
    Row("--tasks", "newt render --gallery a.png --tasks walker-walk", drawn, ["walker-walk"],
        ["walker-run"], line=GALLERY),
    Row("--seed", "--seed 4", "picture seed", 4, 0, line=GALLERY),
    Row("--specs", "newt render --gallery a.png --tasks short-balance --specs specs", drawn,
        ["short-balance"], ["walker-run"], line=GALLERY),
    json_row(GALLERY),
)  # fmt: skip

PLAY_ROWS = (
    Row("task", "newt play pygame-pong", "play spec.id", "pygame-pong", "pygame-cowboy"),
    Row("--seed", "--seed 4", "play seed", 4, None),
    Row("--fps", "--fps 20", "play fps", 20, 30),
    Row("--size", "--size 448", "play size", 448, 672),
    Row("--specs", "newt play short-balance --specs specs", "play spec.id", "short-balance",
        "pygame-cowboy"),
)  # fmt: skip

INFO_ROWS = (
    Row("--size", "--size 5M", "count_parameters size", "5M", "20M"),
    Row("--obs", "--obs rgb", "count_parameters state", False, True),
    Row("--obs", "--obs both", "count_parameters feature_stack", 1, 0),
    Row("--frame-stack", "--frame-stack 3", "count_parameters feature_stack", 3, 1,
        line="newt info model --obs both"),
    json_row(),
    Row("--size", "--size 5M --json", "json size", "5M", "20M", line="newt info model --json"),
    Row("--obs", "--obs rgb --json", "json obs", "rgb", "state", line="newt info model --json"),
)  # fmt: skip

PLAN_ROWS = (
    Row("--size", "--size 5M,20M", "bench_plan sizes", ["5M", "20M"], ["2M", "5M"]),
    Row("--envs", "--envs 3", "bench_plan num_envs", 3, 8),
    Row("--repeats", "--repeats 4", "bench_plan repeats", 4, 10),
    Row("--device", "--device cuda:1", "bench_plan device", "cuda:1", "cpu"),
    json_row(),
)  # fmt: skip

UPDATE_ROWS = (
    Row("--size", "--size 5M,20M", "bench_update sizes", ["5M", "20M"], ["2M", "5M"]),
    Row("--batch-size", "--batch-size 64", "bench_update batch_size", 64, 256),
    Row("--repeats", "--repeats 4", "bench_update repeats", 4, 10),
    Row("--device", "--device cuda:1", "bench_update device", "cuda:1", "cpu"),
    json_row(),
)  # fmt: skip


def domains(seen: Seen) -> set[str]:
    """Where the pool's tasks come from."""
    return {spec.domain for spec in seen.core.arguments("bench_pool")["specs"]}


POOL = "newt bench pool --tasks walker-run"
POOL_ROWS = (
    Row("--tasks", "newt bench pool --tasks walker-walk", "bench_pool specs.*.id",
        ["walker-walk"], ["walker-run"]),
    Row("--task", "newt bench pool --task walker-walk", "bench_pool specs.*.id", ["walker-walk"],
        ["walker-run"]),
    Row("--tasks", "--tasks pygame-pong", domains, {"miniarcade"}, {"dmcontrol"},
        line="newt bench pool"),
    Row("--steps", "--steps 50", "bench_pool steps", 50, 500),
    Row("--repeats", "--repeats 4", "bench_pool repeats", 4, 5),
    Row("--variants", "--variants pool,gymnasium_sync", "bench_pool chosen",
        ["pool", "gymnasium_sync"], None),
    Row("--specs", "newt bench pool --tasks short-balance --specs specs",
        "bench_pool specs.*.id", ["short-balance"], ["walker-run"]),
    json_row(),
)  # fmt: skip

TWO = "pygame-reacher-easy,pygame-coconut-dodge"
BENCH_TRAIN_ROWS = (
    Row("--tasks", "--tasks walker-walk", "bench_train specs.*.id", ["walker-walk"],
        TWO.split(",")),
    Row("--task", "--task walker-walk", "bench_train config.tasks", "walker-walk", TWO),
    Row("--obs", "--obs state", "bench_train config.model.obs", "state", "both"),
    Row("--preset", "--preset smoke", "bench_train config.steps", SMOKE.steps, CPU.steps),
    Row("--set", "--set planner.horizon=2", "bench_train config.planner.horizon", 2,
        CPU.planner.horizon),
    Row("--steps", "--steps 50", "bench_train rounds", 50, 10),
    Row("--repeats", "--repeats 4", "bench_train repeats", 4, 5),
    Row("--overlap", "--overlap", "bench_train overlap", True, False),
    Row("--device", "--device cuda:1", "bench_train config.device", "cuda:1", "cpu"),
    Row("--specs", "newt bench train --tasks short-balance --specs specs",
        "bench_train specs.*.id", ["short-balance"], TWO.split(",")),
    json_row(),
)  # fmt: skip


ALL = ["newt", "tdmpc2", "bc", "ppo", "fasttd3", "brc"]


def measured(seen: Seen) -> list[str]:
    """The kinds of agents, in their order."""
    return list(seen.core.arguments("bench_agent")["configs"])


AGENT = "newt bench agent --agents ppo"
BENCH_AGENT_ROWS = (
    Row("--agents", "--agents ppo,brc", measured, ["ppo", "brc"], ALL, line="newt bench agent"),
    Row("--tasks", "--tasks walker-walk", "bench_agent specs.*.id", ["walker-walk"],
        ["cartpole-balance"]),
    Row("--task", "--task walker-walk", "bench_agent configs.ppo.tasks", "walker-walk",
        "cartpole-balance"),
    Row("--envs-per-task", "--envs-per-task 3", "bench_agent configs.ppo.envs_per_task", 3, 1),
    Row("--preset", "--preset smoke", "bench_agent configs.ppo.steps", SMOKE.steps, CPU.steps),
    Row("--set", "--set agent.options.width=8", "bench_agent configs.ppo.agent.options",
        {"width": 8}, {}),
    Row("--steps", "--steps 50", "bench_agent steps", 50, 100),
    Row("--repeats", "--repeats 4", "bench_agent repeats", 4, 3),
    Row("--device", "--device cuda:1", "bench_agent configs.ppo.device", "cuda:1", "cpu"),
    Row("--specs", f"{AGENT} --tasks short-balance --specs specs", "bench_agent specs.*.id",
        ["short-balance"], ["cartpole-balance"]),
    json_row(),
)  # fmt: skip


def version_only(seen: Seen) -> bool:
    """Whether the answer is the version, and not the help."""
    return len(seen.answer.out.splitlines()) == 1


ROOT_ROWS = (
    Row("--version", "newt --version", version_only, True, False),
    json_row("newt --version"),
)

ACTING = {
    "newt": Command("newt", ROOT_ROWS),
    "newt eval": Command(EVAL, EVAL_ROWS),
    "newt openloop": Command("newt openloop last.pt", OPEN_LOOP_ROWS),
    "newt render": Command(RENDER, RENDER_ROWS),
    "newt play": Command("newt play pygame-cowboy", PLAY_ROWS),
    "newt doctor": Command(
        "newt doctor",
        (
            Row("--fix", "--fix", calls("mend"), 1, 0),
            Row(
                "--fix",
                "--fix --json",
                "json fixed",
                ["ycb: fetched"],
                [],
                line="newt doctor --json",
            ),
            json_row(),
        ),
        replaced=("mend",),
    ),
    "newt info model": Command("newt info model", INFO_ROWS, replaced=("count_parameters",)),
    "newt info threads": Command("newt info threads", (json_row(),)),
    "newt bench plan": Command("newt bench plan", PLAN_ROWS, ("choose_device",)),
    "newt bench update": Command("newt bench update", UPDATE_ROWS, ("choose_device",)),
    "newt bench pool": Command(POOL, POOL_ROWS),
    "newt bench train": Command("newt bench train", BENCH_TRAIN_ROWS),
    "newt bench agent": Command(AGENT, BENCH_AGENT_ROWS),
}
