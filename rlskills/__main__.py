"""`python -m rlskills` is the `rlskills` command."""

from .cli import main

if __name__ == "__main__":
    main()
