"""Another wording of a task: what an agent is told instead of the spec's own text."""

from __future__ import annotations

import re
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
    replacements: Sequence[tuple[str, str]] = ()
    """Words of the tasks' texts and what to say instead of each; of any number of tasks."""

    def __bool__(self) -> bool:
        return self.own or bool(self.replacements)

    @property
    def own(self) -> bool:
        """Whether it is a text for one task."""
        return self.instruction is not None or self.embodiment is not None

    def apply(self, specs: Sequence[TaskSpec]) -> list[TaskSpec]:
        """Return the specs with this wording; everything but their text stays.

        Raises:
            SpecError: The text is empty, there are several tasks to say it of, or none has a
                word that is to be replaced.
        """
        worded = self._told(specs) if self.own else list(specs)
        for old, new in self.replacements:
            changed = [_replaced(spec, old, new) for spec in worded]
            if changed == worded:
                texts = "the task's text" if len(specs) == 1 else f"any of the {len(specs)} texts"
                raise SpecError(
                    f"'{old}' is not in {texts}: `newt tasks show {specs[0].id}` shows one. Whole "
                    "words are replaced, in capitals or not."
                )
            worded = changed
        return worded

    def _told(self, specs: Sequence[TaskSpec]) -> list[TaskSpec]:
        """Return the one task in the text of its own."""
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


def _replaced(spec: TaskSpec, old: str, new: str) -> TaskSpec:
    """Return a task whose text says ``new`` wherever it has the word or words ``old``."""
    words = r"\s+".join(re.escape(word) for word in old.split())

    def instead(found: re.Match[str]) -> str:
        return new[:1].upper() + new[1:] if found[0][:1].isupper() else new

    parts = {"instruction": spec.instruction, "embodiment": spec.embodiment}
    said = {
        name: re.sub(rf"(?<!\w){words}(?!\w)", instead, text, flags=re.IGNORECASE)
        for name, text in parts.items()
    }
    return spec if said == parts else TaskSpec.model_validate(spec.model_dump() | said)
