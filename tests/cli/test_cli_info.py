"""`newt info`."""

from __future__ import annotations

from newt_core.threads import SLEEP
from newt_core.types import TEXT_DIM


def test_model_counts_parameters_part_by_part(newt):
    answer = newt("newt info model --size 20M --json").json
    assert list(answer["parts"]) == ["encoder", "dynamics", "reward", "policy", "q"]
    assert answer["total"] == sum(answer["parts"].values())
    # State and text into 1024, 1024, 512: weights, biases, a layer norm's scale and shift.
    layers = [(128 + TEXT_DIM, 1024), (1024, 1024), (1024, 512)]
    assert answer["parts"]["encoder"] == sum(i * o + 3 * o for i, o in layers)


def test_images_widen_the_encoder_only(newt):
    state = newt("newt info model --size 5M --json").json["parts"]
    both = newt("newt info model --size 5M --obs both --json").json["parts"]
    assert both.pop("encoder") - state.pop("encoder") == 768 * 256
    assert both == state


def test_pictures_alone_leave_the_state_out(newt):
    both = newt("newt info model --obs both --frame-stack 2 --json").json["parts"]["encoder"]
    rgb = newt("newt info model --obs rgb --frame-stack 2 --json").json["parts"]["encoder"]
    assert both - rgb == 128 * 1024
    assert (
        newt("newt info model --size 20M --obs both --json").json["parts"]["encoder"] == 3_022_336
    )


def test_table_ends_with_the_total(newt):
    answer = newt("newt info model --size 2M")
    total = newt("newt info model --size 2M --json").json["total"]
    assert answer.out.splitlines()[-1].split() == ["total", f"{total:,}"]


def test_threads_are_explained(newt, monkeypatch):
    for name in SLEEP:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = newt("newt info threads --json").json
    assert (found["threads"], found["chosen_by"]) == (3, "OMP_NUM_THREADS")
    assert found["waiting"] == "spin"
    lines = newt("newt info threads").out.splitlines()
    assert lines == ["threads: 3 (OMP_NUM_THREADS says so)", "waiting threads: spin"]
