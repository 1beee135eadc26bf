"""A function called over buffers that stay where they are; a GPU is stood in for where one is told
of."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import pytest
import torch

from newt_core.devices import static_call
from newt_core.devices.precision import matrix_products
from newt_core.devices.static_call import WARM_UP, StaticCall
from tests.fixtures.recorded_graphs import RecordingGpu, install


def doubled(x, y=None, *constants):
    return [x * 2 if y is None else x * 2 + y]


def test_it_returns_what_the_function_does_at_every_call():
    call = StaticCall(doubled, "doubling")
    for number in range(2 * WARM_UP):
        (found,) = call([torch.full((3,), float(number)), None])
        assert found.tolist() == [2.0 * number] * 3
        (found,) = call([torch.ones(3), torch.full((3,), float(number))])
        assert found.tolist() == [2.0 + number] * 3


def test_results_of_two_calls_and_the_inputs_share_no_memory():
    kept = torch.zeros(2)
    call = StaticCall(lambda x: [kept.copy_(x), x], "keeping")
    given = torch.tensor([1.0, 2.0])
    first = call([given])
    second = call([torch.tensor([3.0, 4.0])])
    assert [each.tolist() for each in (*first, *second)] == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert len({each.data_ptr() for each in (*first, *second, given, kept)}) == 6


def test_a_function_sees_the_same_memory_at_every_call():
    seen = set()

    def looked(x):
        seen.add(x.data_ptr())
        return [x]

    call = StaticCall(looked, "looking")
    for _ in range(5):
        call([torch.randn(4)])
    assert len(seen) == 1


def test_buffers_made_while_inferring_can_be_written_to_afterwards():
    call = StaticCall(doubled, "doubling")
    with torch.inference_mode():
        call([torch.ones(2)])
    assert call([torch.full((2,), 3.0)])[0].tolist() == [6, 6]


def test_after_warming_up_nothing_is_captured_again_unless_shapes_or_constants_are_new():
    call = StaticCall(doubled, "doubling")
    for _ in range(WARM_UP):
        call([torch.ones(2)], (True,))
    assert call.captures == 0
    for _ in range(20):
        call([torch.ones(2)], (True,))
    assert call.captures == 1
    for shape, constants in (((3,), (True,)), ((2,), (False,))):
        for _ in range(20):
            call([torch.ones(*shape)], constants)
    call([torch.ones(2)], (True,))
    assert (call.captures, call.beside) == (3, 0)


def test_shapes_beyond_those_kept_are_called_as_they_are_and_counted(monkeypatch):
    monkeypatch.setattr(static_call, "MOST_SHAPES", 2)
    call = StaticCall(doubled, "doubling")
    for size in (1, 2, 3, 4, 1):
        assert len(call([torch.ones(size)])[0]) == size
    assert call.beside == 2


def test_what_was_forgotten_is_captured_anew():
    call = StaticCall(doubled, "doubling")
    for _ in range(2):
        for _ in range(WARM_UP + 1):
            call([torch.ones(2)])
        call.forget()
    assert call.captures == 2


class FailingGpu(RecordingGpu):
    """Refuses every capture."""

    @contextmanager
    def graph(self, graph, pool, stream, capture_error_mode):
        self.log.append("capture")
        yield from self.refusing()

    def refusing(self):
        raise RuntimeError("operation not permitted when stream is capturing\nand a page more")


def test_on_a_gpu_it_warms_up_aside_captures_once_and_then_only_replays(monkeypatch):
    gpu = install(RecordingGpu(), monkeypatch)
    ran = []

    def counted(x):
        ran.append(1)
        return doubled(x)

    call = StaticCall(counted, "doubling")
    for _ in range(WARM_UP):
        assert call([torch.ones(2)])[0].tolist() == [2, 2]
    assert gpu.log == ["wait", "wait"] * WARM_UP
    gpu.log.clear()
    for number in range(3):
        assert call([torch.full((2,), float(number))])[0].tolist() == [2 * number] * 2
    assert gpu.log == ["capture", "replay", "replay", "replay"]
    assert len(ran) == WARM_UP + 1
    assert call.captures == 1


def test_where_capturing_fails_one_line_says_so_and_results_stay_right(monkeypatch):
    gpu = install(FailingGpu(), monkeypatch)
    call = StaticCall(doubled, "the update")
    for _ in range(WARM_UP):
        call([torch.ones(2)])
    with pytest.warns(UserWarning, match="runs without") as told:
        assert call([torch.full((2,), 4.0)])[0].tolist() == [8, 8]
    assert [str(each.message) for each in told] == [
        "the update runs without a CUDA graph, more slowly: "
        "operation not permitted when stream is capturing"
    ]
    gpu.log.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call([torch.full((3,), 5.0)])[0].tolist() == [10, 10, 10]
    assert (gpu.log, call.captures, call.beside) == ([], 0, 1)


def test_matrix_products_are_in_tf32_only_on_a_gpu_and_only_in_the_block():
    before = torch.get_float32_matmul_precision()
    for device, tf32, expected in (("cuda", True, "high"), ("cuda", False, "highest")):
        with matrix_products(torch.device(device), tf32=tf32):
            assert torch.get_float32_matmul_precision() == expected
        assert torch.get_float32_matmul_precision() == before
    with matrix_products(torch.device("cpu"), tf32=True):
        assert torch.get_float32_matmul_precision() == before


def test_a_thread_leaves_others_their_products_in_a_block_that_holds_them_all():
    device, before = torch.device("cuda"), torch.get_float32_matmul_precision()
    first, second = (matrix_products(device, tf32=True) for _ in range(2))
    with matrix_products(device, tf32=True):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert torch.get_float32_matmul_precision() == "high", "the second thread still computes"
        second.__exit__(None, None, None)
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == before
