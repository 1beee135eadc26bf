"""Another wording of a task: what an agent is told instead of the spec's own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newt_core.errors import SpecError
from newt_core.specs.schema import TaskSpec


@dataclass(frozen=True)
class Wording:
    """A text that takes the place of a task's own; None leaves a part as it is."""

    instruction: str | None = None
    """What to achieve."""
    embodiment: str | None = None
    """What the body is."""

    def __bool__(self) -> bool:
        return self.instruction is not None or self.embodiment is not None

    def apply(self, specs: Sequence[TaskSpec]) -> list[TaskSpec]:
        """Return the specs with this wording; everything but their text stays.

        Raises:
            SpecError: The text is empty, or there are several tasks to say it of.
        """
        if not self:
            return list(specs)
        if len(specs) != 1:
            raise SpecError(
                f"another wording is for one task, but {len(specs)} are chosen: name it with "
                "--task."
            )
        changes = {"instruction": self.instruction, "embodiment": self.embodiment}
        given = {name: text for name, text in changes.items() if text is not None}
        empty = [name for name, text in given.items() if not text.strip()]
        if empty:
            raise SpecError(f"the {empty[0]} is empty: say something, or leave it out.")
        # Validated anew rather than copied, which would keep the old text's cached hash.
        return [TaskSpec.model_validate(specs[0].model_dump() | given)]
