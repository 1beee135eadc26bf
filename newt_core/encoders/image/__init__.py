"""Image encoders: from a frame to the feature that the agent reads."""
