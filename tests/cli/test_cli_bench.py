"""`newt bench`, with a stand-in for the measurement."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("what", ["plan", "update", "pool", "train", "agent"])
def test_json_is_the_contracts_document(newt, core, what):
    answer = newt(f"newt bench {what} --json")
    assert answer.code == 0
    assert set(answer.json) == {"what", "hardware", "variants", "ratios"}


def test_sizes_are_a_comma_list(newt, core):
    newt("newt bench plan --size 5M,20M --envs 4")
    assert core.arguments("bench_plan")["sizes"] == ["5M", "20M"]
    answer = newt("newt bench update --size 5m")
    assert answer.code == 2
    assert "Choose from 2M, 5M, 20M, 80M." in answer.err


def test_pool_takes_a_task_selector(newt, core):
    newt("newt bench pool --tasks 'finger-*'")
    assert len(core.arguments("bench_pool")["specs"]) == 3


def test_pool_takes_some_of_the_variants(newt, core):
    newt("newt bench pool --variants pool_async,gymnasium_sync")
    assert core.arguments("bench_pool")["chosen"] == ["pool_async", "gymnasium_sync"]


def test_some_agents_alone_are_measured(newt, core):
    answer = newt("newt bench agent --agents 'ppo, brc'")
    assert answer.code == 0
    assert list(core.arguments("bench_agent")["configs"]) == ["ppo", "brc"]
    lines = answer.out.splitlines()
    assert lines[0] == "agent"
    assert [line.split()[0] for line in lines[2:]] == ["agent", "ppo", "brc"]
    assert "90" in lines[3].split()


def test_an_agent_that_does_not_exist_is_named(newt):
    answer = newt("newt bench agent --agents ppo,fastd3")
    assert answer.code == 2
    assert "there is no agent 'fastd3'. Did you mean 'fasttd3'?" in answer.err
