"""Runs that are broken on purpose, each test a line of a table; by `make torture`."""
