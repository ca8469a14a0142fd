"""`rlskills curriculum`: list, show and benchmark curricula."""
