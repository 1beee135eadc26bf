"""docs/tasks.md is what the specs say now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from newt_core.errors import MissingDependencyError
from newt_core.specs import load_specs
from scripts import make_task_docs as docs

ROOT = Path(__file__).parent.parent
LIBRARY = load_specs()
HINT = "run `python scripts/make_task_docs.py` (with --thumbnails for new tasks)"


def test_the_page_is_current():
    text = docs.page(list(LIBRARY.values()), docs.read_players(), docs.drawn_tasks())
    assert docs.PAGE.read_text(encoding="utf-8") == text, f"docs/tasks.md is out of date: {HINT}"


def test_every_task_has_a_row_of_its_domains_table():
    page = docs.PAGE.read_text(encoding="utf-8")
    for spec in LIBRARY.values():
        (row,) = (line for line in page.splitlines() if f"| `{spec.id}`" in line)
        before = page[: page.index(row)]
        assert before.rindex(f"## {docs.TITLES[spec.domain]}\n") == before.rindex("## ")
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert cells[2] == spec.instruction
        assert cells[3:5] == [str(spec.obs_dim), str(spec.action_dim)]
        assert ("*held out*" in row) == (spec.split == "transfer")


def test_every_game_of_miniarcade_shows_a_player_clearly_above_random():
    players = docs.read_players()["tasks"]
    games = [spec.id for spec in LIBRARY.values() if spec.domain == "miniarcade"]
    assert len(games) == 22
    page = docs.PAGE.read_text(encoding="utf-8")
    for task in games:
        played, drawn = players[task]["player"]["score"], players[task]["random"]["score"]
        assert played >= drawn + 0.2, task
        (row,) = (line for line in page.splitlines() if f"| `{task}`" in line)
        assert row.endswith(f" | {played:.2f} | {drawn:.2f} |")


def test_thumbnails_are_small_pictures_of_tasks():
    paths = sorted(docs.PICTURES.glob("*"))
    assert len(paths) > 150
    assert sum(path.stat().st_size for path in paths) < 4_000_000
    for path in paths:
        assert path.stem in LIBRARY, f"{path.name} is of no task: {HINT}"
        with Image.open(path) as image:
            assert image.format == "JPEG"
            assert image.size == (docs.SIDE, docs.SIDE)
            assert np.asarray(image).std() > 2, f"{path.name} is empty"


def test_a_task_that_cannot_be_drawn_gets_a_dash_and_keeps_no_half_picture(tmp_path, monkeypatch):
    def picture(spec):
        if spec.id == "walker-run":
            raise MissingDependencyError("needs a driver")
        return np.full((224, 224, 3), 90, np.uint8)

    monkeypatch.setattr(docs, "picture", picture)
    specs = [LIBRARY["walker-run"], LIBRARY["walker-walk"]]
    assert docs.draw(specs, tmp_path) == ["walker-run"]
    assert [path.name for path in tmp_path.iterdir()] == ["walker-walk.jpg"]
    page = docs.page(specs, {"episodes": 1, "tasks": {}}, docs.drawn_tasks(tmp_path))
    rows = [line for line in page.splitlines() if "`walker-" in line]
    assert rows[0].startswith("| - | `walker-run` |")
    assert rows[1].startswith("| ![walker-walk](images/tasks/walker-walk.jpg) |")
    assert "player" not in page.split("## DMControl")[1]


def test_a_users_domain_comes_last_under_its_own_name():
    own = LIBRARY["walker-run"].model_copy(update={"id": "garden-rest", "domain": "garden"})
    page = docs.page([own, LIBRARY["walker-run"]], {"episodes": 1, "tasks": {}}, [])
    assert page.index("## DMControl\n") < page.index("## garden\n")
