"""BRC: soft actor-critic with a large, regularised, categorical critic (Nauman et al., 2025)."""
