"""Functions that another process calls, so that nothing of them is left in this one."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
import torch

from newt_core.errors import ConfigError, EnvironmentFailure
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config
from newt_core.workflows import forecast as forecasts
from newt_core.workflows.forecast import Forecast, forecast
from newt_core.workflows.own_process import in_own_process
from tests.fixtures.called_apart import doubled, failing


def test_another_process_returns_the_value_and_finds_the_same_packages():
    found = in_own_process(doubled, 21)
    assert found["number"] == 42
    assert found["pid"] != os.getpid()
    assert {os.path.abspath(entry) for entry in sys.path} <= set(found["path"])


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ("refused", ConfigError, r"^no such task\.$"),
        ("failed", EnvironmentFailure, "^walker-run: it fell$"),
        ("killed", EnvironmentFailure, "^it was killed$"),
        ("otherwise", EnvironmentFailure, "^too bad$"),
    ],
)
def test_what_goes_wrong_there_is_said_here_in_a_line(how, error, says):
    with pytest.raises(error, match=says):
        in_own_process(failing, how)


@pytest.mark.parametrize("kind", ["newt", "ppo"])
def test_a_forecast_for_a_gpu_leaves_nothing_on_it(monkeypatch, kind):
    """What this process held there would be missing to the run, or to those that it starts."""
    specs = load_specs().select("pygame-cartpole-balance")
    small = ("update.batch_size=7", "evaluation.every=0", f"agent.kind={kind}")
    config = resolve_config("smoke", None, small, tasks="x", device="cpu", steps=600)
    here = os.getpid()
    called: list[int] = []

    def apart(function: Any, *arguments: Any) -> Any:
        called.append(os.getpid())
        return in_own_process(function, *arguments)

    def never(*arguments: Any) -> None:
        raise AssertionError("timed in this process")

    monkeypatch.setattr(forecasts, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(forecasts, "in_own_process", apart)
    monkeypatch.setattr(forecasts, "trial_loop", never)
    monkeypatch.setattr(forecasts, "open_trial", never)
    made = forecast(config, specs, ranks=1)
    assert called == [here]
    assert isinstance(made, Forecast)
    assert made.steps == 600
    assert made.seconds is not None
    assert made.seconds > 0


def test_no_process_is_started_for_what_cannot_be_timed(monkeypatch):
    def never(*arguments: Any) -> None:
        raise AssertionError("a process was started")

    config = resolve_config("smoke", None, ["ray=auto"], tasks="x", device="cuda", steps=600)
    monkeypatch.setattr(forecasts, "in_own_process", never)
    made = forecast(config, load_specs().select("pygame-cartpole-balance"))
    assert (made.steps, made.seconds) == (600, None)
