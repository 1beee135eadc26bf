"""What a run showed, for people: curves, and a page with everything on it."""
