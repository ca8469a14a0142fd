"""Losses on a batch of rollouts beside TRL's policy gradient."""
