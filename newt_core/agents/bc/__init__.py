"""Behaviour cloning: a policy that learns from demonstrations alone."""
