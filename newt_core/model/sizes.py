"""The four published model sizes (Newt, table 7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Widths of one model size."""

    enc_dim: int
    """Hidden width of the encoder."""
    mlp_dim: int
    """Hidden width of dynamics, reward, Q heads and policy."""
    latent_dim: int
    """Width of the latent, L; a multiple of :data:`SIMNORM_GROUP`."""
    enc_layers: int
    """Linear layers of the encoder, its output layer included."""
    num_q: int
    """Heads of the Q ensemble."""


SIZES: dict[str, Size] = {
    "2M": Size(enc_dim=128, mlp_dim=256, latent_dim=384, enc_layers=2, num_q=3),
    "5M": Size(enc_dim=256, mlp_dim=512, latent_dim=512, enc_layers=2, num_q=5),
    "20M": Size(enc_dim=1024, mlp_dim=1024, latent_dim=512, enc_layers=3, num_q=5),
    "80M": Size(enc_dim=2048, mlp_dim=2048, latent_dim=704, enc_layers=4, num_q=7),
}

SIMNORM_GROUP = 8
"""Latent entries per simplex."""
NUM_BINS = 101
"""Bins of the discrete regression of rewards and values."""
SYMLOG_RANGE = 10.0
"""The bins lie evenly over [-SYMLOG_RANGE, SYMLOG_RANGE] in symlog space."""
