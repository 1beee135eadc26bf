"""Updates of the other agents never wait for a GPU either; see ``test_no_waiting.py``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields
from typing import TypeVar

import pytest
import torch

from newt_core.agents.base import Metrics
from newt_core.agents.brc.agent import BRCAgent
from newt_core.agents.brc.config import BRCConfig
from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.off_policy.agent import OffPolicyAgent
from newt_core.agents.optimisers import Optimisers
from newt_core.agents.ppo.agent import PPOAgent
from newt_core.agents.ppo.config import PPOConfig
from newt_core.types import ACTION_DIM
from tests.fixtures.models import table
from tests.fixtures.other_device import META, Copies, stand_still
from tests.fixtures.transitions import samples, transitions

Rows = TypeVar("Rows")


def there(rows: Rows) -> Rows:
    return type(rows)(**{each.name: getattr(rows, each.name).to(META) for each in fields(rows)})  # type: ignore[arg-type]


def ppo() -> Callable[[], Metrics]:
    agent, rows = PPOAgent(PPOConfig(width=8), table(), device=META), there(samples(8))
    return lambda: agent.update(rows)


def off_policy(agent: OffPolicyAgent) -> Callable[[], Metrics]:
    noise, rows = torch.empty(*agent.draws, 8, ACTION_DIM, device=META), there(transitions(8))
    return lambda: agent.update(rows, noise)


KINDS: dict[str, Callable[[], Callable[[], Metrics]]] = {
    "ppo": ppo,
    "fasttd3": lambda: off_policy(FastTD3Agent(FastTD3Config(actor_every=1), table(), device=META)),
    "brc": lambda: off_policy(BRCAgent(BRCConfig(), table(), device=META)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_reads_nothing_and_copies_nothing(kind, monkeypatch) -> None:
    stand_still(monkeypatch)
    monkeypatch.setattr(OffPolicyAgent, "autocast", lambda self: nullcontext())
    counted: list[torch.device] = []
    monkeypatch.setattr(Optimisers, "count", lambda self, bad: counted.append(bad.device))
    update = KINDS[kind]()
    with Copies() as copies:
        metrics = update()
    assert copies.made == []
    assert counted == [META]
    assert {each.device for each in metrics.values()} == {META}
