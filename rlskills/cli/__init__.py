"""The `rlskills` command: thin, one file for each subcommand."""

from .entry import command_line, main, recipes, with_clear_errors

__all__ = ["command_line", "main", "recipes", "with_clear_errors"]
