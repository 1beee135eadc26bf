"""Learning: loops, run folders, checkpoints, metrics."""
