"""The picture of a run's scores: what is drawn is what the evaluations say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from newt_core.reporting.score_curves import draw_scores, short
from scripts.plot_runs import read_run

ROOT = Path(__file__).parent.parent


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return a run with two evaluations of three tasks."""
    folder = tmp_path / "runs" / "a"
    (folder / "eval").mkdir(parents=True)
    for steps in (10_000, 0):
        tasks = {
            task: {"episodes": 2, "return": 5.0, "success": None, "score": 0.1 + steps / 2e4,
                   "ci95": 0.05}
            for task in ("walk", "run", "stand")
        }  # fmt: skip
        document = {"tasks": tasks, "domains": {}, "score": 0.1, "mode": "planning"}
        (folder / "eval" / f"{steps}.json").write_text(json.dumps(document))
    return folder


def test_curves_are_in_the_order_of_the_steps(run_folder):
    run = read_run(str(run_folder))
    assert run.label == "a"
    assert run.curve("walk", "score") == [(0, 0.1, 0.05), (10_000, 0.6, 0.05)]
    assert run.curve("walk", "success") == []
    assert read_run(f"{run_folder}=with text").label == "with text"


def test_there_is_a_panel_per_task_with_the_random_baseline_dashed(run_folder):
    figure = draw_scores([read_run(str(run_folder))], {"walk": {"score": 0.25}})
    panels = {panel.get_title(): panel for panel in figure.axes if panel.get_visible()}
    assert set(panels) == {"walk", "run", "stand"}
    dashed = [line for line in panels["walk"].lines if line.get_linestyle() == "--"]
    assert [np.asarray(line.get_ydata())[0] for line in dashed] == [0.25]
    assert not [line for line in panels["run"].lines if line.get_linestyle() == "--"]


def test_as_a_script_it_writes_a_picture(run_folder, tmp_path):
    script = ROOT / "scripts" / "plot_runs.py"
    command = [sys.executable, str(script), "--out", str(tmp_path / "a.png")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}  # this folder's packages, wherever others are
    subprocess.run([*command, str(run_folder)], check=True, env=env)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    nowhere = [*command, str(tmp_path / "none")]
    done = subprocess.run(nowhere, capture_output=True, text=True, env=env)
    assert done.returncode == 1
    assert "is it a run of newt train?" in done.stderr


@pytest.mark.parametrize(
    ("steps", "text"), [(0, "0"), (500, "500"), (25_000, "25k"), (1.5e6, "1.5M")]
)
def test_short_step_counts(steps, text):
    assert short(steps) == text
