"""``newt runs``: what the runs are, how they stand, what of them is of no use any more."""
