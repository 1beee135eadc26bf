"""Training as a run does it, with the simulators that work here."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.gpu_check.measurement import Given, config_of
from benchmarks.gpu_check.stepping import STEPS
from newt_core.bench.inputs import synchronise

SLOW = ("maniskill", "robodesk", "atari")
"""Domains that take long to build, and are left out."""


def training(given: Given) -> dict[str, Any]:
    """Time rounds of acting, simulating and learning in as many tasks as can be built."""
    # Simulators, PyYAML and the rest are needed here alone.
    from newt_core.envs.availability import sort_out
    from newt_core.envs.session import open_session
    from newt_core.errors import NewtError
    from newt_core.specs import load_specs
    from newt_core.training.config import resolve_config
    from newt_core.workflows.trial_loop import trial_loop

    library = load_specs(())
    chosen, left_out = [], {}
    by_domain: dict[str, list[Any]] = {}
    wanted = "pendulum-swingup,pygame-cowboy" if given.quick else "all"
    for spec in library.select(wanted):
        by_domain.setdefault(spec.domain, []).append(spec)
    for domain, specs in by_domain.items():
        if domain in SLOW:
            left_out[domain] = "takes long to build"
            continue
        there = sort_out(specs)
        for reason in there.left_out:
            left_out[domain] = reason
        if not there.available:
            continue
        try:
            open_session(there.available[0]).simulator.close()
        except NewtError as error:
            left_out[domain] = str(error).splitlines()[0]
            continue
        chosen += there.available
    if not chosen:
        return {"skipped": "no simulator works here", "left_out": left_out}
    precision = "float32" if given.quick else "bfloat16"
    names = {k: v for k, v in config_of(precision).items() if k == "precision"}
    sets = [f"{part}.{k}={v}" for part in ("planner", "update") for k, v in names.items()]
    if given.quick:
        sets += [
            f"planner.{k}={v}"
            for k, v in given.planner.model_dump().items()
            if k in ("num_samples", "policy_trajectories", "num_elites", "iterations")
        ]
        sets += [f"update.batch_size={given.batch}"]
    config = resolve_config(
        "paper", None, sets, tasks=",".join(spec.id for spec in chosen),
        device=str(given.device), size=given.size, text_encoder="hashed",
    )  # fmt: skip
    begun = time.perf_counter()
    with trial_loop(config, chosen) as trial:
        built = time.perf_counter() - begun
        for _ in range(1 if given.quick else 8):
            trial.act()
            trial.learn()
        rounds, spent = 0, {"acting": 0.0, "learning": 0.0}
        start = time.perf_counter()
        while rounds < (1 if given.quick else 100) and time.perf_counter() - start < 20:
            for stage, work in (("acting", trial.act), ("learning", trial.learn)):
                before = time.perf_counter()
                work()
                spent[stage] += time.perf_counter() - before
            rounds += 1
        synchronise(given.device)
        took = time.perf_counter() - start
    per_s = rounds * len(chosen) / took
    return {
        "tasks": len(chosen),
        "precision": precision,
        "domains": {d: sum(s.domain == d for s in chosen) for d in by_domain},
        "left_out": left_out,
        "build_s": built,
        "rounds": rounds,
        "seconds": took / rounds,
        "host_seconds": {stage: each / rounds for stage, each in spent.items()},
        "env_steps_per_s": per_s,
        "hours_for_100M": STEPS / per_s / 3600,
    }


def pictures(given: Given) -> dict[str, Any]:
    """Time DINOv2 with random weights: which ones they are makes no difference to its speed."""
    import numpy as np
    import torch

    from newt_core.encoders.image.base import FrozenNetwork
    from newt_core.encoders.image.dino import MEAN, STD, ClassToken, vit
    from newt_core.errors import MissingDependencyError
    from newt_core.types import FRAME_SIZE

    try:
        network = vit()
    except MissingDependencyError as error:
        return {"skipped": str(error)}
    network = network.to_empty(device=given.device)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.02)
    encoder = FrozenNetwork("random", ClassToken(network), MEAN, STD, given.device)
    count = 1 if given.quick else 200 if given.device.type == "cuda" else 4
    frames = np.random.default_rng(0).integers(
        0, 256, (count, FRAME_SIZE, FRAME_SIZE, 3), dtype=np.uint8
    )
    encoder.encode(frames)
    start, rounds = time.perf_counter(), 0
    while rounds < (1 if given.quick else 20):
        encoder.encode(frames)
        rounds += 1
    took = time.perf_counter() - start
    return {"frames_at_once": count, "frames_per_s": rounds * count / took,
            "weights": "random"}  # fmt: skip
