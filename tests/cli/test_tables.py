"""What commands print for people, word for word."""

from __future__ import annotations

import os
import signal
from typing import Any

from newt_core.evaluation import GroupSummary, Summary, TaskSummary
from newt_core.specs import load_specs
from newt_core.workflows.cost import Cost
from tests.cli.printed import as_printed, said


def test_eval_has_tasks_then_domains_then_the_total(newt, core):
    summary = Summary(
        tasks={
            "walker-walk": TaskSummary(10, 1512.21, None, 0.51221, 0.0427),
            "mw-reach": TaskSummary(1, 100.0, 1.0, 0.25, None),
            "mw-push": TaskSummary(20, 99.96, 0.755, 0.1, 0.0),
        },
        domains={
            "dmcontrol": GroupSummary(1, 0.51221, 0.0427),
            "metaworld": GroupSummary(2, 0.175, None),
        },
        total=GroupSummary(3, 0.2874, 0.0156),
        mode="constrained planning",
    )
    core.replace("evaluate_checkpoint", lambda **arguments: summary)
    assert said(newt("newt eval last.pt")) == (
        0,
        as_printed("""
            task                 episodes   return  success  score  ± 95 %
            walker-walk                10  1,512.2        –  0.512   0.043
            mw-reach                    1    100.0     1.00  0.250       –
            mw-push                    20    100.0     0.76  0.100   0.000

            dmcontrol (1 task)                               0.512   0.043
            metaworld (2 tasks)                              0.175       –
            total (3 tasks)                                  0.287   0.016
        """),
        "mode: constrained planning\n",
    )


def test_small_amounts_of_energy_and_money_are_not_nothing(newt, core):
    made = Cost(600, 0, {"total": 25.0}, 0.0, 24.0, {}, {}, 0.00625, 1234.5)
    core.replace("cost", lambda *given, **others: made)
    lines = newt("newt plan --tasks walker-run").out.splitlines()
    assert lines[-2:] == ["0.0063 kWh", "1,234.50 to pay"]


def test_bench_has_variants_then_ratios(newt, core):
    def measured(**arguments: Any) -> dict[str, Any]:
        fast = {"median_s": 0.25, "runs": [0.25], "steps_per_s": 32000.0, "memory_mb": 1234.5}
        slow = {"median_s": 1.5, "runs": [1.5], "steps_per_s": 2.04}
        ratios = {"fast_over_slow": 6.005}
        variants = {"fast": fast, "slow": slow}
        return {"what": "pool", "hardware": {}, "variants": variants, "ratios": ratios}

    core.replace("bench_pool", measured)
    assert said(newt("newt bench pool")) == (
        0,
        as_printed("""
            pool

            variant  median ms   steps/s  memory MB
            fast         250.0  32,000.0      1,234
            slow       1,500.0       2.0          –

            ratio           times
            fast over slow   6.00
        """),
        "",
    )


def test_tasks_list_and_show_say_what_a_task_is(newt):
    assert said(newt("newt tasks list finger-spin,pygame-cowboy,ms-pick-apple")) == (
        0,
        as_printed("""
            task           domain      split  obs  actions  steps  repeat  discount  reward  score
            finger-spin    dmcontrol   train    9        2    500       2     0.990  sparse  return
            pygame-cowboy  miniarcade  train    3        1    500       1     0.990  dense   return
            ms-pick-apple  maniskill   train   45        7     25       2     0.950  dense   success
        """),
        "3 tasks\n",
    )
    spec = load_specs()["ms-pick-apple"]
    assert said(newt("newt tasks show ms-pick-apple")) == (
        0,
        as_printed(f"""
            id              ms-pick-apple
            domain          maniskill
            split           train
            instruction     {spec.instruction}
            embodiment      {spec.embodiment}
            obs_dim         45
            action_dim      7
            episode_length  25
            action_repeat   2
            reward          dense
            score           kind: success
            assets          ycb
            discount        0.95
            text            {spec.text}
            version         1
            env             id: PickSingleYCB-v1, control_mode: pd_ee_delta_pose, model: 013_apple
            camera          –
            action_mask     7 of 16 entries
            obs_mask        45 of 128 entries
            spec_hash       {spec.spec_hash}
        """),
        "",
    )
    shown = newt("newt tasks show walker-run").out.splitlines()
    assert {"assets          –", "camera          0"} <= set(shown)


def test_tasks_list_knows_the_splits(newt):
    everything = {task["id"]: task["split"] for task in newt("newt tasks list --json").json}
    for split in ("train", "transfer"):
        listed = newt(f"newt tasks list --split {split} --json").json
        assert [task["id"] for task in listed] == [
            name for name, its in everything.items() if its == split
        ]
        assert listed


def test_tasks_check_says_each_outcome_as_it_comes(newt, core):
    from newt_core.errors import MissingDependencyError

    def check(spec: Any, **others: Any) -> None:
        if spec.id == "walker-walk":
            raise MissingDependencyError("needs a package")
        if spec.id == "walker-run":
            raise AssertionError
        if spec.id == "cheetah-run":
            raise RuntimeError("it broke")

    core.replace("check_task", check)
    assert said(newt("newt tasks check walker-stand,walker-walk,walker-run,cheetah-run")) == (
        1,
        "1 passed, 2 failed, 1 skipped\n",
        as_printed("""
            passed  walker-stand
            skipped walker-walk: needs a package
            FAILED  walker-run: AssertionError
            FAILED  cheetah-run: it broke
        """),
    )


def test_ctrl_c_in_a_check_is_no_task_s_failure(newt, core):
    def check(spec: Any, **others: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:  # as libraries do whose import was interrupted
            raise ImportError("MuJoCo is broken") from None

    core.replace("check_task", check)
    assert said(newt("newt tasks check walker-stand,walker-walk")) == (130, "", "Interrupted.\n")
    answer = newt("newt tasks check walker-stand --json")
    assert (answer.code, answer.json) == (130, {"error": "interrupted"})


def test_tasks_embed_says_who_is_near_and_how_that_compares(newt):
    line = "newt tasks embed --encoder hashed --neighbours 1"
    assert said(newt(f"{line} walker-run,walker-walk,mw-door-open --out a.npz")) == (
        0,
        as_printed("""
            task          nearest
            walker-run    walker-walk
            walker-walk   walker-run
            mw-door-open  walker-walk
        """),
        "wrote a.npz\n"
        "hashed-v1, 512 entries: the nearest neighbour is of the same domain for 66.7% of "
        "3 tasks (by chance 33.3%)\n",
    )
    assert said(newt(f"{line} walker-run")) == (
        0,
        "task        nearest\nwalker-run  –\n",
        "hashed-v1, 512 entries: the nearest neighbour is of the same domain for – of "
        "1 tasks (by chance –)\n",
    )


def test_info_has_a_line_per_part(newt, core):
    core.replace("count_parameters")
    assert said(newt("newt info model --obs both")) == (
        0,
        as_printed("""
            part      parameters
            encoder           10
            dynamics          20
            reward            30
            policy            40
            q                 50
            total            150
        """),
        "",
    )
    assert core.arguments("count_parameters") == {"size": "20M", "state": True, "feature_stack": 1}
