"""Experience: episodes in, batches of subsequences out.

======================== ===========================================================
:mod:`~.recorder`        the pool's transitions → whole episodes
:mod:`~.buffer`          episodes → batches; eviction, resuming
:mod:`~.mixture`         a batch of part demonstrations, part own experience
:mod:`~.storage`         the rows: in files, in memory, on a GPU
:mod:`~.table`           which episodes are stored where, true even after a kill
:mod:`~.ledger`          their checksums; whether a checkpoint's are still there, undamaged
:mod:`~.episode`         what an episode must be like
:mod:`~.part`            which part of a larger batch a batch is
:mod:`~.index`           uniform draws at a cost that the fill does not change
======================== ===========================================================
"""

from newt_core.replay.buffer import Batch, ReplayBuffer
from newt_core.replay.mixture import Mixture
from newt_core.replay.part import Part, divide
from newt_core.replay.recorder import EpisodeRecorder

__all__ = ["Batch", "EpisodeRecorder", "Mixture", "Part", "ReplayBuffer", "divide"]
