"""Agents: what acts and learns."""
