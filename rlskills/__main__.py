"""`python -m rlskills` is the `rlskills` command."""

from .cli import main

main()
