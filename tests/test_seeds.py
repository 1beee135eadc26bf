"""Streams of random numbers: as many as there are names, and no two alike."""

from __future__ import annotations

import pytest
import torch

from newt_core.seeds import Stream, stream_seed


def test_no_two_streams_or_runs_share_a_seed():
    seeds = [stream_seed(run, stream) for run in (0, 1, 2**63 - 1) for stream in Stream]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("stream", Stream)
def test_a_stream_is_the_same_in_every_process_and_fits_every_generator(stream: Stream):
    seed = stream_seed(3, stream)
    assert seed == stream_seed(3, stream)
    assert 0 <= seed < 2**63
    torch.Generator().manual_seed(seed)


def test_seeds_do_not_change_between_versions():
    # A change here means that no recorded run can be repeated.
    assert stream_seed(0, Stream.BATCHES) == 1137715176325931720
