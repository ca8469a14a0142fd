"""Estimates from outcomes that methods share: averages, windows, posteriors, tests."""
