"""Tasks as environments: one at a time (Gymnasium) or many at once (the pool)."""
