"""The fast elementwise functions are the functions they say they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from newt_core.model.elementwise import mish, simnorm, strided_order, strided_simnorm
from tests.fixtures.models import normal


def test_mish_and_its_gradient_equal_pytorch() -> None:
    x = torch.linspace(-60, 60, 5001, dtype=torch.float32)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.testing.assert_close(mish(ours), F.mish(theirs), atol=1e-5, rtol=1e-5)
    mish(ours).sum().backward()
    F.mish(theirs).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(mish(x), F.mish(x), atol=1e-5, rtol=1e-5)


def test_mish_keeps_the_format_and_the_input() -> None:
    x = normal(64).bfloat16()
    before = x.clone()
    with torch.inference_mode():
        assert mish(x).dtype == torch.bfloat16
    assert torch.equal(x, before)


def test_simnorm_is_a_softmax_over_neighbours() -> None:
    x = normal(3, 5, 24)
    plain = x.view(3, 5, 3, 8).softmax(-1).view(3, 5, 24)
    torch.testing.assert_close(simnorm(x, 8), plain)


def test_strided_simnorm_is_simnorm_in_another_order() -> None:
    x = normal(5, 24)
    order = strided_order(24, 8, x.device)
    assert sorted(order.tolist()) == list(range(24))
    torch.testing.assert_close(strided_simnorm(x[:, order], 8), simnorm(x, 8)[:, order])
