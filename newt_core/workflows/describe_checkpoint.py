"""What a checkpoint file is, ours or a published one: all that can be said without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from newt_core.errors import ConfigError
from newt_core.model.count import PARTS
from newt_core.specs import SpecLibrary
from newt_core.training.checkpoint import FORMAT_VERSION, VERSION_KEY, check_version, read_archive
from newt_core.training.content import CheckpointContent, content_of
from newt_core.training.published import ORIGIN, PublishedCheckpoint, published_of
from newt_core.workflows.agent_kinds import find_kind
from newt_core.workflows.published_checkpoints import KIND, task_in_name

NOT_LEARNED = ("target", "normaliser")
"""How the names of weights begin that no gradient changes."""
_PUBLISHED_PARTS = {
    "_encoder": "encoder",
    "_dynamics": "dynamics",
    "_reward": "reward",
    "_pi": "policy",
    "_Qs.online": "q",
}


def describe_checkpoint(path: Path, library: SpecLibrary) -> dict[str, Any]:
    """Return what there is to say of a checkpoint file, in JSON's types.

    Args:
        path: The file.
        library: For a task that a published file is named after.

    Raises:
        CheckpointError: It is not usable; see :func:`newt_core.training.content.read_content` and
            :func:`newt_core.training.published.read_published`.
    """
    content = read_archive(path)
    shared = {"path": str(path), "bytes": path.stat().st_size}
    if isinstance(content, dict) and VERSION_KEY not in content:
        return shared | _published(published_of(content, path), library)
    return shared | _own(content_of(check_version(content, path), path))


def _own(saved: CheckpointContent) -> dict[str, Any]:
    run, agent = saved.run, saved.agent
    weights = agent.get("model")
    model, origin = run.config.model, saved.state.get(ORIGIN)
    newt = run.agent_kind == KIND
    return {
        "format": "newt",
        "version": FORMAT_VERSION,
        "kind": run.agent_kind,
        "size": model.size if _has_sizes(run.agent_kind) else None,
        "obs": model.obs,
        "tasks": saved.task_ids,
        "phase": run.phase,
        "steps": saved.steps,
        "updates": _updates(agent),
        "text_encoder": run.text_encoder,
        "image_encoder": run.image_encoder,
        "newt_version": run.newt_version,
        "git_version": run.git_version,
        "parameters": _counted(weights, _parts(weights, newt=newt)),
        "settings": run.config.model_dump(mode="json"),
        "imported_from": None if origin is None else origin.get("file"),
    }


def _has_sizes(kind: str) -> bool:
    """Return whether a kind of agent comes in sizes; False of one that is not installed."""
    try:
        return find_kind(kind).capabilities.has_sizes
    except ConfigError:
        return False


def _updates(agent: Mapping[str, Any]) -> int | None:
    """Return an agent's gradient steps, if it says so where Newt's own kinds do."""
    learner = agent.get("learner")
    return int(learner["updates"]) if isinstance(learner, Mapping) else None


def _parts(weights: Any, *, newt: bool) -> dict[str, str]:
    """Return the beginnings of the weights' names, part by part, without what learns no weights.

    That is copies for targets, and what an agent's observations are normalised by.
    """
    names: Sequence[str] = PARTS
    if not newt:
        found = [str(name).partition(".")[0] for name in weights or ()]
        names = [name for name in dict.fromkeys(found) if not name.startswith(NOT_LEARNED)]
    return dict(zip(names, names, strict=True))


def _published(published: PublishedCheckpoint, library: SpecLibrary) -> dict[str, Any]:
    layout, named = published.layout, task_in_name(published.path, library)
    own = [] if named is None else [named.id]
    return {
        "format": "published",
        "version": None,
        "kind": "multitask" if published.tasks is not None else "per task",
        "size": layout.size,
        "obs": "both" if layout.features else "state",
        "tasks": own if published.tasks is None else published.tasks,
        "rows": published.rows,
        "reads": {
            "state": layout.state,
            "text": layout.text,
            "action": layout.action,
            "features": layout.features,
        },
        "parameters": _counted(published.weights, _PUBLISHED_PARTS),
    }


def _counted(weights: Any, parts: Mapping[str, str]) -> dict[str, int]:
    """Return how many numbers each part learns, and all together; of no model's weights nothing."""
    if not isinstance(weights, Mapping):
        return {}
    counts = {
        part: sum(
            tensor.numel()
            for name, tensor in weights.items()
            if isinstance(tensor, Tensor) and f"{name}.".startswith(f"{prefix}.")
        )
        for prefix, part in parts.items()
    }
    return counts | {"total": sum(counts.values())}
