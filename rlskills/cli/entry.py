"""The `rlskills` command. Every subcommand is a typed function or dataclass; tyro parses it.

A `UserError` anywhere becomes one clear line on standard error and exit status 2.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__
from ..errors import UnknownName, UserError

# GNU OpenMP threads busy-wait between parallel regions. On a loaded machine that makes two threads
# far slower than one. 10,000 spins keep most of the benefit. libgomp reads this when torch is
# imported.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

COMMANDS = {
    "run": ("run:run_cli", "RECIPE ...", "run a study: a recipe's name, or a Python file"),
    "env": ("env.main:env_cli", "...", "list, show, sample, check, play, create environments"),
    "curriculum": ("curriculum.main:curriculum_cli", "...", "list, show and compare curricula"),
    "eval": ("evaluate:evaluate_model", "MODEL ...", "evaluate a model on an environment"),
    "export": ("export_model:export_model", "MODEL ...", "write a model as one ordinary folder"),
    "compare": ("compare:compare_runs", "RUN RUN ...", "tables and plots of runs, side by side"),
    "report": ("report:report_study", "STUDY", "write the page of a study from its folder"),
    "treatment": ("treatment:treatment_cli", "...", "list, show, begin training methods"),
    "rollouts": ("rollouts:show_rollouts", "RUN", "what a policy sampled while it trained"),
    "doctor": ("doctor:doctor", "", "hardware, attention kernel, and what is missing"),
}
"""By name: where it is, its arguments, what it does. Names that end in `_cli` take the words."""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the `rlskills` command."""
    words = list(sys.argv[1:] if argv is None else argv)
    with_clear_errors(lambda: _dispatch(words))


def with_clear_errors(work: Callable[[], Any]) -> None:
    """Run `work`; a `UserError` prints its message and exits with status 2."""
    try:
        work()
    except UserError as error:
        print(f"rlskills: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        sys.stderr.close()
        raise SystemExit(0) from None


def usage() -> str:
    """What `rlskills --help` prints."""
    rows = [(f"{name} {words}".strip(), text) for name, (_, words, text) in COMMANDS.items()]
    rows.append(("--version", "print the version"))
    width = max(len(command) for command, _ in rows)
    lines = [f"  {command:{width}}  {text}" for command, text in rows]
    return "\n".join([
        "usage: rlskills COMMAND ...", "", *lines, "",
        "`rlskills COMMAND --help` describes a command, `rlskills run` lists the recipes.",
    ])  # fmt: skip


def _dispatch(words: list[str]) -> None:
    command, *rest = words or ["--help"]
    if command in ("-h", "--help"):
        print(usage())
    elif command == "--version":
        print(f"rlskills {__version__}")
    elif command not in COMMANDS:
        raise UnknownName("command", command, COMMANDS)
    else:
        module, _, name = COMMANDS[command][0].partition(":")
        function = getattr(importlib.import_module(f".{module}", __package__), name)
        if name.endswith("_cli"):
            function(rest)
        else:
            import tyro

            tyro.cli(function, args=rest, prog=f"rlskills {command}")
