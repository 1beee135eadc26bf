"""What measures a borrowed GPU comes to an end in time, loses nothing and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.gpu_check import __main__ as check
from benchmarks.gpu_check.results import FILE, Results
from newt_core.errors import ConfigError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "gpu_check.sh"


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setattr(check, "CHILD", "tests.fixtures.gpu_check_child")
    monkeypatch.setattr(check, "LOOK_S", 0.05)
    monkeypatch.chdir(ROOT)


def asked(out: Path, device: str = "cpu", seconds: float = 60.0) -> Namespace:
    return Namespace(out=out, device=device, seconds=seconds, quick=True)


@pytest.mark.parametrize("device", ["cpu", "breaks"])
def test_what_fails_hangs_or_dies_is_noted_and_the_rest_is_measured(
    tmp_path, made_up, capfd, device
):
    assert check.run(asked(tmp_path, device)) == 1
    results = Results(tmp_path)
    assert list(results.measurements) == ["first", "last"]
    assert results.failed == {
        "fails": "ValueError: no such thing",
        "slow": "took longer than 0.3 s",
        "deadly": "the process ended (-9)",
    }
    processes = [each["process"] for each in results.measurements.values()]
    assert processes[0] != processes[1]
    assert results.document["left"] == ["never"]
    assert results.running is None
    told = capfd.readouterr().err
    assert "failed: slow: took longer than 0.3 s" in told
    assert "left, run the same command again: never" in told
    assert "Traceback" not in told


def test_what_there_is_is_not_measured_again(tmp_path, made_up):
    Results(tmp_path).end("first", {"of": "before"})
    Results(tmp_path).end("fails", None, "before")
    check.run(asked(tmp_path))
    results = Results(tmp_path)
    assert results.measurements["first"] == {"of": "before"}
    assert results.failed["fails"] == "before"
    assert results.measurements["last"]["of"] == 7


def test_when_the_time_is_over_the_measurement_that_goes_on_is_left_for_the_next_start(
    tmp_path, made_up, monkeypatch
):
    monkeypatch.setattr(check, "GRACE_S", 0.0)
    for name in ("fails", "deadly"):
        Results(tmp_path).end(name, None, "before")
    results = Results(tmp_path)
    results.end("first", {})
    start = time.monotonic()
    monkeypatch.setattr(check, "watched", lambda child, out, end: until_slow(child, out))
    assert check.run(asked(tmp_path)) == 1
    assert time.monotonic() - start < 30
    results = Results(tmp_path)
    assert "slow" not in results.failed
    assert results.document["left"] == ["slow", "last", "never"]


def until_slow(child, out):
    while (Results(out).running or {}).get("name") != "slow":
        time.sleep(0.02)
    return "time"


def test_results_of_another_machine_are_refused(tmp_path):
    Results(tmp_path).describe(device="cuda", quick=False)
    Results(tmp_path).describe(device="cuda", quick=False)
    with pytest.raises(ConfigError, match=r"another device \(cuda, now cpu\)"):
        Results(tmp_path).describe(device="cpu", quick=False)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(ConfigError, match="is no file of gpu_check"):
        Results(tmp_path)


def test_missing_packages_are_named_in_one_line(tmp_path, monkeypatch, capsys):
    found = check.find_spec
    monkeypatch.setattr(
        check, "find_spec", lambda name: None if name in ("yaml", "pydantic") else found(name)
    )
    assert check.run(asked(tmp_path)) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "pydantic, PyYAML" in told
    assert "--wheels" in told
    assert not list(tmp_path.iterdir())


def script(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), *words],
        env={**os.environ, "PYTHON": sys.executable, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_is_one_that_bash_reads():
    assert subprocess.run(["bash", "-n", str(SCRIPT)], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--out DIR is missing"),
        (["--out"], "--out needs a value"),
        (["--out", "{}/o", "--fast"], "there is no option '--fast'"),
        (["--out", "{}/o", "--seconds", "soon"], "--seconds is 'soon'"),
        (["--out", "{}/o", "--wheels", "{}/none"], "there is no folder"),
    ],
)
def test_the_script_refuses_what_it_does_not_know_in_one_line(tmp_path, words, message):
    ended = script(*(word.replace("{}", str(tmp_path)) for word in words))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert not (tmp_path / "o").exists()


def test_the_script_names_a_python_that_is_not_there(tmp_path):
    ended = script("--out", str(tmp_path / "o"), PYTHON="python-of-nowhere")
    assert ended.returncode == 2
    assert "python-of-nowhere" in ended.stderr


@pytest.mark.slow
def test_all_of_it_runs_on_a_cpu_is_killed_and_goes_on(tmp_path):
    words = ["bash", str(SCRIPT), "--out", str(tmp_path), "--device", "cpu", "--quick"]
    variables = {**os.environ, "PYTHON": sys.executable}
    begun = subprocess.Popen([*words, "--seconds", "600"], env=variables)
    while not (tmp_path / FILE).exists() or not Results(tmp_path).measurements:
        assert begun.poll() is None
        time.sleep(0.05)
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    before = Results(tmp_path).measurements
    assert before
    ended = subprocess.run([*words, "--seconds", "900"], env=variables, check=False)
    results = Results(tmp_path)
    assert (ended.returncode, results.failed, results.document["left"]) == (0, {}, [])
    for name, found in before.items():
        assert results.measurements[name] == found
    assert results.measurements["agrees with the CPU"]["close"]
    assert json.loads((tmp_path / FILE).read_text())["about"]["quick"]
