"""Planning on a learned model."""
