"""A trained agent for use in other programs.

Example::

    agent = newt_core.load("runs/demo/checkpoints/last.pt")
    env = newt_core.make("cartpole-swingup")
    for seed in range(10):
        obs, info = env.reset(seed=seed)
        agent.reset("cartpole-swingup")  # a new episode: the plans of the one before are void
        done = False
        while not done:
            action = agent.act(obs, task="cartpole-swingup")
            obs, reward, _, done, info = env.step(action)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from newt_core import arguments
from newt_core.agents.base import Acting
from newt_core.agents.newt.setup import require_device
from newt_core.encoders import TextOptions
from newt_core.settings import limits
from newt_core.specs import Wording, load_specs
from newt_core.workflows.find_checkpoint import specs_for
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.loaded_agent import LoadedAgent


def load(
    checkpoint: str | Path,
    tasks: str | Sequence[str] | None = None,
    *,
    specs: Sequence[Path] = (),
    device: str = "auto",
    policy_only: bool = False,
    seed: int = 0,
    instruction: str | None = None,
    embodiment: str | None = None,
    text_weights: str | Path | None = None,
    image_weights: str | Path | None = None,
) -> LoadedAgent:
    """Load a checkpoint for acting.

    Args:
        checkpoint: A checkpoint of ours.
        tasks: Task selector, or several; by default the tasks it was trained on.
        specs: Folders of a user's own task specs.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        policy_only: Act with the policy prior instead of planning.
        seed: Determines the planner's noise.
        instruction: What to tell the agent instead of the one task's own instruction.
        embodiment: Likewise, of its body.
        text_weights: The text encoder's file, if it was trained with one of the user's own.
        image_weights: DINOv2's file, likewise.

    Raises:
        CheckpointError: The file is missing, damaged or foreign.
        ConfigError: An argument is of another type or out of range, or the device is not there.
        UnknownTaskError: The selector matches nothing.
        WeightsError: A text is new, and the weights to embed it are not here.
    """
    file = arguments.path("checkpoint", checkpoint)
    require_device(device)
    policy_only, seed = (
        arguments.truth("policy_only", policy_only),
        arguments.seed(seed, high=limits.SEED),
    )
    for name, said in (("instruction", instruction), ("embodiment", embodiment)):
        if said is not None:
            arguments.word(name, said, "a text that is not empty")
    text = TextOptions(
        Wording(instruction, embodiment),
        weights=arguments.optional(arguments.path, "text_weights", text_weights),
    )
    images = arguments.optional(arguments.path, "image_weights", image_weights)
    library = load_specs(specs_for(str(file), specs))
    chosen = library.select(tasks) if tasks is not None else None
    agent, chosen = load_agent(
        file, chosen, library=library, device=device, text=text, image_weights=images
    )
    act = agent.player(len(chosen), seed=seed, how=Acting(policy_only=policy_only))
    return LoadedAgent(agent, act, chosen, policy_only=policy_only, seed=seed)
