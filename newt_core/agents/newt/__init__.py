"""The world-model agent: configuration, losses, update, acting."""
