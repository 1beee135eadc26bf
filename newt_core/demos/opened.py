"""The demonstration files of a run's tasks, each opened and checked once.

What is checked before a run begins is what the run then learns from: the files stay open in
between, so that none has to be read, and its checksum computed, a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

from newt_core.demos.features import REMEDY
from newt_core.demos.folder import demo_path, require_demos
from newt_core.demos.read import DemoFile, open_demos
from newt_core.errors import DemoError
from newt_core.specs.schema import TaskSpec


class OpenDemos(AbstractContextManager["OpenDemos"]):
    """Open files. Closing it closes them; so does the end of the last one who knows it.

    Args:
        folder: holds ``<task>.h5``.
        specs: the tasks, in the order of the run's task list.

    Raises:
        DemoError: a file is not usable, or none of the tasks has one.
    """

    def __init__(self, folder: Path, specs: Sequence[TaskSpec]) -> None:
        require_demos(folder, specs)
        self.folder = folder
        self.specs = tuple(specs)
        paths = {spec.id: demo_path(folder, spec.id) for spec in specs}
        with ExitStack() as stack:
            self.files: Mapping[str, DemoFile] = {
                task: stack.enter_context(open_demos(path))
                for task, path in paths.items()
                if path.exists()
            }
            """Task → its file; without an entry where there is none."""
            self._open = stack.pop_all()

    @property
    def missing(self) -> tuple[str, ...]:
        """The tasks without a file."""
        return tuple(spec.id for spec in self.specs if spec.id not in self.files)

    def without_pictures(self) -> list[Path]:
        """Return the files whose first episode has neither pictures nor their features.

        Raises:
            DemoError: a file is not usable.
        """
        found = (file for file in self.files.values() if len(file))
        return [file.path for file in found if not file.has_pictures(0)]

    def require_pictures(self) -> None:
        """Return if an agent that sees can learn from all of the files.

        Raises:
            DemoError: one holds no pictures.
        """
        blind = self.without_pictures()
        if blind:
            raise DemoError(f"{blind[0]} holds no pictures. {REMEDY}")

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()
