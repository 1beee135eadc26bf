import errno
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from newt_core.errors import MissingDependencyError, RunFolderError
from newt_core.training.metrics import MetricsLogger, read_metrics
from newt_core.training.sinks import Row, WandbSink


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.jsonl"


def log_steps(file: Path, *steps: int, restored_step: int | None = None) -> None:
    with MetricsLogger(file, restored_step=restored_step) as metrics:
        for step in steps:
            metrics.log(step, {"loss": step / 2})


def steps(file: Path) -> list[int]:
    return [json.loads(line)["step"] for line in file.read_text().splitlines()]


def test_a_line_per_step_with_everything_in_json(file):
    with MetricsLogger(file) as metrics:
        metrics.log(10, {"loss": torch.tensor(0.5), "updates": 3, "success": float("nan")})
        metrics.log(20, {"loss": float("inf")})
        # Readable at once, before anything is closed: a kill loses no line.
        first, second = map(json.loads, file.read_text().splitlines())
        assert '"updates": 3,' in file.read_text(), "a count stays a whole number"
    assert first.pop("wall_time") >= 0
    assert first == {"step": 10, "loss": 0.5, "updates": 3, "success": None}
    assert second["loss"] is None
    assert "NaN" not in file.read_text()
    assert "Infinity" not in file.read_text()


def test_a_resumed_run_has_no_step_twice(file):
    log_steps(file, 100, 200, 300, 400)
    log_steps(file, 300, 400, 500, restored_step=200)
    assert steps(file) == [100, 200, 300, 400, 500]


def test_the_restored_steps_own_row_stays_and_can_be_added_to(file):
    log_steps(file, 100, 200)
    with MetricsLogger(file, restored_step=100) as metrics:
        metrics.log(100, {"eval": 0.5})
        metrics.log(200, {"loss": 7})
    assert [row | {"wall_time": 0} for row in read_metrics(file)] == [
        {"step": 100, "wall_time": 0, "loss": 50, "eval": 0.5},
        {"step": 200, "wall_time": 0, "loss": 7},
    ]


def test_what_is_logged_at_one_step_is_one_row(file):
    sink = RememberingSink()
    with MetricsLogger(file, others=(sink,)) as metrics:
        metrics.log(100, {"loss": 0.123456789, "speed": 1})
        metrics.log(100, {"eval": 0.5, "speed": 2})
        metrics.log(200, {"loss": 3.0})
        assert [set(row) - {"wall_time"} for row in sink.rows] == [
            {"step", "loss", "speed", "eval"}
        ]
    assert steps(file) == [100, 200]
    assert read_metrics(file)[0]["speed"] == 2
    # Every number of every step went to the other sinks, too, and once.
    assert [
        (row["step"], row.get("loss"), row.get("eval"), row.get("speed")) for row in sink.rows
    ] == [
        (100, 0.123456789, 0.5, 2),
        (200, 3.0, None, None),
    ]


def test_a_resumed_run_gives_other_sinks_only_what_is_new(file):
    log_steps(file, 100)
    sink = RememberingSink()
    with MetricsLogger(file, restored_step=100, others=(sink,)) as metrics:
        metrics.log(100, {"eval": 0.5})
        metrics.log(200, {"loss": 3.0})
        closed = [sink.closed]
    assert [*closed, sink.closed] == [False, True]
    assert [set(row) - {"wall_time"} for row in sink.rows] == [{"step", "eval"}, {"step", "loss"}]
    for changes, handed_on in (({"loss": 3.0}, []), ({"loss": 4.0}, [(200, 4.0)])):
        sink = RememberingSink()
        with MetricsLogger(file, restored_step=200, others=(sink,)) as metrics:
            metrics.log(200, changes)
        assert [(row["step"], row["loss"]) for row in sink.rows] == handed_on


def test_a_row_that_gets_shorter_leaves_nothing_behind(file):
    with MetricsLogger(file) as metrics:
        metrics.log(100, {"loss": 0.123456789012345})
        metrics.log(100, {"loss": 1.0})
        metrics.log(200, {"loss": 2.0})
    assert [json.loads(line)["loss"] for line in file.read_text().splitlines()] == [1.0, 2.0]


class RememberingSink:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.closed = False

    def write(self, row: Row) -> None:
        self.rows.append(row)

    def close(self) -> None:
        self.closed = True


def test_a_run_without_a_checkpoint_begins_afresh(file):
    log_steps(file, 0, 100)
    log_steps(file, 0, 100, 200)
    assert steps(file) == [0, 100, 200]


def test_a_half_written_line_is_repaired(file):
    log_steps(file, 100, 200)
    with open(file, "ab") as lines:
        lines.write(b'{"step": 300, "wall_ti')
    assert [row["step"] for row in read_metrics(file)] == [100, 200]
    log_steps(file, 400, restored_step=350)
    assert steps(file) == [100, 200, 400]


def test_lines_of_something_else_are_passed_over(file):
    file.parent.mkdir()
    file.write_text(
        '[1]\n{"loss": 1}\n\nnull\n{"step": null}\n{"step": "7"}\n{"step": 5, "loss": 1.0}\n\xff\n'
    )
    assert read_metrics(file) == [{"step": 5, "loss": 1.0}]


def test_wall_time_goes_on_where_the_run_was(file):
    file.parent.mkdir()
    file.write_text('{"step": 1, "wall_time": 1000.0}\n{"step": 2, "wall_time": 2000.0}\n')
    log_steps(file, 2, restored_step=1)
    assert 1000.0 <= float(read_metrics(file)[-1]["wall_time"] or 0) < 1900.0


def test_reserved_names_and_unwritable_places(file, tmp_path):
    with MetricsLogger(file) as metrics, pytest.raises(ValueError, match="'step' is reserved"):
        metrics.log(1, {"step": 2})
    (tmp_path / "plain").touch()
    with pytest.raises(RunFolderError, match="cannot write"):
        MetricsLogger(tmp_path / "plain" / "metrics.jsonl")
    with pytest.raises(RunFolderError, match="cannot read"):
        read_metrics(tmp_path / "nowhere.jsonl")


def test_tensorboard_shows_the_numbers_and_forgets_what_was_given_up(file, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "tb"
    with MetricsLogger(file, folder) as metrics:
        for step in (10, 20, 30):
            metrics.log(step, {"loss": float(step), "success": float("nan")})
    with MetricsLogger(file, folder, restored_step=20) as metrics:
        metrics.log(30, {"loss": -1.0})

    events = EventAccumulator(str(folder))
    events.Reload()
    assert events.Tags()["scalars"] == ["loss"]
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 10), (20, 20), (30, -1)]


def log_at(metrics: MetricsLogger, *steps: int) -> None:
    for step in steps:
        metrics.log(step, {"loss": 1.0})


def test_a_disk_that_is_full_for_tensorboard_ends_no_run(file, tmp_path, monkeypatch):
    from tensorboard.summary.writer.record_writer import RecordWriter

    with MetricsLogger(file, tmp_path / "tb") as metrics:
        metrics.log(10, {"loss": 1.0})

        def refuse(writer: RecordWriter, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(RecordWriter, "write", refuse)
        with pytest.warns(UserWarning, match="going on without TensorBoard: .*No space") as said:
            log_at(metrics, 20, 30, 40)
        assert len(said) == 1
    assert [row["step"] for row in read_metrics(file)] == [10, 20, 30, 40]


def test_no_folder_for_tensorboard_ends_no_run(file, tmp_path):
    (tmp_path / "tb").write_text("a file in its place")
    with pytest.warns(UserWarning, match="without TensorBoard: .*a part of this path is a file"):
        metrics = MetricsLogger(file, tmp_path / "tb")
    with metrics:
        metrics.log(10, {"loss": 1.0})
    assert read_metrics(file)[0]["loss"] == 1.0


def test_tensorboard_is_not_imported_before_it_is_used():
    import subprocess

    code = "import sys, newt_core.training.sinks; sys.exit('tensorboard' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wandb_takes_the_same_rows_under_the_runs_name(file, tmp_path, monkeypatch):
    calls: list[tuple[str, object]] = []

    class FakeRun:
        def log(self, metrics: dict[str, float], step: int) -> None:
            calls.append(("log", (step, metrics)))

        def finish(self) -> None:
            calls.append(("finish", None))

    def init(**settings: object) -> FakeRun:
        calls.append(("init", settings))
        return FakeRun()

    fake = ModuleType("wandb")
    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    with MetricsLogger(file, others=(WandbSink("my-run", tmp_path, {"seed": 1}),)) as metrics:
        metrics.log(5, {"loss": 1.0, "success": float("nan")})

    name, settings = calls[0]
    assert name == "init"
    assert isinstance(settings, dict)
    assert settings == {
        "project": "newt",
        "id": "my-run",
        "name": "my-run",
        "resume": "allow",
        "dir": str(tmp_path),
        "config": {"seed": 1},
    }
    assert calls[1:] == [("log", (5, {"loss": 1.0})), ("finish", None)]


def test_wandb_missing_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingDependencyError, match="pip install wandb"):
        WandbSink("run", tmp_path, {})
