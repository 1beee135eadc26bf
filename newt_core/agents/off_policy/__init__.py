"""What agents share that learn from all they remember, by critics of distributions."""
