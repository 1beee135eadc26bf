"""Benches say how far they are."""

from __future__ import annotations

from importlib import import_module
from unittest.mock import create_autospec

import pytest

from newt_cli import counts


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("plan", "runs"),
        ("update", "runs"),
        ("pool", "runs"),
        ("train", "runs"),
        ("agent", "agents"),
    ],
)
def test_what_is_done_is_counted(newt, monkeypatch, name, what):
    def measured(*arguments, told, **settings):
        told(1, 4)
        return {"what": name, "variants": {}, "ratios": {}}

    module = import_module(f"newt_core.bench.{name}")
    real = getattr(module, f"bench_{name}")
    monkeypatch.setattr(module, real.__name__, create_autospec(real, side_effect=measured))
    monkeypatch.setattr(counts, "SECONDS_BETWEEN_LINES", 0.0)
    answer = newt(f"newt bench {name} --json")
    assert answer.code == 0, answer.err
    assert answer.json["what"] == name
    assert f"1/4 {what}" in answer.err
