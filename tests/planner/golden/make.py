"""Writes plan.json beside it: plans worked out without PyTorch and without anything of Newt's.

Plain numbers, one environment and one sequence at a time, after the method's description
(TD-MPC2, section 3.2; Newt, table 6 and constrained planning). Both planners have to reproduce
the file, so that a mistake that is in both of them is noticed. It is not written anew when a
planner changes: only when the method does, with::

    python tests/planner/golden/make.py

The model is arithmetic, see ``prior``, ``step`` and ``head``. Its noise is rounded to three
digits and stands in the file, too.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("plan.json")
E, A, H, SAMPLES, PRIOR, ITERATIONS, ELITES = 2, 2, 3, 10, 3, 2, 4
LOW, HIGH, TEMPERATURE = 0.05, 2.0, 0.5
MASK = [[1.0, 1.0], [1.0, 0.0]]
DISCOUNT = [0.9, 0.5]
START = [[0.3, -0.2], [-0.4, 0.1]]
"""Latents."""
WARM = [[[0.1, 0.2], [-0.3, 0.0]], [[0.0, -0.1], [0.2, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
"""[H, E, A] initial mean."""
CASES = [(0.0, False), (0.25, True), (1.0, False)]
"""How strongly the plan is tied to the policy; whether it explores."""

Vector = list[float]


def prior(z: Vector, noise: Vector, mask: Vector) -> Vector:
    """The policy's action."""
    return [math.tanh(0.5 * x + 0.3 * n) * m for x, n, m in zip(z, noise, mask, strict=True)]


def step(z: Vector, action: Vector) -> tuple[float, Vector]:
    """Reward and next latent. There is no reward for a first entry between 0.7 and 0.9."""
    reward = z[0] * action[1] - z[1] - 2 * (action[0] - 0.4) ** 2
    if 0.7 < action[0] < 0.9:
        reward = math.nan
    return reward, [0.5 * z[0] + action[0], 0.5 * z[1] - action[1]]


def head(k: int, z: Vector, action: Vector) -> float:
    """Value of head k of three."""
    return (k + 1) * (z[0] - z[1]) + k * action[0]


def inside(x: float, low: float, high: float) -> float:
    """The nearest number to ``x`` from low to high."""
    return min(max(x, low), high)


def draw(*shape: int) -> Any:
    """Nested lists of standard normal numbers."""
    if not shape:
        return round(RANDOM.gauss(0, 1), 3)
    return [draw(*shape[1:]) for _ in range(shape[0])]


RANDOM = random.Random(902)
NOISE: dict[str, Any] = {
    "prior": draw(H, E, PRIOR, A),
    "samples": draw(ITERATIONS, H, E, SAMPLES - PRIOR, A),
    "final": draw(ITERATIONS, E, SAMPLES, A),
    "heads": [[2, 0], [1, 2]],
    "choice": [
        [round(-math.log(RANDOM.expovariate(1)), 3) for _ in range(ELITES)] for _ in range(E)
    ],
    "action": draw(E, A),
}


def follow(e: int, p: int) -> list[Vector]:
    """The policy's sequence p of environment e: [H, A]."""
    z, actions = START[e], []
    for t in range(H):
        actions.append(prior(z, NOISE["prior"][t][e][p], MASK[e]))
        _, z = step(z, actions[t])
    return actions


def value(e: int, i: int, n: int, actions: list[Vector]) -> float:
    """Discounted rewards and the mean of two heads at the end; 0 where there is none."""
    z, total = START[e], 0.0
    for t in range(H):
        reward, z = step(z, actions[t])
        total += DISCOUNT[e] ** t * reward
    last = prior(z, NOISE["final"][i][e][n], MASK[e])
    values = [head(k, z, last) for k in NOISE["heads"][i]]
    total += DISCOUNT[e] ** H * sum(values) / 2
    return 0.0 if math.isnan(total) else total


def plan(e: int, weight: float, explore: bool) -> dict[str, Any]:
    """Plan in environment e: actions, mean and std [H, A], value of the best sequence."""
    mean, std = [list(WARM[t][e]) for t in range(H)], [[HIGH] * A for _ in range(H)]
    policy = [follow(e, p) for p in range(PRIOR)]
    for t in range(H):
        for a in range(A):
            those = [sequence[t][a] for sequence in policy]
            centre = sum(those) / PRIOR
            spread = math.sqrt(sum((x - centre) ** 2 for x in those) / (PRIOR - 1))
            mean[t][a] = weight * centre + (1 - weight) * mean[t][a]
            std[t][a] = weight * inside(spread, LOW, HIGH) + (1 - weight) * std[t][a]
    for i in range(ITERATIONS):
        sequences = []
        for n in range(SAMPLES - PRIOR):
            noise = [NOISE["samples"][i][t][e][n] for t in range(H)]
            sequences.append(
                [
                    [
                        inside(mean[t][a] + std[t][a] * noise[t][a], -1, 1) * MASK[e][a]
                        for a in range(A)
                    ]
                    for t in range(H)
                ]
            )
        sequences += policy
        scored = [(value(e, i, n, sequence), sequence) for n, sequence in enumerate(sequences)]
        if len({v for v, _ in scored}) < SAMPLES:
            raise ValueError("two sequences are worth the same: which comes first is not defined")
        elites = sorted(scored, key=lambda one: -one[0])[:ELITES]
        best = elites[0][0]
        shares = [math.exp(TEMPERATURE * (v - best)) for v, _ in elites]
        shares = [share / sum(shares) for share in shares]
        for t in range(H):
            for a in range(A):
                those = [sequence[t][a] for _, sequence in elites]
                centre = sum(w * x for w, x in zip(shares, those, strict=True))
                variance = sum(w * (x - centre) ** 2 for w, x in zip(shares, those, strict=True))
                mean[t][a] = centre
                std[t][a] = inside(math.sqrt(variance), LOW, HIGH) * MASK[e][a]
    picked = [math.log(w) + g for w, g in zip(shares, NOISE["choice"][e], strict=True)]
    chosen = [list(action) for action in elites[picked.index(max(picked))][1]]
    if explore:
        for a in range(A):
            moved = chosen[0][a] + std[0][a] * NOISE["action"][e][a]
            chosen[0][a] = inside(moved, -1, 1) * MASK[e][a]
    return {"actions": chosen, "mean": mean, "std": std, "value": best}


def case(weight: float, explore: bool) -> dict[str, Any]:
    """Plans of all environments: actions, mean and std [H, E, A], value [E]."""
    plans = [plan(e, weight, explore) for e in range(E)]
    parts: dict[str, Any] = {
        name: [[one[name][t] for one in plans] for t in range(H)]
        for name in ("actions", "mean", "std")
    }
    values = [one["value"] for one in plans]
    return {"prior_weight": weight, "explore": explore, **parts, "value": values}


def main() -> None:
    """Write the file."""
    document = {
        "about": "Made once by make.py beside it, in plain Python: see there.",
        "config": {
            "horizon": H,
            "num_samples": SAMPLES,
            "policy_trajectories": PRIOR,
            "iterations": ITERATIONS,
            "num_elites": ELITES,
            "min_std": LOW,
            "max_std": HIGH,
            "temperature": TEMPERATURE,
        },
        "mask": MASK,
        "discount": DISCOUNT,
        "z": START,
        "mean": WARM,
        "noise": NOISE,
        "cases": [case(*each) for each in CASES],
    }
    lines = ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in document.items())
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
