"""Arms of one or many seeds, trained from one base and compared on the same eval sets."""
