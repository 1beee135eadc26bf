"""Demonstrations: recorded episodes to learn from, one HDF5 file per task.

====================== =============================================================
:mod:`~.schema`        what a file holds
:mod:`~.checksum`      the checksum of a whole file, checked before anything is read
:mod:`~.write`         adding episodes: one writer at a time, old content or new
:mod:`~.read`          whole episodes out of a file, or a clear error
:mod:`~.validate`      everything that is wrong with a file, episode by episode
:mod:`~.recover`       the whole episodes of a damaged file
:mod:`~.folder`        which files a user means
:mod:`~.opened`        the files of a run's tasks, each opened and checked once
:mod:`~.quality`       how many episodes a task gets, and which are good enough
:mod:`~.record`        the pool's steps → recorded episodes
:mod:`~.collect`       pool and expert → file
:mod:`~.convert`       merging; for Minari; the published files
:mod:`~.features`      frames → features
:mod:`~.feature_files` features, kept beside the demonstrations
:mod:`~.load`          files → a replay buffer
:mod:`~.plot`          a picture of returns and lengths
====================== =============================================================
"""
