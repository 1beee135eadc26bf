"""Command lines and Python calls that are wrong: each is answered in a line or two, and no more.

The table is wrong_invocations.txt beside this file: a command line, ``=>``, and what the message
has to say. The lines are run in a folder full of files that are not what they should be.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import newt_core
from newt_cli.app import main
from newt_core.errors import NewtError
from tests.fixtures.wrong_world import lay_out

TABLE = Path(__file__).with_name("wrong_invocations.txt")
ROWS = [
    tuple(part.strip() for part in line.split("=>"))
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if line.startswith("newt")
]

WORK = (
    "newt_core.workflows.train:train",
    "newt_core.workflows.pretrain:pretrain",
    "newt_core.workflows.forecast:forecast",
    "newt_core.workflows.evaluate:evaluate_agent",
    "newt_core.envs.checks:check_task",
    "newt_core.envs.pool.process:WorkerProcess.__init__",
    "newt_core.bench.plan:bench_plan",
    "newt_core.bench.update:bench_update",
    "newt_core.bench.train:bench_train",
    "newt_core.bench.agent:measure_apart",
    "newt_core.envs.asset_download:download_asset",
    "newt_core.encoders.weights:download",
)
"""What a mistake must not lead to."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    lay_out(folder)
    return folder


@pytest.fixture
def here(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(world)
    monkeypatch.setenv("NEWT_CACHE", str(world / "cache"))
    monkeypatch.setenv("NEWT_ASSETS", str(world / "assets"))
    monkeypatch.delenv("NEWT_DEBUG", raising=False)
    for place in WORK:
        monkeypatch.setattr(place.replace(":", "."), begun)
    return world


def begun(*args: object, **kwargs: object) -> None:
    raise AssertionError("it was taken for right, and the work began")


def listing(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*")}


def test_there_are_many_for_every_command():
    counted: dict[str, int] = {}
    for line, _ in ROWS:
        command = line.split()[1]
        counted[command] = counted.get(command, 0) + 1
    print(counted)
    assert len(ROWS) >= 400
    assert len({line for line, _ in ROWS}) == len(ROWS)


def takes_json(line: str) -> bool:
    words = line.split()
    groups = {"tasks", "demos", "assets", "weights", "info", "bench"}
    whole = len(words) > 2 or words[1] not in groups
    return whole and words[1] != "play" and not words[-1].startswith("--") and "=" not in words[-1]


@pytest.mark.parametrize(("line", "said"), ROWS, ids=[line for line, _ in ROWS])
def test_a_wrong_command_line_is_answered_shortly(here, capfd, line, said):
    before = listing(here)
    arguments = shlex.split(line)[1:] + ["--json"] * takes_json(line)
    capfd.readouterr()
    code = main(arguments)
    out, err = capfd.readouterr()
    assert code == 2
    assert said in err.replace(f"{here}/", "")
    assert len(err.splitlines()) <= 2
    assert "Traceback" not in err
    if "--json" in arguments:
        message = json.loads(out)["error"]
        assert err.endswith(f"error: {message}\n")
    else:
        assert out == ""
    assert listing(here) == before, "something was written"


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "make: unknown": (lambda: newt_core.make("walker-rnu"), "Did you mean 'walker-run'?"),
    "make: several": (lambda: newt_core.make("all"), "one is needed here"),
    "make: pattern": (lambda: newt_core.make("walker-*"), "one is needed here"),
    "make: obs": (
        lambda: newt_core.make("walker-run", obs="sound"),  # type: ignore[arg-type]
        "sound",
    ),
    "make_vec: unknown": (lambda: newt_core.make_vec(["walker-rnu"]), "Did you mean 'walker-run'?"),
    "make_vec: none": (lambda: newt_core.make_vec([]), ""),
    "load: missing": (lambda: newt_core.load("none.pt"), "none.pt"),
    "load: text": (lambda: newt_core.load("text.pt"), "not a checkpoint, or cut short"),
    "load: foreign": (lambda: newt_core.load("tensor.pt"), "not a checkpoint of Newt"),
    "load: objects": (lambda: newt_core.load("object.pt"), "holds objects other than tensors"),
    "load: folder": (lambda: newt_core.load("afolder"), "afolder"),
    "load: device": (lambda: newt_core.load("last.pt", device="cuda:99"), "device cuda:99"),
    "specs: missing": (lambda: newt_core.load_specs([Path("none")]), "does not exist"),
    "specs: item": (lambda: newt_core.load_specs()["walker-rnu"], "Did you mean 'walker-run'?"),
    "specs: select": (lambda: newt_core.load_specs().select("zzz-*"), "matches none"),
    "new_run: no tasks": (lambda: newt_core.new_run(newt_core.Asked()), "nothing says which tasks"),
    "new_run: setting": (
        lambda: newt_core.new_run(newt_core.Asked(overrides=["update.learning_rate=1"])),
        "Did you mean 'update.lr'?",
    ),
    "new_run: preset": (lambda: newt_core.new_run(newt_core.Asked("smok")), "'smoke'?"),
    "existing_run": (
        lambda: newt_core.existing_run(newt_core.Asked(), name="none"),
        "there is no run 'none'",
    ),
    "evaluate: missing": (
        lambda: newt_core.evaluate_checkpoint(
            newt_core.EvaluationRequest(Path("none.pt")), library=newt_core.load_specs()
        ),
        "there is no checkpoint none.pt",
    ),
    "evaluate_random: unknown": (
        lambda: newt_core.evaluate_random("nothing", 1, library=newt_core.load_specs()),
        "'nothing' is not a known task",
    ),
    "film: suffix": (
        lambda: newt_core.film_checkpoint(newt_core.FilmRequest("last.pt", None, Path("a.avi"))),
        "must end in .mp4 or .gif",
    ),
}
"""A wrong call of the Python API, and what its message has to say."""


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_one_of_the_errors_that_users_cause(here, name):
    call, said = CALLS[name]
    before = listing(here)
    with pytest.raises(NewtError) as caught:
        call()
    assert said in str(caught.value).replace(f"{here}/", "")
    assert len(str(caught.value).splitlines()) <= 2
    assert listing(here) == before, "something was written"
