"""FastTD3: an off-policy actor and two distributional critics (Seo et al., 2025)."""
