"""Curricula around another: gates, skips, floors, screening, allocation of rollouts."""
