"""Text encoders: from an instruction to the vector that conditions the agent."""
