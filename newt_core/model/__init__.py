"""The world model: encoder, dynamics, reward, Q ensemble and policy prior."""
