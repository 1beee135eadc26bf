"""A person plays a game of MiniArcade with the keyboard, in a window."""
