"""The `rlskills` command. Every subcommand is a typed function or dataclass; tyro parses it.

A `UserError` anywhere becomes one clear line on standard error and exit status 2.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import UnknownName, UserError

# The threads of GNU OpenMP spin for milliseconds while they wait. Beside any other busy process
# that makes two of them many times slower than one; this long they hardly notice it, and still
# catch most of what comes next. The library reads this when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

USAGE = """usage: rlskills COMMAND ...

  run RECIPE ...       run an experiment: a recipe's name, or the path of a script
  env ...              list, show, sample, check, play and create environments
  curriculum ...       list, show and compare what decides what is practised next
  eval MODEL ...       ask a model fixed eval sets of an environment
  compare RUN RUN ...  tables and plots of run folders, side by side
  rollouts RUN         what a model wrote while it trained, and what it got for it
  doctor               hardware, attention kernel, and what is missing
  --version            print the version

`rlskills COMMAND --help` describes a command, `rlskills run RECIPE --help` a recipe.
"""


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


def command_line(main: Callable[[Any], None], config: type[Any], name: str) -> None:
    """What a recipe ends with: parse its configuration from the command line and run it."""
    import tyro

    def work() -> None:
        parsed = tyro.cli(config, prog=f"rlskills run {name}", description=main.__doc__)
        main(parsed)
        _part_processes()

    with_clear_errors(work)


def _part_processes() -> None:
    """Under a launcher, leave the process group together; to be torn down at exit can crash."""
    torch = sys.modules.get("torch")
    if torch and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _dispatch(words: list[str]) -> None:
    command, *rest = words or ["--help"]
    if command in ("-h", "--help"):
        print(USAGE, end="")
    elif command == "--version":
        print(f"rlskills {__version__}")
    elif command in COMMANDS:
        COMMANDS[command](rest)
    else:
        raise UnknownName("command", command, COMMANDS)


def _run(words: list[str]) -> None:
    found = recipes()
    if not words or words[0] in ("-h", "--help"):
        print("usage: rlskills run RECIPE ...\n\nrecipes:")
        for name, path in found.items():
            print(f"  {name:14} {_summary(path)}")
        return
    name, *rest = words
    path = Path(name) if name.endswith(".py") else found.get(name)
    if path is None:
        raise UnknownName("recipe", name, found)
    if not path.is_file():
        raise UserError(f"no such recipe: {path}")
    sys.argv = [str(path), *rest]
    runpy.run_path(str(path), run_name="__main__")


def recipes() -> dict[str, Path]:
    """Recipes by name: those of the current folder, of a source checkout, of the package."""
    package = Path(__file__).resolve().parents[1]
    folders = [
        package / "_recipes",
        package.parent / "recipes" / "rlskills_recipes",
        Path("recipes"),
    ]
    return {
        file.stem: file
        for folder in folders
        for file in sorted(folder.glob("*.py"))
        if not file.stem.startswith("_")
    }


def _summary(path: Path) -> str:
    import ast

    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return text.split("\n")[0]


def _env(words: list[str]) -> None:
    from .env.main import env_cli

    env_cli(words)


def _curriculum(words: list[str]) -> None:
    from .curriculum.main import curriculum_cli

    curriculum_cli(words)


def _doctor(words: list[str]) -> None:
    import tyro

    from .doctor import doctor

    tyro.cli(doctor, args=words, prog="rlskills doctor")


def _eval(words: list[str]) -> None:
    import tyro

    from .evaluate import evaluate_model

    tyro.cli(evaluate_model, args=words, prog="rlskills eval")


def _compare(words: list[str]) -> None:
    import tyro

    from .compare import compare_runs

    tyro.cli(compare_runs, args=words, prog="rlskills compare")


def _rollouts(words: list[str]) -> None:
    import tyro

    from .rollouts import show_rollouts

    tyro.cli(show_rollouts, args=words, prog="rlskills rollouts")


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "run": _run,
    "env": _env,
    "curriculum": _curriculum,
    "eval": _eval,
    "compare": _compare,
    "rollouts": _rollouts,
    "doctor": _doctor,
}
