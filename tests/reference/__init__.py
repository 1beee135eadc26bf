"""Plain implementations to compare against: short, slow, and as close to the paper as can be."""
