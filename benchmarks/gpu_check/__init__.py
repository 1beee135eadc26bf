"""What a borrowed GPU is measured with, in the few minutes it is there for."""
