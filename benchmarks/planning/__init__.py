"""Why planning scores less, or more, than the policy that it starts from."""
