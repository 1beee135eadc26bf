"""What an agent expects of what it has just done."""

from __future__ import annotations

import torch

from newt_core.agents.newt.acting_model import ActingModel
from newt_core.model.discrete import two_hot_mean
from newt_core.types import FloatArray, Observation


@torch.inference_mode()
def action_values(agent: ActingModel, observation: Observation, action: FloatArray) -> FloatArray:
    """Return the discounted return that an agent expects of actions, as its policy goes on.

    Args:
        agent: whose value heads, all of them, are averaged.
        observation: of K environments.
        action: [K, A] the actions.

    Returns:
        [K] float32.
    """
    device = agent.device
    task = torch.as_tensor(observation.task, device=device)
    image = None
    if observation.features is not None:
        image = torch.as_tensor(observation.features, device=device).flatten(1)
    bound = agent.model.bind(task)
    z = bound.encode(torch.as_tensor(observation.state, device=device), image)
    logits = bound.q_heads()(z, torch.as_tensor(action, device=device))
    values: FloatArray = two_hot_mean(logits).mean(0).float().cpu().numpy()
    return values
