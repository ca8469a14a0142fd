"""Curricula around another one: gates, skips, floors, screening, allocation of rollouts."""
