"""Where the tasks of a run with its user's own specs are found again."""

from __future__ import annotations

from newt_core.workflows.find_checkpoint import specs_for
from tests.fixtures.run_folders import add_pretraining, write_finetuning, write_run


def test_a_checkpoint_of_a_run_knows_the_specs_that_the_run_has_kept(tmp_path):
    run = write_run(tmp_path, "mine")
    add_pretraining(run)
    for folder in (run, run.pretraining):
        folder.checkpoints.mkdir(exist_ok=True)
        (folder.checkpoints / "last.pt").touch()
    (tmp_path / "specs").mkdir()  # Somebody else's.
    assert not specs_for("mine", runs=tmp_path)
    run.specs.mkdir()
    for name in ("mine", str(run.checkpoints / "last.pt")):
        assert list(specs_for(name, runs=tmp_path)) == [run.specs]
    part = str(run.pretraining.checkpoints / "last.pt")
    assert list(specs_for(part, runs=tmp_path)) == [run.specs]
    named = [tmp_path / "specs"]
    assert specs_for("mine", named, tmp_path) == named
    assert not specs_for("nosuch", runs=tmp_path)


def test_a_run_of_a_finetuning_knows_those_of_the_finetuning(tmp_path):
    checkpoint = tmp_path / "any.pt"
    checkpoint.touch()
    made = write_finetuning(tmp_path, "ft", checkpoint)
    made.specs.mkdir()
    run = made.run(made.plan.members[0])
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "last.pt").touch()
    assert list(specs_for(str(run.checkpoints / "last.pt"))) == [made.specs]
