"""The `rlskills` command: thin, one file for each subcommand."""

from .entry import main, with_clear_errors
from .run import command_line, show

__all__ = ["command_line", "main", "show", "with_clear_errors"]
