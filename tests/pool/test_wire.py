"""The bytes of messages to and from nodes."""

from __future__ import annotations

import json
import math
import struct
from contextlib import suppress

import numpy as np
import pytest

from newt_core.envs.pool.messages import Kind
from newt_core.envs.pool.node import Node
from newt_core.envs.pool.wire import Message, WireError, pack, unpack
from newt_core.specs import load_specs
from tests.pool.stand_in_cluster import StandInCluster, pool_over
from tests.pool.toy_domain import BUILDERS, toy_spec

HEADER = "<4sHHIIIIQ"


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nodes run their environments in this process."""
    monkeypatch.setenv("NEWT_WORKERS", "0")


def test_a_step_to_the_byte():
    action = np.arange(32, dtype=np.float32).reshape(2, 16)
    data = pack(Message(Kind.STEP, {"env": np.array([3, 258]), "action": action}))
    head = b"NEWT" + b"\x01\x00" + b"\x03\x00" + b"\x02\x00\x00\x00" + bytes(20)
    assert data == head + b"\x03\x00\x00\x00" + b"\x02\x01\x00\x00" + action.tobytes()
    read = unpack(data)
    assert read.kind is Kind.STEP
    assert read["env"].tolist() == [3, 258]
    np.testing.assert_array_equal(read["action"], action)


def test_a_text_to_the_byte():
    data = pack(Message(Kind.FAILED, content={"error": "A", "text": "b"}))
    text = b'{"error": "A", "text": "b"}'
    assert data == struct.pack(HEADER, b"NEWT", 1, 6, 0, 0, 0, 0, len(text)) + text
    assert unpack(data).content == {"error": "A", "text": "b"}


def answers(frames: int) -> list[bytes]:
    """What two nodes say as they build, begin, and come to the end of an episode."""
    cluster = StandInCluster(1, 1)
    with pool_over(cluster, [toy_spec(length=2)] * 3, frames=frames) as pool:
        pool.reset()
        pool.step(np.zeros((3, 16)))
        pool.step(np.zeros((3, 16)))
    return [answer for _, _, answer in cluster.asked] + [message for _, message, _ in cluster.asked]


@pytest.mark.parametrize("frames", [0, 1])
def test_every_message_is_read_as_it_was_written(frames):
    for data in answers(frames):
        assert pack(unpack(data)) == data


def test_a_message_that_is_not_whole_is_refused_wherever_it_ends():
    for data in answers(0):
        for end in range(0, len(data), 7):
            with pytest.raises(WireError):
                unpack(data[:end])
        with pytest.raises(WireError):
            unpack(data + b"\0")


def test_bytes_that_came_to_harm_are_refused_or_read_and_never_raise_anything_else():
    generator = np.random.default_rng(0)
    node = Node()
    for data in answers(0):
        for _ in range(60):
            harmed = bytearray(data)
            for place in generator.integers(0, min(len(data), 64), 3):
                harmed[place] = generator.integers(256)
            with suppress(WireError):
                unpack(bytes(harmed))
            # A node says what is wrong; it does not die of it.
            assert unpack(node.answer(bytes(harmed))).kind in (Kind.FAILED, Kind.BUILT)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((2**31, 0, 0, 0), "2147483648 environments"),
        ((9_999, 0, 0, 0), "cut short within 'episode'"),
        ((2, 3, 0, 0), "2 environments, 3 ended"),
        ((1, 0, 10_000, 0), "cut short within"),
        ((1, 0, 20_000, 0), "20000 pictures"),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(counts, said):
    with pytest.raises(WireError, match=said):
        unpack(struct.pack(HEADER, b"NEWT", 1, Kind.FINISHED, *counts, 0))


def order(**changes: object) -> bytes:
    """A message that has one toy built, with something else in places."""
    content = {
        "newt": "0.1.0",
        "envs": [4],
        "tasks": [toy_spec().model_dump(mode="json")],
        "task_of_env": [0],
        "workers": 1,
        "frames": 0,
        "timeout": 60.0,
        "builders": BUILDERS,
        **changes,
    }
    return pack(Message(Kind.BUILD, content=content))


def failure(node: Node, data: bytes) -> str:
    """What a node says that is wrong with a message."""
    reply = unpack(node.answer(data))
    assert reply.kind is Kind.FAILED
    return str(reply.content["text"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"envs": []}, "envs cannot be built"),
        ({"envs": [-1]}, "envs.0 cannot be built"),
        ({"envs": [4, 4], "task_of_env": [0, 0]}, "not in ascending order"),
        ({"task_of_env": [1]}, "none of the tasks"),
        ({"tasks": [{"id": "toy"}]}, "tasks.0.domain cannot be built: Field required"),
        ({"timeout": "soon"}, "timeout cannot be built"),
        ({"run": "rm"}, "run cannot be built: Extra"),
    ],
)
def test_a_node_checks_what_it_is_to_build(changes, said):
    assert said in failure(Node(), order(**changes))


def test_a_node_checks_what_it_is_asked():
    node = Node()
    assert unpack(node.answer(order())).kind is Kind.BUILT
    assert "twice" in failure(node, order())
    zeros = np.zeros((1, 16), np.float32)

    def step(env: int, action: np.ndarray = zeros) -> bytes:
        return pack(Message(Kind.STEP, {"env": np.array([env]), "action": action}))

    assert "no episode yet" in failure(node, step(4))
    numbers = {name: np.array([1]) for name in ("series", "first", "stride")}
    flag = np.array([False])
    begun = Message(Kind.RESET, {**numbers, "env": np.array([4]), "repeat_lost": flag}, seed=3)
    assert unpack(node.answer(pack(begun)))["episode"].tolist() == [1]
    assert "environments that are not here" in failure(node, step(5))
    assert "is nan, not a number" in failure(node, step(4, zeros + math.nan))
    assert "takes no messages of kind BUILT" in failure(
        node, pack(Message(Kind.BUILT, {"env": np.array([4])}))
    )
    assert unpack(node.answer(step(4))).kind is Kind.FINISHED
    node.close()


def test_a_spec_is_the_same_on_the_other_side():
    for spec in load_specs().values():
        text = json.dumps(spec.model_dump(mode="json"), allow_nan=False)
        again = type(spec).model_validate(json.loads(text))
        assert again == spec
        assert again.spec_hash == spec.spec_hash
