"""PPO: learns by interaction alone, from its newest experience."""
