"""`rlskills env`: list, show, sample, check, play and create environments."""

from __future__ import annotations

import contextlib
import json as json_text
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich import box
from rich.table import Table
from rich.text import Text

from ...console import Console
from ...environments import Environment, Task, demonstration, load, names
from ...environments.environment import ENVIRONMENTS
from ...environments.registry import members, prefixes
from ...errors import UnknownName, UserError
from .bench import bench
from .docs import docs
from .export import export
from .new import new
from .play import play

STYLES = {"ok": "green", "warning": "yellow", "failure": "bold red"}


def list_environments() -> None:
    """All environments that can be loaded by name."""
    table = _table("name", "levels", "splits", "what is asked")
    table.columns[1].justify = "right"
    table.columns[2].max_width = 20
    for name in names():
        try:
            env = load(name)
        except UserError as error:  # one that is broken must not hide the others
            table.add_row(name, "", "", Text(_plain(str(error)), style="red"))
            continue
        about = env.describe()
        splits, summary = ", ".join(about["splits"]), Text(about["summary"])
        table.add_row(name, str(about["levels"]), splits, summary)
    console = Console()
    console.print(table)
    for prefix in prefixes():
        console.print(f"{prefix}:NAME asks the adapter of that name.")
    console.print("Own ones need no registration: use file.py:Class wherever a name is asked for.")


def show(env: tyro.conf.Positional[str], /, level: int = 1) -> None:
    """What an environment asks: levels, splits, options, and one task with its solution.

    Args:
        env: Name or file.py:Class; options may follow after a question mark, as in
            "string_transform?preset=tiny".
        level: Level of the task that is shown, from 1 on.
    """
    loaded = load(env)
    about, task = loaded.describe(), loaded.task("train", level, 0)
    console = Console()
    heading = f"{about['name']} (version {about['version']}): {about['summary']}"
    console.print(Text(_plain(heading), overflow="fold"))
    _print(console, f"source: {ENVIRONMENTS.place_of(type(loaded))}")
    _print(console, f"splits: {', '.join(about['splits'])}")
    options = _table("option", "default")
    for name, value in about["config"].items():
        options.add_row(name, Text(_plain(repr(value))))
    levels = _table("level", "sets")
    for number, sets in enumerate(loaded.levels, start=1):
        settings = ", ".join(f"{name}={value!r}" for name, value in sets.items())
        levels.add_row(str(number), Text(_plain(settings)))
    console.print(options, levels)
    _print_task(console, loaded, task)


def sample(
    env: tyro.conf.Positional[str],
    /,
    level: int = 1,
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 3,
    split: str = "train",
    json: bool = False,
) -> None:
    """Draw tasks and print them, with worked solutions or as JSON.

    Args:
        env: Name or file.py:Class; options may follow after a question mark.
        level: Difficulty, from 1 on.
        count: How many tasks.
        split: train, test, or one that the environment holds out (ood_skill, ood_pair, ood_depth).
        json: Print one JSON object a line (prompt, answer, level, skills, split, key) and
            nothing else.
    """
    if count < 0:
        raise UserError(f"-n must not be negative, but is {count}")
    with contextlib.redirect_stdout(sys.stderr):  # whatever an environment prints on loading
        loaded = load(env)
        tasks = list(islice(loaded.tasks(split, level), count))
    if json:
        keys = ("prompt", "answer", "level", "skills", "split", "key")
        for task in tasks:
            print(json_text.dumps({key: getattr(task, key) for key in keys}))
        return
    for task in tasks:
        _print_task(Console(), loaded, task)


def check(
    envs: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    all_: Annotated[bool, tyro.conf.arg(name="all")] = False,
    junk: int = 10_000,
    tasks: int = 3,
    draws: int = 1000,
    golden: Path | None = None,
) -> None:
    """Check that environments grade and draw as they must; exits with status 1 on a failure.

    Right answers score correct, wrong and hostile ones do not; model text is not executed; every
    process draws the same tasks; splits are disjoint; hold-outs are held out. An environment that
    hangs or ends its process is stopped, and the check that met it fails.

    Args:
        envs: Names or file.py:Class; options may follow after a question mark. "rg:*" stands for
            every reasoning-gym dataset that is not refused.
        all_: Check everything that `rlskills env list` lists.
        junk: Hostile strings that are tried; the worst of them on each of a few tasks.
        tasks: Tasks drawn from each split and level.
        draws: Training tasks of each level that are searched for duplicates.
        golden: Folder with a digest of the tasks of each environment version, to compare with;
            what is not in it yet is written.
    """
    for option, value in (("--junk", junk), ("--tasks", tasks), ("--draws", draws)):
        if value < 1:
            raise UserError(f"{option} must be positive, but is {value}")
    named = [name for env in envs for name in (members(env[:-2]) if env.endswith(":*") else [env])]
    chosen = list(dict.fromkeys([*named, *(names() if all_ else ())]))
    if not chosen:
        raise UserError("name an environment to check, or give --all")
    hard = {"junk": junk, "tasks": tasks, "draws": draws, "golden": golden}
    failed = [name for name in chosen if not _check_one(name, hard)]
    if failed:
        raise SystemExit(1)


def _check_one(spec: str, hard: Mapping[str, Any]) -> bool:
    """Print the findings on one environment; True when none is a failure."""
    from ...environments.conformance.apart import check_apart

    console = Console()
    table = _table("check", "result", "", title=Text(spec, overflow="fold"), title_justify="left")
    findings = check_apart(spec, **hard)
    for finding in findings:
        style = STYLES[finding.level]
        message = Text(_plain(finding.message))
        table.add_row(finding.check, Text(finding.level, style=style), message)
    console.print(table)
    for finding in findings:
        if finding.task and finding.level != "ok":
            about = f"{finding.level}, {finding.check}: {finding.message}"
            _print(console, f"{about}\n  task: {finding.task}")
    failures = sum(finding.level == "failure" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    _print(console, f"{spec}: {failures} failures, {warnings} warnings")
    return failures == 0


def _table(*columns: str, **settings: Any) -> Table:
    """A table whose first column stays whole; in the others words wrap, and none is cut."""
    table = Table(box=box.SIMPLE, **settings)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    return table


def _print_task(console: Console, env: Environment, task: Task) -> None:
    skills = f", skills {', '.join(task.skills)}" if task.skills else ""
    console.rule(f"{task.split}, level {task.level}, number {task.index}", align="left")
    _print(console, f"key {task.key}, depth {task.depth}{skills}")
    parts = {f"prompt ({said['role']})": said["content"] for said in task.messages}
    parts |= {"solution": _expert(env, task), "answer": str(task.answer)}
    for title, text in parts.items():
        console.print(title, style="bold")
        _print(console, text)


def _expert(env: Environment, task: Task) -> str:
    """The worked solution, with all that is said on the way to it."""
    if not env.multi_turn:
        return env.solution(task)
    replies = demonstration(env, task).messages[len(task.messages) :]
    return "\n".join(f"{said['role']}: {said['content']}" for said in replies)


def _print(console: Console, text: str) -> None:
    """Print as it is: no markup, no colours, no line breaks of rich's own."""
    console.print(_plain(text), highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    """Text that any terminal takes: half characters are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


COMMANDS = {
    "list": list_environments,
    "show": show,
    "sample": sample,
    "check": check,
    "play": play,
    "new": new,
    "bench": bench,
    "export": export,
    "docs": docs,
}


def env_cli(args: Sequence[str]) -> None:
    """Parse and run `rlskills env ...`; `args` are the words behind `env`.

    `UserError` is left to the caller; a failed check raises `SystemExit(1)`, words that cannot be
    parsed raise `SystemExit(2)` with tyro's explanation on standard error.
    """
    words = list(args) or ["--help"]
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        raise UnknownName("env command", words[0], COMMANDS)
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="rlskills env",
        description="List, show, sample, check, play and create environments.",
        args=words,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
