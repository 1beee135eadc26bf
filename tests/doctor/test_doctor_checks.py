"""What `newt doctor` finds, on machines that lack one thing or another."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from newt_core.doctor import downloads, libraries, machine
from newt_core.doctor.check import Check
from newt_core.doctor.examine import examine
from newt_core.doctor.probe import Answer, probe
from newt_core.encoders.weights import weight_file
from newt_core.envs.assets import ASSETS
from newt_core.specs import load_specs
from tests.fixtures.demonstrations import write_demos
from tests.test_docs import check_newt

CUDA: dict[str, Any] = {"version": "2.13.0+cu128", "cuda": "12.8", "gpus": []}
CPU: dict[str, Any] = {"version": "2.13.0+cpu", "cuda": None, "gpus": []}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """Return what the processes answer; a test fills it."""
    found: dict[str, Answer] = {}
    monkeypatch.setattr(libraries, "probe", lambda name, *arguments, seconds: found[name])
    return found


def assert_fails(check: Check, *words: str, needed: bool) -> None:
    """See that a check says what is missing, and how to get it in a line that can be pasted."""
    assert not check.ok
    assert check.state == ("fails" if needed else "missing")
    for word in words:
        assert word in check.detail
    assert check.remedy is not None
    assert "\n" not in check.detail + check.remedy
    subprocess.run(["bash", "-n", "-c", check.remedy], check=True)
    names = [word for word in shlex.split(check.remedy) if not re.match(r"[A-Z_]+=", word)]
    if names[0] == "sudo":
        del names[0]
    assert names[0] in KNOWN, check.remedy
    KNOWN[names[0]](names[1:])


def check_pip(words: list[str]) -> None:
    assert words[0] == "install"


def check_make(words: list[str]) -> None:
    assert words == ["setup"]


KNOWN: Any = {"newt": check_newt, "pip": check_pip, "make": check_make} | dict.fromkeys(
    ("apt-get", "nvidia-smi", "ulimit", "prlimit", "df", "ps", "export", "unset"),
    lambda words: None,
)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os; os.abort()", "the process was ended by SIGABRT"),
        ("import time; time.sleep(60)", "no answer within 0.3 seconds"),
        ("import sys; print('chatter'); sys.exit(3)", "the process ended with exit code 3"),
    ],
)
def test_a_library_that_crashes_or_hangs_does_not_end_doctor(monkeypatch, code, problem):
    monkeypatch.setattr("newt_core.doctor.probe._CODE", code)
    seconds = 0.3 if "sleep" in code else 20.0
    start = time.monotonic()
    assert probe("pytorch", seconds=seconds) == Answer(None, problem)
    assert time.monotonic() - start < 30.0, "the process was left alone"


def test_a_probe_returns_what_was_found_beside_what_libraries_print(monkeypatch):
    code = (
        "import os, sys\nfrom newt_core.doctor import probes\n"
        "def pytorch(*arguments):\n"
        "    print('chatter'); os.write(1, b'more')\n"
        "    if arguments: raise RuntimeError('no\\nmore')\n"
        "    return {'version': '1'}\n"
        "probes.pytorch = pytorch\nprobes.main(*sys.argv[1:])"
    )
    monkeypatch.setattr("newt_core.doctor.probe._CODE", code)
    assert probe("pytorch", seconds=20) == Answer({"version": "1"}, None)
    assert probe("pytorch", "x", seconds=20) == Answer(None, "RuntimeError: no")


def test_a_probe_tells_mistakes_in_one_line():
    answer = probe("build", "walker-rnu", seconds=30)
    assert answer.problem is not None
    assert "Did you mean 'walker-run'?" in answer.problem


def test_python():
    assert machine.check_python((3, 11)).ok
    assert machine.check_python((3, 12)).ok
    for version in ((3, 10), (3, 13)):
        assert_fails(machine.check_python(version), "3.11 or 3.12", needed=True)


def test_packages(monkeypatch):
    monkeypatch.setattr(machine, "requires", lambda name: ["numpy>=1.20", "wandb ; extra == 'x'"])
    assert machine.check_packages().ok
    monkeypatch.setattr(machine, "requires", lambda name: ["numpy>=1.20", "numpy<1", "no-such>1"])
    check = machine.check_packages()
    assert_fails(check, "numpy is ", "no-such is missing", needed=True)
    assert shlex.split(check.remedy or "") == ["pip", "install", "numpy<1", "no-such>1"]

    def unknown(name: str) -> list[str]:
        raise machine.PackageNotFoundError(name)

    monkeypatch.setattr(machine, "requires", unknown)
    assert_fails(machine.check_packages(), "not installed", needed=True)


def test_pytorch_without_a_gpu(answers, tmp_path):
    answers |= {"pytorch": Answer(CPU), "torchvision": Answer("0.28.0")}
    torch, vision, gpu = libraries.check_pytorch(tmp_path / "no-driver")
    assert (torch.ok, vision.ok, gpu.ok) == (True, True, True)
    assert "0.28.0 fits torch 2.13.0+cpu" in vision.detail
    assert "CPU" in gpu.detail


@pytest.mark.parametrize(("torch", "build"), [(CPU, "cpu"), (CUDA, "cu128")])
def test_a_torchvision_that_does_not_fit(answers, tmp_path, torch, build):
    answers |= {"pytorch": Answer(torch), "torchvision": Answer(problem="no torchvision::nms")}
    check = libraries.check_pytorch(tmp_path / "no-driver")[1]
    assert_fails(check, "torchvision::nms", torch["version"], needed=False)
    assert (check.remedy or "").endswith(f"/whl/{build}")


@pytest.mark.parametrize(("torch", "why"), [(CPU, "built for CPUs"), (CUDA, "driver")])
def test_a_gpu_that_pytorch_cannot_use(answers, tmp_path, torch, why):
    answers |= {"pytorch": Answer(torch), "torchvision": Answer("0")}
    (tmp_path / "nvidiactl").touch()
    assert_fails(libraries.check_pytorch(tmp_path / "nvidiactl")[2], why, needed=False)


def test_a_gpu_that_it_uses(answers):
    found = {**CUDA, "gpus": ["NVIDIA H200"]}
    answers |= {"pytorch": Answer(found), "torchvision": Answer("0")}
    gpu = libraries.check_pytorch()[2]
    assert (gpu.ok, gpu.detail) == (True, "NVIDIA H200")


def test_without_pytorch_the_rest_is_not_asked(answers):
    answers["pytorch"] = Answer(problem="ModuleNotFoundError: No module named 'torch'")
    (check,) = libraries.check_pytorch()
    assert_fails(check, "No module named 'torch'", needed=True)


def test_drawing(answers):
    answers |= {"frame": Answer("egl"), "vulkan": Answer(["llvmpipe"])}
    egl, vulkan = libraries.check_drawing()
    assert (egl.ok, egl.detail, vulkan.ok, vulkan.detail) == (
        True, "MuJoCo draws through egl", True, "llvmpipe",
    )  # fmt: skip
    answers |= {"frame": Answer(problem="cannot render"), "vulkan": Answer([])}
    egl, vulkan = libraries.check_drawing()
    assert_fails(egl, "cannot render", needed=False)
    assert_fails(vulkan, "24.3", needed=False)
    answers["vulkan"] = Answer(problem="the process was ended by SIGSEGV")
    assert_fails(libraries.check_drawing()[1], "SIGSEGV", needed=False)


@pytest.mark.parametrize("domain", libraries.domains())
def test_a_domain_that_does_not_build(answers, domain):
    library = load_specs()
    answers["build"] = Answer(0.25)
    built = libraries.check_domain(domain, library)
    assert built.ok
    task = built.detail.split()[0]
    assert library[task].domain == domain
    assert not library[task].assets
    answers["build"] = Answer(problem="the process was ended by SIGSEGV")
    check = libraries.check_domain(domain, library)
    assert_fails(check, task, "SIGSEGV", needed=domain != "maniskill")


def test_the_speed_of_training(answers):
    speed = {"steps_per_s": 10.0, "updates_per_s": 12.5, "steps": 25_000}
    answers["throughput"] = Answer(speed)
    check = libraries.check_training()
    assert check.ok
    assert "10.0 agent steps/s" in check.detail
    assert "about 42 min" in check.detail
    answers["throughput"] = Answer(problem="RuntimeError: out of memory")
    assert_fails(libraries.check_training(), "out of memory", needed=True)


def test_room_on_the_disk(monkeypatch, tmp_path):
    remedy = "export NEWT_CACHE=elsewhere"
    deep = tmp_path / "not/there/yet"
    check = machine.check_disk("disk", deep, 0.001, remedy)
    assert check.ok
    assert str(tmp_path) in check.detail
    assert not deep.exists()
    assert_fails(machine.check_disk("disk", deep, 1e9, remedy), "GiB free", needed=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert_fails(machine.check_disk("disk", deep, 0.001, remedy), "cannot be written", needed=True)


def test_remedies_for_a_full_disk_can_be_pasted(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "LEAST_DISK", 1e9)
    monkeypatch.setattr(machine, "LEAST_CACHE", 1e9)
    monkeypatch.chdir(tmp_path)
    for check in machine.check_room(Path("runs")):
        assert_fails(check, "GiB free", needed=True)


def test_memory(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 99 kB\nMemAvailable:    4194304 kB\n")
    assert machine.check_memory(meminfo, tmp_path).detail.startswith("4.0 GiB of memory available")
    meminfo.write_text("MemAvailable:    1048576 kB\n")
    assert_fails(machine.check_memory(meminfo, tmp_path / "no-shm"), "1.0 GiB", needed=True)
    assert machine.check_memory(tmp_path / "none", tmp_path).ok


def test_open_files():
    assert machine.check_descriptors((1024, 4096), cores=4).ok
    assert machine.check_descriptors((-1, -1), cores=400).ok
    check = machine.check_descriptors((256, 4096), cores=16)
    assert_fails(check, "256", "4,096", needed=True)
    assert check.remedy == "ulimit -n 328"
    assert_fails(machine.check_descriptors((256, 256), cores=16), "256", needed=True)


def test_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.check_threads().ok
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    check = machine.check_threads()
    assert_fails(check, "4096 threads", needed=False)
    assert check.remedy == "unset OMP_NUM_THREADS"


def test_downloads_that_are_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NEWT_ASSETS", str(tmp_path / "assets"))
    checks = downloads.check_downloads()
    assert len(checks) == 5
    for check in checks:
        assert_fails(check, "not here", needed=False)
    home = weight_file("clip-vit-b-32").home
    home.parent.mkdir(parents=True)
    home.touch()
    assert downloads.look_again(checks[0]).ok


def test_demonstrations(tmp_path):
    folder = tmp_path / "demos"
    assert_fails(downloads.check_demonstrations(folder), str(folder), needed=False)
    path = write_demos(folder, 3)
    check = downloads.check_demonstrations(folder)
    assert check.ok
    assert check.detail == f"3 episodes of 1 task in {folder}"
    path.write_bytes(path.read_bytes()[:-9])
    check = downloads.check_demonstrations(folder)
    assert_fails(check, path.name, needed=False)
    assert check.remedy == "newt demos validate"


def test_what_is_missing_is_fetched(monkeypatch, tmp_path):
    fetched: list[str] = []

    def fetch(name: str, *others: object) -> Path:
        fetched.append(name)
        return tmp_path / name

    monkeypatch.setattr(downloads, "download_weights", fetch)
    monkeypatch.setattr(downloads, "download_asset", fetch)
    weights = Check("weights clip-vit-b-32", False, "not here", item="clip-vit-b-32")
    asset = Check("assets ycb", False, "not here", item="ycb")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "not fetched, HF_HUB_OFFLINE" in downloads.mend(weights)
    assert not fetched
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert downloads.mend(weights) == f"clip-vit-b-32: fetched to {tmp_path}/clip-vit-b-32"
    assert downloads.mend(asset).startswith("ycb: fetched")
    assert fetched == ["clip-vit-b-32", "ycb"]


def test_a_fetch_that_fails_says_why(monkeypatch):
    def refuse(*arguments: object) -> Path:
        raise downloads.NewtError("cannot fetch:\nno route to host.")

    monkeypatch.setattr(downloads, "download_asset", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for name in ASSETS:
        done = downloads.mend(Check(f"assets {name}", False, "not here", item=name))
        assert done == f"{name}: not fetched, cannot fetch: no route to host."


def test_everything_is_looked_at_whatever_fails(monkeypatch):
    monkeypatch.setattr(
        libraries, "probe", lambda *arguments, seconds: Answer(problem="ended by SIGSEGV")
    )
    checks = {check.name: check for check in examine()}
    assert list(checks)[:3] == ["python", "packages", "torch"]
    assert list(checks)[-1] == "training"
    assert {f"domain {name}" for name in libraries.domains()} <= set(checks)
    assert checks["python"].ok
    for name in ("torch", "egl", "vulkan", "domain dmcontrol", "training"):
        assert checks[name].detail.endswith("ended by SIGSEGV")


@pytest.mark.slow
def test_here_all_that_is_needed_works():
    line = [sys.executable, "-m", "newt_cli", "doctor", "--json"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    checks = json.loads(done.stdout)["checks"]
    assert checks["training"]["detail"].startswith("preset cpu: ")
