"""Several ranks that train one agent stay one agent."""

import copy

import pytest
import torch

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.agents.newt.update import Learner
from newt_core.agents.ranks import ALONE, OneRank, Ranks
from newt_core.replay import Batch, Part
from tests.fixtures.models import batch, model, normal
from tests.fixtures.thread_ranks import ThreadRank, on_ranks

SIZE, UPDATES = 6, 5
CONFIG = UpdateConfig(horizon=3)
BOTH = slice(0, 2 * SIZE)
MODEL = model()
"""Made once: weights are drawn from the process's generator, which threads share."""


def rows(whole: Batch, part: slice) -> Batch:
    place = None if part == BOTH else Part((SIZE, SIZE), part.start // SIZE)
    obs, action, reward = (each[:, part] for each in (whole.obs, whole.action, whole.reward))
    return Batch(obs, action, reward, whole.task[part], part=place)


def noise(update: int, part: slice) -> UpdateNoise:
    shape = (4, 2 * SIZE, 16)
    return UpdateNoise(
        target=normal(*shape, seed=update)[:3, part],
        policy=normal(*shape, seed=100 + update)[:, part],
        target_heads=torch.tensor([0, 2]),
        policy_heads=torch.tensor([1, 2]),
    )


def trained(ranks: Ranks, part: slice, *, joint: bool = False, bad_rows: int = 0) -> Learner:
    """Learn from some rows of every batch."""
    learner = Learner(copy.deepcopy(MODEL), CONFIG, ranks=ranks)
    for update in range(UPDATES):
        mine = rows(batch(2 * SIZE, seed=update), part)
        if bad_rows:
            mine.reward[:, :bad_rows] = torch.nan
        learner.update(mine, bc_coef=1.0, joint=joint, noise=noise(update, part))
    return learner


def weights(learner: Learner) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in learner.model.parameters()])


@pytest.mark.parametrize("joint", [False, True], ids=["interaction", "pretraining"])
def test_two_ranks_learn_what_one_learns_from_both_their_batches(joint: bool) -> None:
    def half(rank: ThreadRank, index: int) -> Learner:
        return trained(rank, slice(index * SIZE, (index + 1) * SIZE), joint=joint)

    first, second = on_ranks(2, half)
    assert torch.equal(weights(first), weights(second))
    assert torch.equal(first.scale, second.scale)
    alone = trained(ALONE, BOTH, joint=joint)
    torch.testing.assert_close(weights(first), weights(alone), atol=2e-6, rtol=1e-4)
    assert float(first.scale) == pytest.approx(float(alone.scale), rel=1e-5)
    apart = trained(ALONE, slice(0, SIZE), joint=joint)
    assert float((weights(first) - weights(apart)).abs().max()) > 1e-4


def test_an_update_that_one_rank_cannot_make_is_left_out_by_all() -> None:
    def half(rank: ThreadRank, index: int) -> Learner:
        part = slice(index * SIZE, (index + 1) * SIZE)
        return trained(rank, part, bad_rows=1 if index else 0)

    first, second = on_ranks(2, half)
    assert [int(each.skipped.total) for each in (first, second)] == [UPDATES, UPDATES]
    assert torch.equal(weights(first), weights(second))
    for learner in (first, second):
        assert bool(torch.isfinite(weights(learner)).all())


def test_the_value_scale_is_that_of_all_ranks() -> None:
    class Spread(OneRank):
        def joined(self, values: torch.Tensor, part: Part) -> torch.Tensor:
            return torch.linspace(0.0, 10.0, 101)  # with the other rank's, P95 - P5 is 9

    learner = Learner(model(), replace_ema(0.25), ranks=Spread())
    learner.update(rows(batch(2 * SIZE), BOTH), noise=noise(0, BOTH))
    # 1, moved by a quarter towards 1 + 8.
    assert float(learner.scale) == pytest.approx(3.0)
    learner.calibrate(rows(batch(2 * SIZE), BOTH))
    assert float(learner.scale) == pytest.approx(9.0)


def replace_ema(rate: float) -> UpdateConfig:
    return CONFIG.model_copy(update={"scale_ema": rate})
