"""`newt checkpoint show|import|export`, and what an imported checkpoint is good for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from newt_cli.commands.checkpoint import _shortened
from newt_core.model.count import count_parameters
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.content import read_content
from newt_core.workflows.run_parts import RunParts
from tests.fixtures import published_models as published
from tests.fixtures.contents import payload_of
from tests.fixtures.short_tasks import SPECS

BRING = "newt checkpoint import short-reach.pt --specs specs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tasks of ten steps, and a published model of one of them."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "specs").mkdir()
    (folder / "specs/short.yaml").write_text(SPECS)
    published.write(folder / "short-reach.pt", published.weights("S", text=0, state=6, action=2))
    two = published.weights("S") | published.tables([2, 1])
    published.write(folder / "two.pt", two)
    return folder


@pytest.fixture(autouse=True)
def at_work(newt, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def test_show_says_what_a_published_file_is(newt):
    told = newt("newt checkpoint show short-reach.pt --specs specs --json").json
    assert (told["format"], told["kind"], told["size"]) == ("published", "per task", "2M")
    assert told["tasks"] == ["short-reach"]
    assert told["reads"] == {"state": 6, "text": False, "action": 2, "features": 0}
    model = published.weights("S", text=0, state=6, action=2)
    learned = [t.numel() for name, t in model.items() if "target" not in name and t.ndim]
    assert told["parameters"]["total"] == sum(learned)
    text = newt("newt checkpoint show two.pt").out
    assert "per task" in text
    assert "not said" in text


def test_show_says_what_one_of_ours_is(newt):
    assert newt(BRING).code == 0
    told = newt("newt checkpoint show checkpoints/short-reach.pt --json").json
    assert (told["format"], told["version"], told["kind"]) == ("newt", 1, "newt")
    assert (told["size"], told["obs"], told["steps"]) == ("2M", "state", 0)
    assert (told["tasks"], told["text_encoder"]) == (["short-reach"], "zero")
    counted = count_parameters("2M")
    assert told["parameters"] == counted | {"total": sum(counted.values())}
    assert told["settings"]["model"]["size"] == "2M"
    assert told["bytes"] == Path("checkpoints/short-reach.pt").stat().st_size
    lines = newt("newt checkpoint show checkpoints/short-reach.pt").out.splitlines()
    rows = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in lines}
    assert rows["size"] == "2M"
    assert rows["settings.planner.horizon"] == "3"
    assert rows["imported_from"] == "short-reach.pt"


def test_show_takes_an_agent_without_a_world_model(newt):
    config = resolve_config(overrides=("agent.kind=other",), tasks="walker-run")
    save_checkpoint(Path("other.pt"), payload_of(config, [load_specs()["walker-run"]]))
    told = newt("newt checkpoint show other.pt --json").json
    assert (told["kind"], told["size"], told["parameters"]) == ("other", None, {})
    answer = newt("newt checkpoint export other.pt --out there.pt")
    assert answer.code == 2
    assert "an agent 'other'" in answer.err
    assert not Path("there.pt").exists()


def test_import_and_export_say_what_they_wrote(newt):
    answer = newt(f"{BRING} --size S")
    assert answer.code == 0, answer.err
    assert answer.err == "wrote checkpoints/short-reach.pt: 2M, tasks: short-reach\n"
    back = newt("newt checkpoint export checkpoints/short-reach.pt --out short-reach-2.pt")
    assert back.code == 0, back.err
    one = torch.load("short-reach.pt", weights_only=True)["model"]
    other = torch.load("short-reach-2.pt", weights_only=True)["model"]
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("newt checkpoint import nowhere.pt", "there is no checkpoint nowhere.pt"),
        ("newt checkpoint import two.pt", "--task"),
        (f"{BRING} --size XL", "2M model by its tensors, not 80M"),
        (f"{BRING} --task walker-run", "observations have 6 entries, but those of 'walker-run'"),
        (f"{BRING} --out two.pt", "two.pt is there already"),
        ("newt checkpoint import specs/short.yaml --task walker-run", "not a checkpoint"),
        ("newt checkpoint export short-reach.pt --out there.pt", "newt checkpoint import"),
        ("newt checkpoint show specs/short.yaml", "not a checkpoint"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(newt, line, said):
    before = sorted(path.name for path in Path().rglob("*"))
    answer = newt(line)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert sorted(path.name for path in Path().rglob("*")) == before


def test_an_imported_checkpoint_is_evaluated_like_any_other(newt):
    assert newt(BRING).code == 0
    line = "newt eval checkpoints/short-reach.pt --episodes 1 --specs specs --policy-only --json"
    answer = newt(line)
    assert answer.code == 0, answer.err
    assert answer.json["tasks"]["short-reach"]["episodes"] == 1


def test_it_does_not_act_where_it_has_no_entries_for(newt):
    assert newt(BRING).code == 0
    answer = newt("newt eval checkpoints/short-reach.pt --task cheetah-run")
    assert answer.code == 2
    (line,) = answer.err.splitlines()
    assert "its observations have 6 entries, but those of 'cheetah-run' have 17" in line


def test_a_run_that_begins_with_it_keeps_its_texts(newt):
    assert (
        newt("newt checkpoint import two.pt --specs specs --tasks short-reach,short-balance").code
        == 0
    )
    made = Path("checkpoints/two.pt")
    library = load_specs([Path("specs")])
    saved = read_content(made)
    config = resolve_config(tasks="short-balance", pretrained=str(made), text_encoder="clip")
    texts = RunParts(config, [library["short-balance"]]).texts
    assert texts.encoder == saved.run.text_encoder == "clip-vit-b-32"
    assert texts.vectors[0].tolist() == saved.run.text[1].tolist()


@pytest.mark.parametrize(
    ("count", "said"),
    [(8, "a0, a1, a2, a3, a4, a5, a6, a7"), (11, "a6, a7 and 3 more"), (0, "not said")],
)
def test_of_many_tasks_some_are_named_and_the_others_counted(count, said):
    assert _shortened([f"a{index}" for index in range(count)]).endswith(said)
