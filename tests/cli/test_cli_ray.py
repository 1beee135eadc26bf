"""``newt train --ray`` where there is no cluster: nothing is made, nothing is changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from newt_cli.forecasts import sentence
from newt_core.envs.pool.ray_cluster import require_cluster
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config
from newt_core.workflows.forecast import Forecast, forecast

START = "newt train --tasks pygame-pong --preset smoke --device cpu --run a"


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)


def test_a_run_is_refused_before_it_has_a_folder(newt, without_ray):
    answer = newt(f"{START} --text-encoder hashed --ray auto")
    assert answer.code == 2
    assert len(answer.err.splitlines()) <= 2
    assert "pip install 'newt[ray]'" in answer.err
    assert not Path("runs").exists()


def test_a_run_that_goes_on_is_left_as_it_was(newt, core, without_ray, monkeypatch):
    assert newt(f"{START} --ray 10.0.0.1:6379").code == 0
    settings = Path("runs/a/config.yaml").read_text()
    core.calls.clear()
    monkeypatch.setattr("newt_core.workflows.run_parts.require_cluster", require_cluster)
    answer = newt("newt train --run a --resume --set ray=10.0.0.2:6379")
    assert answer.code == 2
    assert "Ray is not installed" in answer.err
    assert not core.calls
    assert Path("runs/a/config.yaml").read_text() == settings
    # On this machine alone it can go on.
    assert newt("newt train --run a --resume --ray ''").code == 0
    assert core.arguments("train")["config"].ray == ""


def test_the_forecast_builds_no_environments_here_and_says_no_time(monkeypatch):
    monkeypatch.setattr("newt_core.workflows.forecast.trial_loop", None)
    config = resolve_config("cpu", steps=5000, ray="auto")
    made = forecast(config, load_specs().select("pygame-pong"))
    assert made == Forecast(5000, round(5000 * config.update.updates_per_step), None, None)
    assert sentence(made) == "5,000 steps"
