"""Faults provoked on the real command; `make torture` runs them all. Not a part of `make test`."""
