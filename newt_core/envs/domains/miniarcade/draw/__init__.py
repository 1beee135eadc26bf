"""The games' pixels: a module per game, and the canvas that they draw on.

Drawing needs pygame's surfaces only: no window, no display and no font is initialised.
"""
