"""Measurements of speed and memory, each against a straightforward alternative."""
