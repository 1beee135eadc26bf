"""Pools of worker processes, unless a test says otherwise."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def processes(worker_processes: None) -> None:
    """Start them."""
