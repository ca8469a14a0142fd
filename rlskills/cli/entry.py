"""The `rlskills` command. Every subcommand is a typed function or dataclass; tyro parses it.

What a user or the machine can cause becomes one line on standard error, never a traceback.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__, stopping
from ..errors import UnknownName, UserError
from ..processes import lost_process

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
    "report": ("report:report_study", "STUDY", "write the page of a study, in Markdown and HTML"),
    "claims": ("claims:list_claims", "STUDY STUDY ...", "what studies claim, with verdicts"),
    "treatment": ("treatment:treatment_cli", "...", "list, show, begin training methods"),
    "rollouts": ("rollouts:show_rollouts", "RUN", "what a policy sampled while it trained"),
    "plan": ("plan:plan_cli", "", "memory, time and cost of RL on GPUs, before a run"),
    "bench": ("bench:bench_cli", "train ...", "how fast training is here, beside plain TRL"),
    "doctor": ("doctor:doctor", "", "hardware, attention kernel, and what is missing"),
}
"""By name: where it is, its arguments, what it does. Names that end in `_cli` take the words."""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the `rlskills` command."""
    words = list(sys.argv[1:] if argv is None else argv)
    with_clear_errors(lambda: _dispatch(words))


def with_clear_errors(work: Callable[[], Any]) -> None:
    """Run `work`; what a user or the machine can cause ends it with one line on standard error.

    A `UserError` and an error of the operating system have exit status 2, Ctrl-C 130 and SIGTERM
    143; a reader of a pipe that has seen enough is none. RLSKILLS_DEBUG=1 shows tracebacks.
    """
    with stopping.listening():
        try:
            work()
        except BrokenPipeError:
            # The reader (head, less) has seen enough.
            sys.stderr.close()
            raise SystemExit(0) from None
        except (KeyboardInterrupt, UserError, OSError, RuntimeError) as error:
            line, status = _explained(error)
            if os.environ.get("RLSKILLS_DEBUG") or not line:
                raise
            if stopping.speaks(status):
                print(f"rlskills: {line}", file=sys.stderr)
            raise SystemExit(status) from None


def _explained(error: BaseException) -> tuple[str, int]:
    """The line for an error, empty where there is none, and the exit status."""
    if isinstance(error, KeyboardInterrupt):
        return stopping.last_words(), stopping.status()
    if isinstance(error, OSError):
        about = f"{error.filename}: " if error.filename else ""
        return (about + error.strerror.lower() if error.strerror else ""), stopping.USER_ERROR
    if isinstance(error, UserError):
        return str(error), stopping.USER_ERROR
    return lost_process(error) or "", stopping.USER_ERROR


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
