"""`rlskills env docs`: a page about every environment, from the environment itself.

Figures come from a file that `rlskills env bench --output` wrote; all else is drawn and read here,
so that a page is out of date exactly when generating it again changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tyro

from ...environments import Environment, load, names
from ...errors import UserError
from ...runs.files import read_object

MEASURED = "measured.json"


def docs(
    envs: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    output: Path = Path("docs/environments"),
) -> None:
    """Write a page of Markdown for every environment, and an index.

    Args:
        envs: Names of environments; default: everything that `rlskills env list` lists.
        output: Folder of the pages. Figures are read from its measured.json, if it has one.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in pages(envs or tuple(names()), output / MEASURED).items():
            (output / f"{name}.md").write_text(text, encoding="utf-8")
            print(f"written: {output / name}.md")
    except OSError as error:
        raise UserError(f"cannot write into {output}: {error.strerror}") from error


def pages(specs: tuple[str, ...], measured: Path) -> dict[str, str]:
    """Pages by name, the index among them."""
    found = read_object(measured, {"environments": dict}) if measured.exists() else {}
    speeds = found.get("environments", {})
    loaded = {spec: load(spec) for spec in specs}
    made = {spec: page(env, speeds.get(spec, []), found) for spec, env in loaded.items()}
    rows = [
        f"| [{spec}]({spec}.md) | {len(env.levels)} | {', '.join(env.holdout.splits)} | "
        f"{env.describe()['summary']} |"
        for spec, env in loaded.items()
    ]
    index = [
        "# Environments",
        "",
        "One page each, written by `rlskills env docs`. "
        "[Writing an environment](../environments.md) says how to make one.",
        "",
        "| name | levels | splits | what is asked |",
        "|---|---|---|---|",
        *rows,
        "",
        "`rg:NAME` is any dataset of [reasoning-gym](reasoning_gym.md), `vf:ID` an installed "
        "taskset of verifiers.",
    ]
    return made | {"index": "\n".join(index) + "\n"}


def page(env: Environment, speeds: list[Mapping[str, Any]], measured: Mapping[str, Any]) -> str:
    """One environment's page."""
    about = env.describe()
    lines = [
        f"# {about['name']}",
        "",
        about["summary"],
        "",
        f"Version {about['version']}. `rlskills env sample {about['name']} --level 1` draws more "
        "problems like those below.",
        *_example(env),
        *_levels(env, speeds),
        *_options(about["config"]),
        *_rewards(env),
        *_speeds(about["name"], speeds, measured),
    ]
    return "\n".join(lines) + "\n"


def _example(env: Environment) -> Iterator[str]:
    for level in dict.fromkeys((1, len(env.levels))):
        task = env.task(env.evaluation_split(level), level, 0)
        yield from ("", f"## A problem of level {level}", "")
        for message in task.messages:
            yield from (f"{message['role']}:", "", *_fenced(message["content"]), "")
        yield from ("A worked solution:", "", *_fenced(env.solution(task)), "")
        answer = task.answer
        yield f"Answer: {_code(answer)}" if answer is not None else "Several answers are right."
        yield ""
        yield f"Skills, in the order of evaluation: {', '.join(task.skills) or 'none'}; " \
              f"depth {task.depth}; key `{task.key}`."  # fmt: skip


def _levels(env: Environment, speeds: list[Mapping[str, Any]]) -> Iterator[str]:
    """Which splits hold something is known where drawing from them was measured."""
    yield from ("", "## Levels and splits", "", "| level | sets | splits |", "|---|---|---|")
    for level, sets in enumerate(env.levels, start=1):
        shown = ", ".join(f"{name}={value!r}" for name, value in sets.items())
        held = [speed["split"] for speed in speeds if speed["level"] == level]
        splits = ", ".join(held or env.holdout.splits)
        yield f"| {level} | {_code(shown) if shown else 'nothing'} | {splits} |"
    yield ""
    yield f"{env.test_percent} % of what is not held out belongs to `test`, by content."


def _options(config: Mapping[str, Any]) -> Iterator[str]:
    if not config:
        return
    yield from ("", "## Options", "", "| option | default |", "|---|---|")
    for name, value in config.items():
        yield f"| `{name}` | {_code(repr(value))} |"


def _rewards(env: Environment) -> Iterator[str]:
    components = ["answer", "format", "malformed", *env.reward_components]
    yield from ("", "## Reward", "")
    yield f"Components that a reward can weigh: {', '.join(f'`{name}`' for name in components)}."


def _speeds(
    name: str, speeds: list[Mapping[str, Any]], measured: Mapping[str, Any]
) -> Iterator[str]:
    if not speeds:
        return
    yield from ("", "## Speed and size", "")
    yield f"As `rlskills env bench {name} --seconds {measured['seconds']:g}` printed on one core " \
          f"({measured['machine']}, other work running beside it):"  # fmt: skip
    yield ""
    yield "| split | level | drawn/s | p99 ms | right graded/s | wrong graded/s | problems, about |"
    yield "|---|---|---|---|---|---|---|"
    for speed in speeds:
        rates = (f"{speed[rate]:,.0f}" for rate in ("right_per_s", "wrong_per_s"))
        cells = (
            speed["split"], speed["level"], f"{speed['drawn_per_s']:,.0f}",
            f"{speed['p99_ms']:.2f}", *rates, speed["problems"],
        )  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"


def _fenced(text: str) -> list[str]:
    fence = "```" if "```" not in text else "````"
    return [fence + "text", text, fence]


def _code(text: str) -> str:
    """Inline code that a table can hold."""
    mark = "``" if "`" in text else "`"
    shown = text.replace("|", "\\|").replace("\n", " ")
    return f"{mark}{shown}{mark}"
