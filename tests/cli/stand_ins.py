"""What stands in for the work behind the commands, with the signatures of the real functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.demos.collect import Collection
from newt_core.doctor.check import Check
from newt_core.envs.play.table import Played
from newt_core.evaluation import GroupSummary, Summary, TaskSummary
from newt_core.evaluation.imagination import Imagination
from newt_core.evaluation.open_loop import Fraction
from newt_core.evaluation.video import Video
from newt_core.files import write_json
from newt_core.reporting.finetune_scores import finetune_scores
from newt_core.specs import load_specs
from newt_core.workflows.ablate import Ablated
from newt_core.workflows.collect_demos import Collected, CollectionRequest
from newt_core.workflows.context import RunContext
from newt_core.workflows.cost import Cost, Prices
from newt_core.workflows.evaluate import EvaluationRequest
from newt_core.workflows.film import Filmed, FilmRequest
from newt_core.workflows.finetune import Finetuned
from newt_core.workflows.finetune_settings import FinetuneContext
from newt_core.workflows.forecast import Forecast
from newt_core.workflows.hub import MODELS, HubFile
from newt_core.workflows.open_loop import OpenLoop, OpenLoopRequest, TaskOpenLoop
from newt_core.workflows.pretrain import Pretrained
from newt_core.workflows.profile import Profile
from newt_core.workflows.published_checkpoints import ImportRequest
from newt_core.workflows.run_many import Ended, ListContext
from newt_core.workflows.train import Trained
from newt_core.workflows.train_each import TrainedEach
from tests.fixtures.demonstrations import episode, write_demos
from tests.fixtures.stand_in import stand_in

RECORDS = (
    RunContext,
    EvaluationRequest,
    CollectionRequest,
    FilmRequest,
    FinetuneContext,
    ListContext,
    ImportRequest,
    Prices,
    OpenLoopRequest,
)
"""What bundles arguments."""

PROFILE = Profile(
    machine={"processor": "a processor", "cores": 8, "gpu": "a GPU"},
    device="cuda",
    cores=8,
    planning_flops_per_s=1e13,
    learning_flops_per_s=2e13,
    simulation_core_s=0.002,
    measured_on="1 environment, 2M",
)

PLACES = {
    "train": "newt_core.workflows.train:train",
    "interact": "newt_core.workflows.train_expert:interact",
    "finetune": "newt_core.workflows.finetune:finetune",
    "train_each": "newt_core.workflows.train_each:train_each",
    "ablate": "newt_core.workflows.ablate:ablate",
    "finetuned agent": "newt_core.workflows.finetune_settings:load_agent",
    "pretrain": "newt_core.workflows.pretrain:pretrain",
    "launch": "newt_core.workflows.launch:launch",
    "evaluate_checkpoint": "newt_core.workflows.evaluate:evaluate_checkpoint",
    "open_agent": "newt_core.workflows.evaluate:open_agent",
    "evaluate_random": "newt_core.workflows.evaluate:evaluate_random",
    "evaluate_experts": "newt_core.workflows.evaluate:evaluate_experts",
    "collect_demos": "newt_core.workflows.collect_demos:collect_demos",
    "without_expert": "newt_core.workflows.collect_demos:without_expert",
    "forecast": "newt_core.workflows.forecast:forecast",
    "measure_profile": "newt_core.workflows.profile:measure_profile",
    "cost": "newt_core.workflows.cost:cost",
    "cost_of_each": "newt_core.workflows.cost_of_each:cost_of_each",
    "film_checkpoint": "newt_core.workflows.film:film_checkpoint",
    "compare_open_loop": "newt_core.workflows.open_loop:compare_open_loop",
    "play": "newt_core.envs.play.window:play",
    "check_task": "newt_core.envs.checks:check_task",
    "picture": "newt_core.envs.gallery:picture",
    "bench_plan": "newt_core.bench.plan:bench_plan",
    "bench_update": "newt_core.bench.update:bench_update",
    "bench_pool": "newt_core.bench.pool:bench_pool",
    "bench_train": "newt_core.bench.train:bench_train",
    "bench_agent": "newt_core.bench.agent:bench_agent",
    "choose_device": "newt_core.agents.newt.setup:choose_device",
    "count_parameters": "newt_core.model.count:count_parameters",
    "draw_embeddings": "newt_core.encoders.text.plot:draw_embeddings",
    "plot_demos": "newt_core.demos.plot:plot_demos",
    "export_minari": "newt_core.demos.convert:export_minari",
    "read_published": "newt_core.demos.convert:read_published",
    "write_published": "newt_core.demos.published:write_published",
    "write_report": "newt_core.reporting.page:write_report",
    "describe_checkpoint": "newt_core.workflows.describe_checkpoint:describe_checkpoint",
    "import_checkpoint": "newt_core.workflows.published_checkpoints:import_checkpoint",
    "export_checkpoint": "newt_core.workflows.published_checkpoints:export_checkpoint",
    "published_files": "newt_core.workflows.hub:published_files",
    "fetch": "newt_core.workflows.hub:fetch",
    "import_file": "newt_core.demos.convert:import_file",
    "watch": "newt_core.reporting.watch:Watch",
    "download_weights": "newt_core.encoders.weights:download",
    "examine": "newt_core.doctor.examine:examine",
    "mend": "newt_core.doctor.downloads:mend",
    "download_asset": "newt_core.envs.asset_download:download_asset",
}
"""What a stand-in is called here → where a command finds the real function."""

SLOW = (
    "train",
    "interact",
    "pretrain",
    "launch",
    "finetune",
    "ablate",
    "train_each",
    "finetuned agent",
    "open_agent",
    "evaluate_checkpoint",
    "evaluate_random",
    "evaluate_experts",
    "collect_demos",
    "forecast",
    "measure_profile",
    "film_checkpoint",
    "compare_open_loop",
    "play",
    "check_task",
    "picture",
    "bench_plan",
    "bench_update",
    "bench_pool",
    "bench_train",
    "bench_agent",
    "examine",
)
"""Those that the fixture ``core`` replaces; a test may ask for others."""

SUMMARY = Summary(
    tasks={
        "walker-walk": TaskSummary(10, 512.21, None, 0.51221, 0.0427),
        "walker-run": TaskSummary(1, 100.0, None, 0.1, None),
    },
    domains={"dmcontrol": GroupSummary(2, 0.306, None)},
    total=GroupSummary(2, 0.306, None),
    mode="planning",
)

COLLECTED = Collected(
    tasks=[Collection("walker-run", Path("demos/walker-run.h5"), 22, 20, 2, 700.5, None, 0.7)],
    left_out={},
    interrupted=False,
)

IMAGINATION = Imagination(
    reward=np.array([0.1, 0.4], np.float32),
    value=np.array([2.0, 8.0], np.float32),
    latent=np.array([0.01, 0.02], np.float32),
    reward_of_the_mean=0.5,
    mean_value=80.0,
    latent_standing_still=np.array([0.02, 0.0], np.float32),
    latent_of_the_mean=0.03,
)


def open_loop(*returns: float) -> TaskOpenLoop:
    """What is found in a task whose closed loop has these returns at the thirds."""
    parts = {
        f"t{n}": Fraction(16 * n, total, 0.5 * total, 0.5 if total > 0 else None, None)
        for n, total in enumerate(returns, 1)
    }
    return TaskOpenLoop(parts, 12.0, IMAGINATION, Path("runs/a/openloop/picture.png"))


OPEN_LOOP = OpenLoop(
    horizon=48,
    episodes=20,
    mode="open-loop planning, 48 steps",
    tasks={"walker-run": open_loop(5.0, 10.0, 20.0), "reacher-easy": open_loop(0.0, 0.0, 4.0)},
    folder=Path("runs/a/openloop"),
)

TIMING = {"median_s": 0.25, "runs": [0.25], "steps_per_s": 32.0}


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document that it has to be."""
        return json.loads(self.out)


Newt = Callable[[str], Answer]


def _nothing(**arguments: Any) -> None:
    """Do nothing."""


class FakeCore:
    """Stands in for functions of ``newt_core``, and remembers how they were called.

    A stand-in has the signature of the real function: called with an argument that this does not
    have, or without one that it needs, it raises TypeError.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Names and arguments, those that were left out with their defaults."""
        self.while_training: Callable[..., None] = _nothing
        """What happens inside the run; it gets the arguments of ``train`` or ``pretrain``."""
        self._patch = patch
        for name in SLOW:
            self.replace(name)
        # The defaults, whatever machine the tests run on.
        cuda = torch.device("cuda")
        patch.setattr("newt_core.workflows.settings.choose_device", lambda device: cuda)
        patch.setattr("newt_core.workflows.run_parts.require_cluster", lambda address: address)
        patch.setattr("newt_core.workflows.sizes._free_disk", lambda runs: 2**50)

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments of the newest call of a function, by the parameters' names."""
        for called, arguments in reversed(self.calls):
            if called == name:
                return arguments
        raise AssertionError(f"{name} was not called, but {[called for called, _ in self.calls]}")

    def replace(self, name: str, work: Callable[..., Any] | None = None) -> None:
        """Put a stand-in in the place of a function.

        Args:
            name: a key of :data:`PLACES`.
            work: what it does instead; it gets the arguments by name. By default what the method
                of this name does, or nothing.
        """
        does: Any = work or getattr(self, f"_{name.replace(' ', '_')}", _nothing)

        def told(arguments: dict[str, Any]) -> Any:
            for record in [value for value in arguments.values() if isinstance(value, RECORDS)]:
                # Its fields count as arguments.
                arguments |= {part.name: getattr(record, part.name) for part in fields(record)}
            self.calls.append((name, arguments))
            return does(**arguments)

        stand_in(self._patch, PLACES[name], told)

    def _train(self, config: Any, folder: Any, **others: Any) -> Trained:
        self.while_training(config=config, folder=folder, **others)
        return Trained(
            run=folder.path,
            checkpoint=folder.checkpoints / "last.pt",
            steps=config.steps,
            score=0.5,
            score_steps=config.steps,
            interrupted=others["should_stop"](),
        )

    _interact = _train

    def _pretrain(self, config: Any, folder: Any, **others: Any) -> Pretrained:
        self.while_training(config=config, folder=folder, **others)
        stopped = others["should_stop"]()
        scores = {"policy": 0.4, "planning": 0.3, "constrained planning": 0.5}
        return Pretrained(
            run=folder.path,
            checkpoint=folder.checkpoints / "last.pt",
            curves=folder.path / "losses.png",
            updates=config.pretrain.updates,
            scores={} if stopped else scores,
            scored_after=None if stopped else config.pretrain.updates,
            interrupted=stopped,
        )

    def _launch(self, asked: Any, environment: Any) -> bool:
        """Do as the first rank does at its end."""
        self.while_training(asked=asked)
        document = {"run": asked.arguments[2], "steps": 9}
        result = {"document": document, "lines": ["9 steps"], "remarks": [], "interrupted": False}
        write_json(Path(environment["NEWT_RESULT"]), result)
        return True

    def _finetune(self, finetuning: Any, **others: Any) -> Finetuned:
        self.while_training(finetuning=finetuning, **others)
        lengths = dict.fromkeys(finetuning.plan.members, finetuning.config.steps)
        return Finetuned(
            run=finetuning.path,
            checkpoint=finetuning.checkpoint,
            steps=finetuning.config.steps,
            scores=finetune_scores(finetuning, lengths, {}),
            interrupted=others["should_stop"](),
        )

    def _ablate(self, runs: Any, **others: Any) -> Ablated:
        self.while_training(runs=runs, **others)
        rows = {
            group: {
                "run": str(runs.path / f"{group}_seed-0"),
                "runs": [str(runs.run(m).path) for m in runs.members if m.group == group],
                "done": 1,
                "score": 0.5,
                "ci95": [0.25, 0.75],
                "difference": None if group == "reference" else -0.125,
                "difference_ci95": None,
            }
            for group in runs.groups
        }
        files = [runs.results.with_suffix(".md")]
        return Ablated(runs, rows, files, Ended(others["should_stop"](), {}))

    def _train_each(self, runs: Any, **others: Any) -> TrainedEach:
        self.while_training(runs=runs, **others)
        rows = [
            {
                "run": str(runs.run(member).path),
                "task": member.group,
                "done": True,
                "steps": 1000,
                "score": 0.5,
                "ci95": None,
            }
            for member in runs.members
        ]
        return TrainedEach(runs, rows, Ended(others["should_stop"](), {}))

    def _finetuned_agent(self, specs: Any, **others: Any) -> tuple[None, list[Any]]:
        return None, list(specs)

    def _evaluate_checkpoint(self, **arguments: Any) -> Summary:
        return SUMMARY

    _evaluate_random = _evaluate_experts = _evaluate_checkpoint

    def _collect_demos(self, **arguments: Any) -> Collected:
        return COLLECTED

    def _watch(self, **arguments: Any) -> Any:
        return SimpleNamespace(address="http://here/", serve=_nothing, close=_nothing)

    def _without_expert(self, specs: Any, **others: Any) -> list[Any]:
        return list(specs)

    def _forecast(self, config: Any, **others: Any) -> Forecast:
        return Forecast(config.steps, config.pretrain.updates, 3000.0, 500.0)

    def _measure_profile(self, **others: Any) -> Profile:
        return PROFILE

    def _cost(self, config: Any, **others: Any) -> Cost:
        seconds = {"simulation": 50.0, "planning": 3000.0, "total": 3050.0}
        sizes = {"model": 1e9, "replay": 0.0}
        return Cost(config.steps, 70, seconds, 0.0, 3.5, sizes, {"replay": 2e9}, 0.5, 1.25)

    def _cost_of_each(self, config: Any, specs: Any, speed: Any, **others: Any) -> Cost:
        speed(config, specs[:1])
        return self._cost(config)

    def _film_checkpoint(self, tasks: str | None, path: Path | None, **others: Any) -> Filmed:
        names = tasks.split(",") if tasks else ["walker-run", "walker-walk"]
        videos = [Video(path or Path(f"runs/a/videos/{name}.mp4"), 501, 50.0) for name in names]
        return Filmed(videos, {} if tasks else {"mw-reach": "needs a driver"})

    def _compare_open_loop(self, **arguments: Any) -> OpenLoop:
        return OPEN_LOOP

    def _play(self, **arguments: Any) -> list[Played]:
        return [Played(500, 500, 312.0, 0.624), Played(7, 500, 7.0, 0.014)]

    def _picture(self, **arguments: Any) -> Any:
        return np.full((224, 224, 3), 90, np.uint8)

    def _bench(self, what: str, **arguments: Any) -> dict[str, Any]:
        return {
            "what": what,
            "hardware": {"cores": 2},
            "variants": {"fast": TIMING, "reference": TIMING},
            "ratios": {"fast_over_reference": 1.0},
        }

    _bench_plan = partialmethod(_bench, "plan")
    _bench_update = partialmethod(_bench, "update")
    _bench_pool = partialmethod(_bench, "pool")
    _bench_train = partialmethod(_bench, "train")

    def _bench_agent(self, configs: Any, **others: Any) -> dict[str, Any]:
        speeds = ("steps_per_s", "acting_steps_per_s", "updates_per_s", "parameters", "memory_mb")
        found = {**dict.fromkeys(speeds, 1234567.8), "learning_share": 0.9, "gpu_memory_mb": None}
        return {**self._bench("agent"), "variants": dict.fromkeys(configs, found)}

    def _choose_device(self, name: str) -> torch.device:
        return torch.device("cpu" if name == "auto" else name)

    def _count_parameters(self, **arguments: Any) -> dict[str, int]:
        return {"encoder": 10, "dynamics": 20, "reward": 30, "policy": 40, "q": 50}

    def _read_published(self, spec: Any, **others: Any) -> list[Any]:
        return [episode(5, spec)]

    def _import_file(self, out: Path, spec: Any, **others: Any) -> None:
        write_demos(out.parent, 1, spec)

    def _describe_checkpoint(self, path: Path, **others: Any) -> dict[str, Any]:
        return {"path": str(path), "size": "2M", "tasks": ["walker-run"], "settings": {"seed": 0}}

    def _import_checkpoint(self, file: Path, out: Path | None, **others: Any) -> Path:
        return out or Path("checkpoints") / file.name

    def _published_files(self, source: Any, **others: Any) -> list[HubFile]:
        tasks = [spec.id for spec in load_specs().select("walker-run,walker-walk,miniarcade")]
        names = ["soup-S", "soup-L", *tasks] if source == MODELS else tasks
        return [HubFile(source, f"{name}.pt", 9_000_000) for name in names]

    def _fetch(self, file: HubFile, **others: Any) -> Path:
        return file.home

    def _examine(self) -> list[Check]:
        return [
            Check("python", True, "Python 3.11"),
            Check(
                "assets ycb",
                False,
                "not here",
                "newt assets download ycb",
                needed=False,
                item="ycb",
            ),
        ]

    def _mend(self, check: Check, **others: Any) -> str:
        return f"{check.item}: fetched"

    def _export_minari(self, spec: Any, folder: Path, **others: Any) -> Path:
        return folder / "newt" / f"{spec.id}-v1"

    def _download_weights(self, name: str, **others: Any) -> Path:
        Path(name).write_bytes(b"weights")
        return Path(name)

    def _download_asset(self, name: str, root: Path | None, **others: Any) -> Path:
        return (root or Path("assets")) / name
