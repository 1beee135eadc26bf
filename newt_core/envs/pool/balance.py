"""Which worker hosts which environment, on which machine, and which rank plays it.

A lock-step step takes as long as the slowest worker. Tasks differ in cost by a factor of a
hundred, so every environment is measured once, where it was first built, and then as few as
possible move until the workers' loads are about equal. Measuring after building costs a few
steps per environment; tables of costs would be wrong on the next machine.
"""

from __future__ import annotations

from collections.abc import Sequence

WORTHWHILE = 0.05
"""A move has to shorten the longest worker's time by this share: it costs a rebuild."""


def deal(num_envs: int, num_workers: int) -> list[int]:
    """Deal environments to workers in turn; returns each environment's worker."""
    return [env_id % num_workers for env_id in range(num_envs)]


def share_out(costs: Sequence[float], ranks: int) -> list[int]:
    """Share environments out to ranks: as many to each as to the others, and about equal in cost.

    Ranks step in lock-step, too, and each plans for as many environments as it has. So their
    numbers differ by one at most; within that, the dearest go first, to whoever has least to do.

    Args:
        costs: [E] seconds per step of each environment.
        ranks: R.

    Returns:
        [E] the rank of each environment: the same on every machine.
    """
    each, extra = divmod(len(costs), ranks)
    counts, loads, assignment = [0] * ranks, [0.0] * ranks, [0] * len(costs)
    for env in sorted(range(len(costs)), key=lambda env: -costs[env]):
        most = each + (extra > 0)
        open_ranks = [rank for rank in range(ranks) if counts[rank] < most]
        rank = min(open_ranks, key=loads.__getitem__)
        assignment[env] = rank
        counts[rank] += 1
        loads[rank] += costs[env]
        extra -= counts[rank] == each + 1
    return assignment


def spread(
    costs: Sequence[float], sizes: Sequence[float], loads: Sequence[float] | None = None
) -> list[int]:
    """Spread environments over machines, so that all need about as long for a step of theirs.

    The dearest go first, each to the machine that would still be done first with it.

    Args:
        costs: [E] seconds, or any other measure, per step of each environment.
        sizes: [M] how many environments each machine steps at a time.
        loads: [M] the costs of what each has already; nothing by default.

    Returns:
        [E] the machine of each environment: the same for the same arguments.
    """
    sums = list(loads or [0.0] * len(sizes))
    assignment = [0] * len(costs)
    for env in sorted(range(len(costs)), key=lambda env: -costs[env]):
        done = [(load + costs[env]) / size for load, size in zip(sums, sizes, strict=True)]
        machine = min(range(len(sizes)), key=done.__getitem__)
        assignment[env] = machine
        sums[machine] += costs[env]
    return assignment


def balance(costs: Sequence[float], worker_of: Sequence[int], num_workers: int) -> list[int]:
    """Improve an assignment with few moves.

    The most loaded worker gives one environment to the least loaded one, or swaps one with it,
    whichever evens the two out best; until that gains less than :data:`WORTHWHILE`.

    Args:
        costs: [E] seconds per step of each environment.
        worker_of: [E] the worker of each environment.
        num_workers: W.

    Returns:
        [E] the worker of each environment. No worker is left without one.
    """
    assignment = list(worker_of)
    loads = [0.0] * num_workers
    for cost, worker in zip(costs, assignment, strict=True):
        loads[worker] += cost
    while num_workers > 1:
        heavy = max(range(num_workers), key=loads.__getitem__)
        light = min(range(num_workers), key=loads.__getitem__)
        gap = loads[heavy] - loads[light]
        given = [env for env, worker in enumerate(assignment) if worker == heavy]
        taken: list[int | None] = [env for env, worker in enumerate(assignment) if worker == light]
        if len(given) > 1:
            taken.append(None)  # a plain move: nothing comes back

        def moved(pair: tuple[int, int | None]) -> float:
            give, take = pair
            return costs[give] - (0.0 if take is None else costs[take])

        # Moving half the gap would make the two loads equal.
        pairs = [(give, take) for give in given for take in taken]
        best = min(pairs, key=lambda pair: abs(moved(pair) - gap / 2), default=None)
        if best is None:
            return assignment
        gain = min(moved(best), gap - moved(best))
        if gain <= WORTHWHILE * loads[heavy]:
            return assignment
        loads[heavy] -= moved(best)
        loads[light] += moved(best)
        give, take = best
        assignment[give] = light
        if take is not None:
            assignment[take] = heavy
    return assignment
