"""`rlskills env`: list, show, sample, check, play, bench, export and create environments."""
