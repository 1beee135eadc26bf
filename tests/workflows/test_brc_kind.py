"""BRC as a kind of agent: its published settings are taken unless others are named."""

from __future__ import annotations

from newt_core.agents.brc.config import BRCConfig
from newt_core.workflows.asked import Asked
from newt_core.workflows.settings import check_settings


def test_its_published_settings_are_taken_unless_others_are_named():
    said: list[str] = []
    flags = {"tasks": "walker-run,walker-walk", "agent": "brc", "device": "cpu"}
    config = check_settings(Asked(flags=flags), notice=said.append).settings
    assert "preset brc: the agent's own settings. --preset names another." in said
    published = BRCConfig.model_validate(config.agent.options)
    assert (published.critic_width, published.actor_width) == (4096, 256)
    assert (published.batch_size, published.updates_per_step, published.n_step) == (1024, 2, 1)
    assert (published.learning_starts, published.ring) == (5000, 1_000_000)
    assert (published.lr, published.weight_decay, published.target_ema) == (3e-4, 1e-4, 0.005)
    assert (published.num_atoms, published.v_min, published.v_max) == (101, -10.0, 10.0)
    assert (published.initial_temperature, published.target_entropy) == (0.1, -0.5)
    wider = Asked(overrides=("agent.options.critic_width=1024",), flags=flags)
    options = check_settings(wider, notice=said.append).settings.agent.options
    assert options == {**config.agent.options, "critic_width": 1024}
    small = check_settings(Asked("cpu", flags=flags), notice=said.append).settings
    assert (small.agent.kind, small.agent.options) == ("brc", {})
