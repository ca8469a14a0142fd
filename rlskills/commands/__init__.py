"""The subcommands of `rlskills`, one file each."""
