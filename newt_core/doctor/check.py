"""What one look at the machine found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Such as ``python`` or ``domain metaworld``."""
    ok: bool
    detail: str
    """What was found, in one line."""
    remedy: str | None = None
    """A line for a shell that puts it right, where it is not as it should be."""
    needed: bool = True
    """Whether Newt cannot do without; everything else is for some tasks, or for speed."""
    item: str | None = None
    """Of a check of downloaded files, the name that ``newt weights`` or ``newt assets`` knows."""

    @property
    def state(self) -> str:
        """``ok``, ``fails`` or, where Newt can do without, ``missing``."""
        return "ok" if self.ok else "fails" if self.needed else "missing"
