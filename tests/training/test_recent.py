"""How fast a run is by now."""

from __future__ import annotations

import pytest

from newt_core.training import recent
from newt_core.training.recent import Speed


def test_speed_counts_the_steps_since_it_went_on_and_no_pause(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: now[0])
    speed = Speed()
    speed.go_on(100)  # a run that goes on has steps already
    now[0] = 2.0
    assert speed.rate(120) == 10.0
    speed.pause(120)
    now[0] = 50.0
    speed.go_on(120)
    assert speed.rate(120) == 10.0  # no step yet: as before
    now[0] = 51.0
    assert speed.rate(125) == 5.0
