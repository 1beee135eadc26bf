"""How fast plans are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu_check.measurement import Given, config_of, seconds_per_call
from newt_core.agents.newt.acting_model import DTYPES
from newt_core.agents.newt.plan_memory import bytes_per_env
from newt_core.agents.newt.work import plan_flops
from newt_core.bench.inputs import NUM_TASKS, random_model, reference
from newt_core.devices.precision import matrix_products
from newt_core.model.config import ModelConfig
from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner.captured import CapturedSearch
from newt_core.planner.chunks import OnGpu, plan_in_chunks
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, draw_plan_noise
from newt_core.types import ACTION_DIM, STATE_DIM


class Planning:
    """A model that plans from the same latents with the same noise.

    Args:
        model: Plans.
        config: How.
        envs: Environments E.
    """

    def __init__(self, model: WorldModel, config: PlannerConfig, envs: int) -> None:
        device = model.device
        self.model, self.config = model, config
        cpu = torch.Generator().manual_seed(0)
        drawn = draw_plan_noise(
            config,
            envs,
            ACTION_DIM,
            model.size.num_q,
            horizon=config.horizon,
            device=torch.device("cpu"),
            generator=cpu,
            cpu_generator=cpu,
        )
        # Drawn on the CPU: the same on every device.
        self.noise = PlanNoise(**{name: each.to(device) for name, each in vars(drawn).items()})
        self.task = torch.arange(envs, device=device) % NUM_TASKS
        self.mean = torch.zeros(config.horizon, envs, ACTION_DIM, device=device)
        obs = torch.randn(envs, STATE_DIM, generator=cpu).to(device)
        with torch.inference_mode(), matrix_products(device, tf32=False):
            self.z = model.encode(obs, self.task)
        self.split = SplitModel(model, DTYPES[config.precision])
        self.captured = CapturedSearch(self.split.bind) if config.graphs else None

    @torch.inference_mode()
    def plan(self) -> Plan:
        """Plan once."""
        with matrix_products(self.model.device, tf32=self.config.tf32):
            return plan_in_chunks(
                self.split.bind,
                self.task,
                self.split.arrange(self.z),
                self.mean,
                self.noise,
                self.config,
                on_gpu=OnGpu(captured=self.captured),
            )


def planning(
    size: str, precision: str, *, envs: int | None = None, graphs: bool, compiled: bool = False
) -> Callable[[Given], dict[str, Any]]:
    """Return what times plans of a model size in a number format."""

    def run(given: Given) -> dict[str, Any]:
        changes = {**config_of(precision), "graphs": graphs, "compile": compiled}
        config = given.planner.model_copy(update=changes)
        count = envs or given.envs
        made = Planning(random_model(size, given.device), config, count)
        timed = seconds_per_call(made.plan, given)
        flops = count * plan_flops(ModelConfig.model_validate({"size": size}), config)
        return {
            **timed,
            "envs": count,
            "plans_per_s": count / timed["seconds"],
            "share_of_matrix_rate": given.share(precision, flops, timed["seconds"]),
            "expected_bytes": count
            * bytes_per_env(made.model.size, ACTION_DIM, config, config.horizon, made.split.dtype),
            **graphs_made(made.captured.call if made.captured else None, given),
        }

    return run


def plain_planning(given: Given) -> dict[str, Any]:
    """Time the plain implementation: whole inputs, all Q heads, nothing shared."""
    made = Planning(random_model(given.size, given.device), given.planner, given.envs)
    plain = reference("planner").PlainPlanner(made.model, made.task)
    with matrix_products(given.device, tf32=True):
        timed = seconds_per_call(
            lambda: plain.plan(made.z, made.mean, made.noise, made.config), given, warm_up=1
        )
    return {**timed, "envs": given.envs, "plans_per_s": given.envs / timed["seconds"]}


def refreshing(given: Given) -> dict[str, Any]:
    """Time how the planner takes over the weights of a learner."""
    model = random_model(given.size, given.device)
    split = SplitModel(model, torch.bfloat16)
    return seconds_per_call(lambda: split.refresh(model, split.version + 1), given)


def graphs_made(call: Any, given: Given) -> dict[str, Any]:
    """Return how a static call went; captured is None where there are no CUDA graphs."""
    if call is None:
        return {}
    on_gpu = given.device.type == "cuda"
    captured = call.captures > 0 and call.beside == 0 if on_gpu else None
    return {"captured": captured, "captures": call.captures, "called_beside": call.beside}
