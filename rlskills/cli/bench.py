"""`rlskills bench`: how fast training is here, beside plain TRL."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..bench.options import TrainOptions
from ..console import Console
from ..errors import UnknownName


def train_cli(words: list[str]) -> None:
    """Measure, print, and write or check what the flags name."""
    import tyro

    options = tyro.cli(
        TrainOptions, args=words, prog="rlskills bench train",
        config=(tyro.conf.FlagCreatePairsOff,),
    )  # fmt: skip
    from ..bench.run import bench_train

    bench_train(options, shlex.join(["rlskills", "bench", "train", *words]), Console())


@dataclass(frozen=True)
class PageOptions:
    """The page on speed, from the folders that `rlskills bench train --output` wrote."""

    folder: Path
    """What those folders are in."""
    output: Path | None = None
    """The file to write; without it the page is printed."""


def page_cli(words: list[str]) -> None:
    """Write or print the page on speed."""
    import tyro

    options = tyro.cli(
        PageOptions, args=words, prog="rlskills bench page",
        config=(tyro.conf.PositionalRequiredArgs,),
    )  # fmt: skip
    from ..bench.page import page

    text = page(options.folder)
    if options.output:
        options.output.write_text(text)
    else:
        print(text)


COMMANDS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "train": (train_cli, "completions per second of GRPO, and what is learned, beside TRL"),
    "page": (page_cli, "the page on speed, from folders that --output wrote"),
}


def bench_cli(words: list[str]) -> None:
    """Parse and run `rlskills bench ...`; `words` are those behind `bench`."""
    command, *rest = words or ["--help"]
    if command in ("-h", "--help"):
        print("usage: rlskills bench COMMAND ...\n")
        for name, (_, text) in COMMANDS.items():
            print(f"  {name:6} {text}")
        print("\n`rlskills bench COMMAND --help` describes a command.")
    elif command not in COMMANDS:
        raise UnknownName("bench command", command, COMMANDS)
    else:
        COMMANDS[command][0](rest)
