"""`newt assets`, and what the other commands do without them."""

from __future__ import annotations

import dataclasses
import shutil
import sys

import pytest

from newt_core.envs import asset_download
from newt_core.reporting.numbers import number
from tests.fixtures.maniskill_assets import write_anymal, write_xarm6, write_ycb

CONTRACT = {"name", "title", "present", "path", "bytes", "sha256", "problem", "tasks"}
NOWHERE = "http://127.0.0.1:9/"
"""Where nobody answers: the port of the discard service."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of assets."""
    folder = tmp_path / "assets"
    monkeypatch.setenv("NEWT_ASSETS", str(folder))
    return folder


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Return a function that has the library's downloader find its zip files elsewhere."""

    def from_url(url):
        download, _ = asset_download._library_source("ycb")

        def source(name):
            from mani_skill.utils.assets import DATA_SOURCES

            where = f"{url}{name}.zip"
            return download, dataclasses.replace(DATA_SOURCES[name], url=where, checksum=None)

        monkeypatch.setattr(asset_download, "_library_source", source)

    return from_url


@pytest.fixture
def shop(tmp_path, serve):
    """A folder from which the downloader gets its zip files, as the real ones are packed."""
    shop = tmp_path / "shop"
    goods = tmp_path / "goods"
    shop.mkdir()
    for name, made, inside in (
        ("ycb", write_ycb(goods, ["011_banana", "013_apple"]), "mani_skill2_ycb"),
        ("xarm6", write_xarm6(goods), "ManiSkill-XArm6-0.1.1"),
        ("anymal_c", write_anymal(goods), "ManiSkill-ANYmalC-0.1.1"),
    ):
        packed = tmp_path / f"packed-{name}"
        shutil.copytree(made, packed / inside)
        shutil.make_archive(str(shop / name), "zip", packed)
    serve(f"{shop.as_uri()}/")
    return shop


def test_without_any_all_are_listed_as_absent(newt, folder):
    answer = newt("newt assets list --json")
    assert answer.code == 0
    assert [item["name"] for item in answer.json] == ["ycb", "xarm6", "anymal_c"]
    for item in answer.json:
        assert set(item) == CONTRACT
        assert (item["present"], item["bytes"], item["sha256"]) == (False, 0, None)
        assert item["path"].startswith(str(folder))
        assert item["problem"] == "not downloaded"
    assert [len(item["tasks"]) for item in answer.json] == [23, 2, 1]
    table = newt("newt assets list").out.splitlines()
    assert [row.split()[0] for row in table] == ["asset", "ycb", "xarm6", "anymal_c"]


def test_a_wrong_name_is_told_before_any_file_is_read(newt, monkeypatch):
    monkeypatch.setattr("newt_core.envs.assets.folder_digest", lambda folder: pytest.fail("read"))
    answer = newt("newt assets check ycb xarm")
    assert answer.code == 2
    assert "Did you mean 'xarm6'" in answer.err


def test_the_folder_of_a_failed_download_is_not_an_asset(newt, folder):
    (folder / "data/assets/mani_skill2_ycb").mkdir(parents=True)
    (folder / "data/robots/xarm6").mkdir(parents=True)
    assert not any(item["present"] for item in newt("newt assets list --json").json)
    answer = newt("newt assets check xarm6")
    assert answer.code == 1
    assert "newt assets download xarm6" in answer.err


def test_a_missing_file_of_one_is_found(newt, folder):
    ycb = write_ycb(folder, ["011_banana", "013_apple"])
    arm = write_xarm6(folder)
    assert newt("newt assets check ycb xarm6").code == 0
    sizes = {item["name"]: item["bytes"] for item in newt("newt assets list --json").json}
    assert sizes["ycb"] == sum(file.stat().st_size for file in ycb.rglob("*") if file.is_file())
    row = next(line for line in newt("newt assets list").out.splitlines() if "ycb" in line)
    assert number(sizes["ycb"] / 1e6) in row.split()
    (ycb / "models/013_apple/textured.obj").unlink()
    (arm / "meshes/base.stl").unlink()  # which the robot's own file names
    answer = newt("newt assets check ycb xarm6 --json")
    assert answer.code == 1
    assert [item["present"] for item in answer.json] == [False, False]
    assert "013_apple/textured.obj missing" in answer.err
    assert "base.stl missing" in answer.err


def test_download_check_damage(newt, folder, shop):
    answer = newt("newt assets download --json")
    assert answer.code == 0, answer.err
    assert all(item["present"] and item["problem"] is None for item in answer.json)
    first = {item["name"]: item["sha256"] for item in answer.json}
    assert all(len(digest) == 64 for digest in first.values())
    assert newt("newt assets check").code == 0
    assert not list(folder.glob(".newt-download-*"))
    assert "is here already" in newt("newt assets download ycb").err
    listing = folder / "data/assets/mani_skill2_ycb/info_pick_v0.json"
    listing.write_text(listing.read_text() + " ")
    answer = newt("newt assets check")
    assert answer.code == 1
    assert "ycb: its files are not those that were downloaded" in answer.err
    again = newt("newt assets download ycb --json").json[0]
    assert (again["sha256"], again["problem"]) == (first["ycb"], None)


def test_another_folder_can_be_named(newt, folder, shop, tmp_path):
    answer = newt("newt assets download anymal_c --folder other --json")
    assert answer.code == 0, answer.err
    assert answer.json[0]["path"] == str(tmp_path / "other/data/robots/anymal_c")
    assert f"export NEWT_ASSETS={tmp_path / 'other'}" in answer.err
    assert not folder.exists()


def test_offline_one_line_says_so_and_nothing_is_left(newt, folder, serve):
    serve(NOWHERE)
    write_anymal(folder)
    before = sorted(folder.rglob("*"))
    answer = newt("newt assets download ycb")
    assert answer.code == 1
    message = answer.err[answer.err.index("error: ") :]
    assert message.startswith(f"error: cannot fetch {NOWHERE}ycb.zip: ")
    assert "bring the folder 'data/assets/mani_skill2_ycb' from a machine that has it" in message
    assert len(message.splitlines()) == 1
    assert "Traceback" not in answer.err
    assert sorted(folder.rglob("*")) == before


def test_a_download_that_is_something_else_changes_nothing(newt, folder, shop):
    made = write_ycb(folder, ["013_apple"])
    (made / "info_pick_v0.json").unlink()  # not whole: it will be fetched again
    (shop / "ycb.zip").write_bytes((shop / "xarm6.zip").read_bytes())
    answer = newt("newt assets download ycb")
    assert answer.code == 1
    assert "has no file 'data/assets/mani_skill2_ycb/info_pick_v0.json'" in answer.err
    assert (made / "models/013_apple/textured.obj").exists()
    (shop / "ycb.zip").write_bytes(b"<html>Not found</html>")
    answer = newt("newt assets download ycb")
    assert answer.code == 1
    assert "is damaged" in answer.err
    assert sorted(path.name for path in folder.iterdir()) == ["data"]


def test_an_interrupted_download_leaves_nothing(folder, shop):
    def interrupt(done, total):
        assert 0 < done <= total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asset_download.download_asset("ycb", on_progress=interrupt)
    assert not folder.exists()


def test_a_wrong_name_is_put_right(newt):
    answer = newt("newt assets download ybc")
    assert answer.code == 2
    assert "there is no asset 'ybc'. Did you mean 'ycb'?" in answer.err


def test_a_task_without_its_asset_is_skipped_with_the_command_that_gets_it(newt):
    answer = newt("newt tasks check ms-pick-apple,ms-anymal-reach --json")
    assert answer.code == 0
    skipped = answer.json["skipped"]
    assert skipped["ms-pick-apple"].endswith("newt assets download ycb")
    assert skipped["ms-anymal-reach"].endswith("newt assets download anymal_c")
    assert all(len(reason.splitlines()) == 1 for reason in skipped.values())


def test_an_object_that_the_download_lacks_is_named(newt, folder):
    write_ycb(folder, ["013_apple"])
    reason = newt("newt tasks check ms-pick-mug --json").json["skipped"]["ms-pick-mug"]
    assert "no file data/assets/mani_skill2_ycb/models/025_mug/collision.ply" in reason


def test_a_missing_package_is_one_line_with_its_version(newt, monkeypatch):
    monkeypatch.setitem(sys.modules, "mani_skill", None)
    answer = newt("newt tasks check ms-pick-cube --json")
    reason = answer.json["skipped"]["ms-pick-cube"]
    assert reason.startswith("the domain 'maniskill' needs the Python package 'mani_skill'")
    assert "pip install 'mani-skill==" in reason
    assert len(reason.splitlines()) == 1


GROUP = "walker-run,ms-reach,ms-*-xarm6,ms-pick-a*"


def test_training_on_a_group_leaves_out_what_cannot_run_and_says_so(newt, core):
    answer = newt(f"newt train --tasks '{GROUP}' --preset smoke --device cpu --run a")
    assert answer.code == 0, answer.err
    notices = [line for line in answer.err.splitlines() if line.startswith("left out")]
    assert len(notices) == 2
    assert "left out 2 of the tasks, ms-pick-cube-xarm6, ms-reach-xarm6: " in notices[0]
    assert "left out 1 of the tasks, ms-pick-apple: " in notices[1]
    assert all("newt assets download" in notice for notice in notices)
    arguments = core.arguments("train")
    config, folder = arguments["config"], arguments["folder"]
    assert config.tasks == "walker-run,ms-reach"
    assert "tasks: walker-run,ms-reach\n" in folder.config_file.read_text()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"newt train --tasks '{GROUP}' --strict --preset smoke --run a", "--strict leaves none"),
        (f"newt eval random --tasks '{GROUP}' --strict", "--strict leaves none out"),
        ("newt train --tasks walker-run,ms-pick-apple --preset smoke --run a", "download ycb"),
        ("newt eval random --tasks ms-pick-apple", "download ycb"),
        ("newt train --tasks 'ms-pick-a*' --preset smoke --run a", "none is left"),
    ],
)
def test_strictly_or_by_name_or_with_nothing_left_it_is_an_error(newt, core, line, reason):
    answer = newt(line)
    assert answer.code == 2
    error = answer.err.splitlines()[-1]
    assert error.startswith("error: ")
    assert reason in error
    assert core.calls == []


def test_evaluating_a_group_leaves_out_the_same(newt, core):
    assert newt(f"newt eval random --tasks '{GROUP}'").code == 0
    assert core.arguments("evaluate_random")["tasks"] == "walker-run,ms-reach"
    assert newt("newt eval random --tasks 'walker-*'").code == 0
    assert core.arguments("evaluate_random")["tasks"] == "walker-*"  # nothing to leave out
