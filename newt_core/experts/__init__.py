"""Scripted players, for demonstrations and as a yardstick."""
