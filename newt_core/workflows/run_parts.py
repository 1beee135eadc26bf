"""What pretraining and interaction share: agent, encoders, texts, demonstrations, resume point.

A command makes one :class:`RunParts` and hands it to whatever needs a part: the checks before a
run's folder exists, the pretraining, the interaction. No part is made twice, however many ask.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from newt_core.agents.base import Agent
from newt_core.agents.newt.setup import choose_device
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.demos.features import DemoFeatures
from newt_core.demos.load import load_opened
from newt_core.demos.opened import OpenDemos
from newt_core.demos.published import FEATURE_ENCODER
from newt_core.encoders import TextOptions, ZeroEncoder, make_text_encoder
from newt_core.encoders.image.base import ImageEncoder
from newt_core.encoders.image.choose import require_image_encoder
from newt_core.encoders.image.dino import DINOV2
from newt_core.encoders.text.choose import Notice, short_name
from newt_core.envs.pool.ray_cluster import require_cluster
from newt_core.errors import CheckpointError, DemoError
from newt_core.replay import ReplayBuffer
from newt_core.replay.ledger import require_replay
from newt_core.replay.storage import memory_device
from newt_core.specs import TaskSpec, Wording
from newt_core.training.checkpoint_folder import latest_intact, newest_written
from newt_core.training.config import RunConfig
from newt_core.training.content import (
    PRETRAINING,
    CheckpointContent,
    LearnedTask,
    Phase,
    RunDescription,
    content_of,
    read_content,
)
from newt_core.training.rank_states import saved_ranks
from newt_core.training.run_folder import RunFolder
from newt_core.types import FloatArray
from newt_core.workflows.able import require_able
from newt_core.workflows.agent_kinds import AgentInputs, AgentKind, find_kind, options_of
from newt_core.workflows.load_agent import check_unchanged, open_image_encoder
from newt_core.workflows.rank_shares import replay_folder
from newt_core.workflows.sizes import check_room, check_sizes


class RunTexts(NamedTuple):
    """The texts of a run's tasks as the agent reads them."""

    encoder: str
    """The encoder's recorded name."""
    vectors: FloatArray
    """[tasks, 512], in the order of the run's task list."""


class RunParts:
    """The parts of one run. Each is made when it is first asked for, and kept.

    Args:
        config: The run's settings.
        specs: Its tasks.
        files: Its demonstration files, where they are open already; closed once they are loaded.
        notice: Told what the text encoder ``auto`` fell back to; by default a Python warning.
    """

    def __init__(
        self,
        config: RunConfig,
        specs: Sequence[TaskSpec],
        *,
        files: OpenDemos | None = None,
        notice: Notice | None = None,
    ) -> None:
        self.config = config
        self.specs = tuple(specs)
        self._opened = files
        self._notice = notice
        self._checked: dict[Path, CheckpointContent | None] = {}
        """Folder → the resume point that was found when it was checked, not yet taken."""

    def check(self, runs: Path, *, online: bool = True) -> None:
        """Find what is wrong with the parts now, before anything is written.

        Demonstrations are opened and their checksums compared, not yet loaded.

        Args:
            runs: The folder that the run's folder is to be made in.
            online: Whether the run is to interact.

        Raises:
            NewtError: Whatever the user can put right.
        """
        options_of(self.kind, self.config)
        require_able(self.kind.capabilities, self.config, len(self.specs), online=online)
        if self.config.replay.storage != "disk":
            memory_device(self.config.replay.storage)
        if self.kind.capabilities.keeps_episodes:
            check_sizes(self.config, self.specs)
            if online:
                check_room(self.config, self.specs, runs)
        self.kind.check(self.config, self.specs)
        if online:
            self.check_nodes()
        if self.config.demos.folder is not None:
            files = self._demo_files()
            if self.config.model.feature_stack:
                files.require_pictures()
        _ = self.image_encoder
        _ = self.texts

    def check_nodes(self) -> None:
        """Find out whether there is a Ray cluster, where environments are to run on one.

        Raises:
            ConfigError: None answers at the address.
            MissingDependencyError: Ray is not installed.
        """
        if self.config.ray:
            require_cluster(self.config.ray)

    @cached_property
    def device(self) -> torch.device:
        """Where the run computes."""
        return choose_device(self.config.device)

    @cached_property
    def image_encoder(self) -> ImageEncoder | None:
        """The image encoder; None for an agent that sees states only.

        Raises:
            NewtError: Its weights or packages are missing or damaged.
        """
        return open_image_encoder(self.config, self.device)

    @cached_property
    def texts(self) -> RunTexts:
        """The texts of a run that begins.

        A run that begins with a checkpoint keeps the vectors of the tasks it was trained on.

        Raises:
            NewtError: The encoder is not to be had, or cannot embed a task.
        """
        if not self.kind.capabilities.reads_text:
            nothing = ZeroEncoder()
            return RunTexts(nothing.name, nothing.encode_tasks(self.specs))
        said, checkpoint = self.config.text, self.config.pretrained
        wording = Wording(said.instruction, said.embodiment)
        if checkpoint is not None:
            saved = read_content(checkpoint).texts
            if short_name(saved.encoder) == short_name(said.encoder):
                options = TextOptions(wording, said.encoder, said.weights)
                _, vectors = saved.tasks_and_vectors(self.specs, options, checkpoint)
                return RunTexts(saved.encoder, vectors)
        encoder = make_text_encoder(said.encoder, said.weights, notice=self._notice)
        return RunTexts(encoder.name, encoder.encode_worded(self.specs, wording))

    def texts_for(self, restored: CheckpointContent | None) -> RunTexts:
        """Return the texts of a run that begins, or that goes on from a checkpoint.

        A run that goes on keeps the vectors it began with, whatever is installed by now.
        """
        if restored is None:
            return self.texts
        saved = restored.texts
        return RunTexts(saved.encoder, np.stack([saved.vectors[spec.id] for spec in self.specs]))

    @cached_property
    def kind(self) -> AgentKind:
        """What makes the run's agent.

        Raises:
            ConfigError: There is no such kind of agent.
        """
        return find_kind(self.config.agent.kind)

    def new_agent(self, texts: RunTexts, ranks: Ranks = ALONE) -> Agent:
        """Return the agent that a run begins with, to be trained by some ranks together."""
        return self.kind.new(
            AgentInputs(
                self.config,
                self.specs,
                texts.vectors,
                self.device,
                self.image_encoder,
                ranks=ranks,
            )
        )

    def describe(self, texts: RunTexts, phase: Phase) -> RunDescription:
        """Return the part of a checkpoint that does not change during a run."""
        return RunDescription(
            self.config,
            tuple(map(LearnedTask.of, self.specs)),
            phase,
            text=torch.from_numpy(np.asarray(texts.vectors, np.float32)),
            text_encoder=texts.encoder,
            image_encoder=self.image_encoder.name if self.image_encoder is not None else None,
        )

    def check_resume_point(self, folder: RunFolder, phase: Phase) -> CheckpointContent | None:
        """Find what is wrong with going on there; see :meth:`resume_point`."""
        self._checked[folder.path] = found = self.resume_point(folder, phase)
        return found

    def resume_point(self, folder: RunFolder, phase: Phase) -> CheckpointContent | None:
        """Return the newest intact checkpoint; None before the first was written.

        Raises:
            CheckpointError: None can be read, or the run is of other tasks, of another phase or
                sees by another image encoder.
            RunFolderError: The replay that it counts on is gone.
        """
        if folder.path in self._checked:
            return self._checked.pop(folder.path)
        try:
            found = latest_intact(folder.checkpoints)
        except CheckpointError:
            if any(folder.checkpoints.glob("*.pt")) or newest_written(folder.checkpoints):
                raise
            return None
        for reason in found.skipped:
            warnings.warn(f"passed over a damaged checkpoint: {reason}", stacklevel=2)
        content = content_of(found.payload, found.path)
        if content.run.phase != phase:
            command = "train" if phase == PRETRAINING else "pretrain"
            raise CheckpointError(
                f"{folder.path} was made by 'newt {command}': go on with that, with the same --run."
            )
        saved = content.task_ids
        if saved != [spec.id for spec in self.specs]:
            raise CheckpointError(
                f"{found.path} was trained on other tasks ({', '.join(saved[:3])}, …). "
                "Resume with the run's own --tasks and --specs."
            )
        for task, spec in zip(content.run.tasks, self.specs, strict=True):
            check_unchanged(found.path, task, spec)
        recorded = content.run.image_encoder
        require_image_encoder(recorded, self.image_encoder, f"the run {folder.path}")
        if self.config.replay.on_disk:
            ranks = saved_ranks(content.state)
            for rank, state in enumerate(ranks):
                place = replay_folder(folder, rank, len(ranks))
                require_replay(place, state.get("replay", {}), found.path)
        return content

    @cached_property
    def demos(self) -> ReplayBuffer | None:
        """The demonstrations as the agent sees them; None for a run without.

        Raises:
            DemoError: See :func:`newt_core.demos.load.load_demos`.
        """
        if self.config.demos.folder is None:
            return None
        seen = None
        if self.image_encoder is not None:
            # Features made by the published weights are those of the weights that Newt knows.
            images = self.config.images
            published = images.encoder == DINOV2 and images.weights is None
            known_as = frozenset({FEATURE_ENCODER} if published else ())
            seen = DemoFeatures(self.image_encoder, self.config.model.feature_stack, known_as)
        with self._demo_files() as files:
            self._opened = None
            sampling = self.config.replay.sampling
            return load_opened(files, frames_as=seen, sampling=sampling, device=self.device).buffer

    def require_demos(self) -> ReplayBuffer:
        """Return the demonstrations of a run that cannot do without.

        Raises:
            DemoError: The run has none; see :attr:`demos`.
        """
        if self.demos is None:
            raise DemoError(
                "there are no demonstrations to learn from: name their folder, --demos."
            )
        return self.demos

    def _demo_files(self) -> OpenDemos:
        if self._opened is None:
            assert self.config.demos.folder is not None
            self._opened = OpenDemos(self.config.demos.folder, self.specs)
        return self._opened
