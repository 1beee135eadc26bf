"""The largest numbers that settings and options take, each for a reason.

What is larger would not be refused by anything else: it would fill the memory, or never end.
"""

from __future__ import annotations

COUNT = 2**53
"""Steps, updates and the like: JSON keeps whole numbers exactly up to here."""
SEED = 2**63 - 1
"""PyTorch's generators take no larger one."""
NUMBER = 3.4e38
"""Weights and rates: what is larger is infinite in single precision."""
EPISODES = 1_000_000
"""Episodes of one task: the results of an evaluation stay in memory until its end."""
ENVIRONMENTS = 10_000
"""Environments: a worker takes 2 to 60 MB for each."""
HORIZON = 10_000
"""Steps ahead, and frames back: the longest episode a task may have."""
BATCH = 2**20
"""Subsequences: the smallest model alone would need 20 GB for so many."""
SAMPLES = 2**16
"""Action sequences: of one environment and 3 steps, their latents take 100 MB."""
ITERATIONS = 1_000
"""Rounds of a planner: one takes milliseconds, for every step."""
ROWS = 2**31
"""Steps in a replay: 1.2 TB of states."""
CHECKPOINTS = 10_000
"""Files kept: the smallest takes 25 MB."""
PER_STEP = 1_000
"""Updates per agent step."""
