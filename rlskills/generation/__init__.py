"""Sampling: engines, their parameters, and episodes of several turns."""
