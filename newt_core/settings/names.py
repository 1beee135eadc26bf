"""Which setting is meant by a name that none has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from newt_core.errors import did_you_mean, nearest

_USUAL = {
    "update.lr": "learning_rate lr_rate model_lr",
    "update.batch_size": "batch batchsize bs minibatch minibatch_size",
    "update.target_ema": "tau polyak target_tau ema",
    "update.updates_per_step": "utd utd_ratio update_ratio replay_ratio gradient_steps",
    "update.grad_clip": "max_grad_norm grad_clip_norm gradient_clip clip_grad",
    "update.entropy_coef": "ent_coef entropy_coeff",
    "update.warmup_updates": "warmup warmup_steps",
    "update.precision": "amp dtype",
    "replay.capacity": "buffer buffer_size buffer_capacity replay_size memory_size",
    "steps": "total_timesteps timesteps total_steps num_steps num_env_steps train_steps frames",
    "seed": "random_seed",
    "envs_per_task": "n_envs num_envs envs",
    "model.size": "model_size",
    "model.frame_stack": "stack frames_stacked num_frames",
    "evaluation.every": "eval_freq eval_every eval_interval",
    "evaluation.episodes": "eval_episodes n_eval_episodes num_eval_episodes",
    "checkpoint.every": "save_freq save_every save_interval",
    "planner.num_samples": "samples n_samples num_trajectories population",
    "planner.num_elites": "elites n_elites",
    "planner.iterations": "num_iterations n_iterations",
    "random_phase.episodes": "learning_starts seed_steps seed_episodes random_episodes",
    "demos.folder": "dataset demonstrations demo_folder demo_path",
    "wandb": "use_wandb log_wandb",
}
"""A setting → what other programs call it."""

OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {name: setting for setting, names in _USUAL.items() for name in names.split()}
)
_DISCOUNT = " The discount is the task's own: 'newt tasks show TASK' says it, a task spec sets it."


def hint(name: str, settings: Collection[str]) -> str:
    """Return what to say of an unknown setting, a sentence with a space before; or nothing.

    Groups are left out of the comparison: ``update.learning_rate`` has more letters in common with
    ``update.warmup_updates`` than with ``update.lr``.
    """
    group, _, last = name.lower().replace("-", "_").rpartition(".")
    if last in ("gamma", "discount", "discount_factor"):
        return _DISCOUNT
    if last in OTHER_NAMES:
        return f" Did you mean '{OTHER_NAMES[last]}'?"
    parts = {setting.rpartition(".")[2] for setting in settings}
    near = nearest(last, parts)
    meant = [setting for setting in settings if setting.rpartition(".")[2] == near]
    if len(meant) > 1 and group:  # such as planner.horizon and update.horizon
        closest = nearest(f"{group}.{near}", meant)
        meant = [closest] if closest else meant
    if not meant:
        return did_you_mean(name, settings)
    return f" Did you mean {' or '.join(repr(setting) for setting in meant)}?"
