"""What touches the ground, told by the physics engine as contacts begin and end."""

from __future__ import annotations

from typing import Any

from Box2D import b2

HULL = "hull"
"""``userData`` of the body that must not touch the ground. Feet bear their index, 0 or 1."""


class GroundContacts(b2.contactListener):
    """Follows the contacts of a hull and two feet; these collide with the ground alone."""

    def __init__(self) -> None:
        super().__init__()
        self.hull_touched = False
        """Whether the hull has ever touched the ground."""
        self.feet = [False, False]
        """Whether each foot touches the ground.

        As in Gymnasium, the end of one of several contacts counts as having left the ground.
        """

    def BeginContact(self, contact: Any) -> None:  # noqa: N802 (Box2D's name)
        """Note a contact; the engine calls this."""
        self._note(contact, touching=True)

    def EndContact(self, contact: Any) -> None:  # noqa: N802 (Box2D's name)
        """Note the end of a contact; the engine calls this."""
        self._note(contact, touching=False)

    def _note(self, contact: Any, touching: bool) -> None:
        for fixture in (contact.fixtureA, contact.fixtureB):
            part = fixture.body.userData
            if part == HULL:
                self.hull_touched = self.hull_touched or touching
            elif part is not None:
                self.feet[part] = touching
