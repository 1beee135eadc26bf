"""What the world model expects of actions: latents, rewards, values."""

from __future__ import annotations

import torch

from newt_core.agents.base import Imagined
from newt_core.model.discrete import two_hot_mean
from newt_core.model.world_model import WorldModel
from newt_core.types import FloatArray, Observation


@torch.inference_mode()
def imagine(model: WorldModel, seen: Observation, actions: FloatArray) -> Imagined:
    """Roll actions out in the latent space; see :class:`newt_core.agents.base.Imagining`.

    A state's value is the mean of all Q heads at the policy's mean action.

    Args:
        model: Foresees.
        seen: K states.
        actions: [H, K, A].
    """
    bound = model.bind(torch.as_tensor(seen.task, device=model.device))
    image = None
    if seen.features is not None:
        image = torch.as_tensor(seen.features, device=model.device).flatten(1)
    z = bound.encode(torch.as_tensor(seen.state, device=model.device), image)
    steps = torch.as_tensor(actions, device=model.device)
    latents, rewards = [z], []
    for action in steps:
        rewards.append(two_hot_mean(bound.reward_logits(z, action)))
        z = bound.next(z, action)
        latents.append(z)
    heads = torch.arange(model.size.num_q, device=model.device)
    still = torch.zeros(actions.shape[1:], device=model.device)
    values = [bound.q_value(z, bound.policy(z, still).mean, heads).mean(0) for z in latents]
    reward = torch.stack(rewards) if rewards else still.new_zeros(actions.shape[:2])
    found = (reward, torch.stack(latents), torch.stack(values))
    return Imagined(*(part.float().cpu().numpy() for part in found))
