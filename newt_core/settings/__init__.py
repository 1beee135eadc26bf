"""What every part of a run's settings is made of."""
