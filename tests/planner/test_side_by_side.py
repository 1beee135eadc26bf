"""Pieces of work on a CPU get threads of their own, and are what they would be one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from newt_core.model.split import SplitModel
from newt_core.planner import chunks
from newt_core.planner.chunks import CPU_ROWS, cpu_chunk_size, plan_in_chunks
from newt_core.planner.mppi import draw_plan_noise
from newt_core.planner.side_by_side import side_by_side
from newt_core.types import STATE_DIM
from tests.fixtures.models import model
from tests.planner.test_chunks import SMALL


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_two_at_a_time_alone_and_the_last_by_both(two_threads):
    meeting = threading.Barrier(2, timeout=20)
    seen = {}

    def work(piece: int) -> int:
        if piece < 4:
            meeting.wait()  # broken unless two are at work
        seen[piece] = (torch.get_num_threads(), threading.current_thread().name)
        return 10 * piece

    assert side_by_side(work, range(5)) == [0, 10, 20, 30, 40]
    assert {threads for threads, _ in (seen[piece] for piece in range(4))} == {1}
    assert all(seen[piece][1].startswith("newt-plan") for piece in range(4))
    assert seen[4] == (2, threading.current_thread().name)
    assert torch.get_num_threads() == 2
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2], "a thread that begins later computes with as many as before"


def test_one_thread_or_one_piece_stays_where_it_is(two_threads):
    here = threading.current_thread()
    assert side_by_side(lambda piece: threading.current_thread(), [1]) == [here]
    torch.set_num_threads(1)
    assert side_by_side(lambda piece: threading.current_thread(), [1, 2, 3]) == [here] * 3


def test_gradients_and_inference_are_as_where_it_was_called(two_threads):
    def modes(piece: int) -> tuple[bool, bool]:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    assert side_by_side(modes, [0, 1]) == [(False, True)] * 2
    with torch.no_grad():
        assert side_by_side(modes, [0, 1]) == [(False, False)] * 2
    with torch.inference_mode():
        assert side_by_side(modes, [0, 1]) == [(True, False)] * 2


def test_what_fails_there_fails_here(two_threads):
    def work(piece: int) -> int:
        return 1 // piece

    with pytest.raises(ZeroDivisionError):
        side_by_side(work, [1, 0])


@torch.inference_mode()
def test_plans_of_two_threads_are_those_of_one(two_threads, monkeypatch):
    monkeypatch.setattr(chunks, "CPU_ROWS", 2 * SMALL.num_samples)
    world, generator = model(), torch.Generator().manual_seed(0)
    split, task = SplitModel(world), torch.zeros(5, dtype=torch.int64)
    z = split.arrange(world.encode(torch.randn(5, STATE_DIM), task))
    mean = torch.zeros(3, 5, world.action_width)
    noise = draw_plan_noise(
        SMALL,
        5,
        world.action_width,
        world.size.num_q,
        horizon=3,
        device=z.device,
        generator=generator,
        cpu_generator=generator,
    )
    names = []
    search = chunks.search

    def counted(*given):
        names.append(threading.current_thread().name)
        return search(*given)

    monkeypatch.setattr(chunks, "search", counted)
    together = plan_in_chunks(split.bind, task, z, mean, noise, SMALL)
    assert [name.startswith("newt-plan") for name in names] == [True, True, False]
    torch.set_num_threads(1)
    alone = plan_in_chunks(split.bind, task, z, mean, noise, SMALL)
    for part in ("actions", "mean", "std", "value"):
        torch.testing.assert_close(getattr(together, part), getattr(alone, part))


def test_a_thread_has_a_chunk_of_its_own_where_that_is_worth_it():
    samples = CPU_ROWS // 8
    assert cpu_chunk_size(8, CPU_ROWS, 2) == 1
    assert cpu_chunk_size(1, samples, 2) == 8
    assert cpu_chunk_size(6, samples, 2) == 8  # three each are too few
    assert cpu_chunk_size(8, samples, 2) == 4
    assert cpu_chunk_size(64, samples, 2) == 8
    assert cpu_chunk_size(8, samples, 1) == 8
    assert cpu_chunk_size(3, 4 * CPU_ROWS, 2) == 1
