"""Players of the DeepMind Control Suite's bodies, in the suite's tasks and in the extended ones."""

from __future__ import annotations

from collections.abc import Callable

from newt_core.experts.policy import MakePlayer, Policy, player_of
from newt_core.experts.suite import cartpole, cup, hub, pendulum, reacher
from newt_core.specs.schema import TaskSpec

POLICIES: dict[str, Callable[[], Policy]] = {
    "ball_in_cup/catch": cup.catch,
    "ball_in_cup/spin": cup.spin,
    "cartpole/balance": cartpole.balance,
    "cartpole/balance_sparse": cartpole.balance,
    "cartpole/swingup": cartpole.balance,
    "cartpole/swingup_sparse": cartpole.balance,
    "jumper/jump": hub.bounce_on_legs,
    "pendulum/spin": pendulum.spin,
    "pendulum/swingup": pendulum.swing_up,
    "reacher/easy": reacher.reach,
    "reacher/hard": reacher.reach,
    "reacher/three_easy": reacher.reach_with_three,
    "reacher/three_hard": reacher.reach_with_three,
    "spinner/jump": hub.bounce,
    "spinner/spin": hub.roll,
    "spinner/spin_backward": hub.roll_backward,
    "spinner/jump_four": hub.bounce,
}
"""``body/task`` → a function that returns a fresh policy."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a task, or None."""
    name = f"{spec.env.get('domain_name')}/{spec.env.get('task_name')}"
    policy = POLICIES.get(name)
    return None if policy is None else player_of(policy)
