"""Measuring a model: fixed eval sets, answered greedily and by samples."""
