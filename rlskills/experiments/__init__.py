"""Studies: arms of one or many seeds, trained and compared on the same eval sets."""
