"""What the commands about demonstrations print for people, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from newt_core.demos.collect import Collection
from newt_core.specs import load_specs
from newt_core.workflows.collect_demos import Collected
from newt_core.workflows.forecast import Forecast
from tests.cli.printed import as_printed, said
from tests.fixtures.demonstrations import write_demos

COLLECTED = [
    Collection("walker-run", Path("d/walker-run.h5"), 22, 20, 2, 1700.52, None, 0.7004, 25),
    Collection("mw-reach", Path("d/mw-reach.h5"), 60, 0, 60, None, 0.05, 0.1),
]


def test_collect_demos_has_a_line_per_task_and_names_what_came_to_nothing(newt, core):
    collected = Collected(COLLECTED, {"atari-krull": "there is no scripted player"}, False)
    core.replace("collect_demos", lambda **arguments: collected)
    left_out = "left out atari-krull: there is no scripted player\n"
    left_out += "walker-run: 20 of the 25 episodes wanted: no more of 22 were good enough.\n"
    nothing = "no episode of mw-reach was good enough to keep.\n"
    assert said(newt("newt collect-demos --task pygame-cowboy")) == (
        1,
        as_printed("""
            task        episodes  kept  rejected   return  success  score  file
            walker-run        22    20         2  1,700.5        –  0.700  d/walker-run.h5
            mw-reach          60     0        60        –     0.05  0.100  –
        """),
        left_out + nothing,
    )
    answer = newt("newt collect-demos --task pygame-cowboy --json")
    assert (answer.code, answer.err) == (1, left_out + nothing)
    assert answer.json == {
        "tasks": {
            "walker-run": {
                "wanted": 25,
                "episodes": 22,
                "kept": 20,
                "rejected": 2,
                "mean_return": 1700.52,
                "success": None,
                "score": 0.7004,
                "path": "d/walker-run.h5",
            },
            "mw-reach": {
                "wanted": 0,
                "episodes": 60,
                "kept": 0,
                "rejected": 60,
                "mean_return": None,
                "success": 0.05,
                "score": 0.1,
                "path": "d/mw-reach.h5",
            },
        },
        "left_out": {"atari-krull": "there is no scripted player"},
    }


def test_collect_demos_that_was_stopped_says_how_to_go_on(newt, core):
    stopped = Collected([], {}, interrupted=True)
    core.replace("collect_demos", lambda **arguments: stopped)
    assert said(newt("newt collect-demos --task pygame-cowboy")) == (
        130,
        "task  episodes  kept  rejected  return  success  score  file\n",
        "Stopped. What was collected is kept; go on with --append.\n",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (1.7e5, "47.2 h"),
        (3.6e6, "42 days"),
    ],
)
def test_what_training_experts_will_take_is_said_for_each_and_in_all(newt, core, seconds, text):
    core.replace("forecast", lambda **arguments: Forecast(25_000, 25_000, seconds / 2, 1.0))
    two = newt("newt collect-demos --tasks atari-krull,atari-pong --train-expert").err
    assert two.splitlines()[2] == f"In all about {text}."
    core.replace("forecast", lambda **arguments: Forecast(25_000, 25_000, seconds, 1.0))
    one = newt("newt collect-demos --tasks atari-krull --train-expert --out x").err
    assert one == (
        "atari-krull has no expert: training one takes 25,000 steps, about "
        f"{text} on this machine.\n"
    )


def test_what_training_would_cost_is_said_and_nothing_is_trained_unasked(newt, core):
    core.replace("forecast", lambda **arguments: Forecast(25_000, 25_000, 3000.0, 1.0))
    for tasks, line in (
        (
            "atari-krull",
            "atari-krull has no expert: --train-expert would first train one, in 25,000 steps, "
            "about 50 min on this machine.",
        ),
        (
            "atari-krull,atari-pong",
            "2 tasks have no expert: --train-expert would first train one for each, in 25,000 "
            "steps, about 50 min for atari-krull on this machine.",
        ),
    ):
        assert newt(f"newt collect-demos --tasks {tasks}").err.splitlines()[0] == line
        assert core.arguments("forecast")["specs"][0].id == "atari-krull"
    # Whoever is named is not waited for.
    calls = len(core.calls)
    assert "no expert" not in newt("newt collect-demos --tasks atari-krull --expert mine.pt").err
    assert [name for name, _ in core.calls[calls:]] == ["collect_demos"]
    assert "interact" not in [name for name, _ in core.calls]


def test_where_every_task_has_an_expert_none_is_trained(newt, core):
    core.replace("without_expert", lambda **arguments: [])
    answer = newt("newt collect-demos --task walker-run --train-expert")
    assert (answer.code, answer.err) == (0, "")
    for expert in ("scripted", "Mine.pt"):
        refused = newt(f"newt collect-demos --task walker-run --train-expert --expert {expert}")
        assert refused.code == 2
        assert f"'--train-expert': --expert {expert} says who plays; leave it out" in refused.err


def test_demos_list_and_validate_have_a_line_per_file(newt, tmp_path):
    for task, count in (("pygame-cowboy", 3), ("pygame-pong", 2)):
        write_demos(tmp_path / "d", count, load_specs()[task])
    assert said(newt("newt demos list --demos d")) == (
        0,
        as_printed("""
        task           episodes  steps  return  success   score    MB  expert    file
        pygame-cowboy         3  1,500   257.0        –  25.701  0.05  scripted  d/pygame-cowboy.h5
        pygame-pong           2  1,000   259.0        –  25.902  0.05  scripted  d/pygame-pong.h5
        """),
        "",
    )
    (tmp_path / "d/pygame-cowboy.h5").write_bytes(b"nothing")
    answer = newt("newt demos list --demos d")
    assert answer.code == 1
    assert [line.split()[0] for line in answer.out.splitlines()] == ["task", "pygame-pong"]
    assert answer.err.startswith("d/pygame-cowboy.h5: ")
    damaged = newt("newt demos list --demos d --json").json["damaged"]
    assert list(damaged) == ["d/pygame-cowboy.h5"]
    answer = newt("newt demos validate --demos d")
    wrong, *reasons, good = answer.out.splitlines()
    assert wrong == "WRONG d/pygame-cowboy.h5: whole episodes: 0"
    assert reasons
    assert all(reason.startswith("      ") for reason in reasons)
    assert good == "ok    d/pygame-pong.h5: whole episodes: 2"
    assert (answer.code, answer.err) == (1, "")


def test_demos_show_has_the_files_facts_and_its_episodes(newt, tmp_path):
    spec = load_specs()["pygame-pong"]
    write_demos(tmp_path / "demos", 2, spec)
    answer = newt("newt demos show pygame-pong")
    facts, _, table = answer.out.partition("\n\n")
    shown = {line[:15].rstrip(): line[16:] for line in facts.splitlines()}
    assert shown.pop("libraries").startswith('{"newt": ')
    assert shown.pop("created").startswith("20")
    assert shown == {
        "format_version": "1",
        "task": "pygame-pong",
        "task_version": "1",
        "spec_hash": spec.spec_hash,
        "expert": "scripted",
        "rejected": "0",
        "total_episodes": "2",
        "total_steps": "1000",
        "file": "demos/pygame-pong.h5",
    }
    assert table == as_printed("""
        episode  seed  steps  return  success   score
              0     0    500  261.55        –  26.155
              1     1    500  256.49        –  25.649
    """)


def test_demos_that_were_written_are_said(newt, tmp_path):
    write_demos(tmp_path / "demos", 3, load_specs()["pygame-pong"])
    file = "demos/pygame-pong.h5"
    for line, remarks in (
        (
            f"newt demos merge {file} {file} --out all.h5",
            "left out 3 episodes already in it\nwrote all.h5: 3 episodes, 1,500 steps\n",
        ),
        (f"newt demos merge {file} --out one.h5", "wrote one.h5: 3 episodes, 1,500 steps\n"),
        ("newt demos export --format published", "wrote exported/pygame-pong.pt\n"),
        (
            "newt demos import exported/pygame-pong.pt --task pygame-pong --out new",
            "wrote new/pygame-pong.h5: 3 episodes, 1,500 steps\n",
        ),
        ("newt demos plot --out a.PNG", "wrote a.PNG: 1 task\n"),
    ):
        assert said(newt(line)) == (0, "", remarks)
    assert newt("newt demos show pygame-pong --demos new --json").json["expert"] == (
        "imported pygame-pong.pt"
    )
    answer = newt("newt demos export --format published --out b --json")
    assert answer.json == {"format": "published", "tasks": {"pygame-pong": "b/pygame-pong.pt"}}
