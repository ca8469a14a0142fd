"""The conformance checks on every reasoning-gym dataset, and the page that says how each fared.

    python -m rlskills.adapters.rg.sweep docs/environments/reasoning_gym.json
    python -m rlskills.adapters.rg.sweep docs/environments/reasoning_gym.json --page

The first checks what the file does not have yet, each in a process of its own, and may be stopped
and started again; the second writes the page beside the file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ...environments.conformance import check, isolated
from . import datasets
from .catalogue import (
    COSTLY,
    DENIED,
    FORMS,
    GIVES_UP,
    GLOBAL_GENERATOR,
    HASH_SEEDED,
    LEFT_OUT,
    MANY_VALID_ANSWERS,
)
from .graders import GRADERS

JUNK, TASKS, DRAWS = 300, 1, 100
LIMIT_S = 900
"""Seconds for one dataset."""
SILENCE_S = 300.0
"""In the place of the checks' own limit: starting reasoning-gym takes seconds on its own."""


def sweep(results: Path) -> None:
    """Check what is not in the file yet, and write it down after every dataset."""
    known = json.loads(results.read_text()) if results.exists() else {}
    for name in datasets():
        if name in known:
            continue
        start = time.perf_counter()
        command = [sys.executable, "-m", __spec__.name, "--one", name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
            last = done.stdout.strip().rpartition("\n")[2] or done.stderr.strip()[-300:]
            found = json.loads(last) if done.returncode == 0 else {"failures": [last]}
        except subprocess.TimeoutExpired:
            found = {"failures": [f"not checked in {LIMIT_S} s"]}
        known[name] = found
        results.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")
        seconds = time.perf_counter() - start
        print(f"{name}: {len(found['failures'])} failures, {seconds:.0f} s", flush=True)


def one(name: str) -> dict[str, Any]:
    """What the checks find on one dataset."""
    isolated.SILENCE_S = SILENCE_S
    findings = check(f"rg:{name}", junk=JUNK, tasks=TASKS, draws=DRAWS)
    said = {level: [f"{found.check}: {found.message}" for found in findings if found.level == level]
            for level in ("failure", "warning")}  # fmt: skip
    problems = next((found.message for found in findings if found.check == "duplicates"), "")
    return {
        "failures": said["failure"],
        "warnings": said["warning"],
        "problems": problems.removeprefix("distinct problems, about: "),
    }


def page(results: Path) -> str:
    """The page in Markdown."""
    known = json.loads(results.read_text())
    passed = sum(not found["failures"] for found in known.values())
    lines = [
        "# reasoning-gym",
        "",
        "`rg:NAME` is any dataset of reasoning-gym 0.1.25 (`pip install 'rlskills[rg]'`) with our "
        "splits, seeds and keys. Options follow as in `rg:countdown?min_numbers=3&max_numbers=3`; "
        "levels are those of its curricula, without the invalid ones.",
        "",
        f"`python -m rlskills.adapters.rg.sweep` ran the conformance checks on {len(known)} of "
        f"{len(datasets())} datasets ({JUNK} hostile strings on each of up to six tasks, "
        f"{DRAWS} draws of each level): {passed} passed.",
        "",
        "## Refused",
        "",
        *(f"- `{name}`: {why}." for name, why in sorted(DENIED.items())),
        "",
        "## What is dealt with, and how",
        "",
        "| dataset | fault | instead |",
        "|---|---|---|",
        *(f"| {', '.join(names)} | {fault} | {instead} |" for names, fault, instead in _faults()),
        "",
        "## Findings",
        "",
        "| dataset | failures | warnings | problems, about |",
        "|---|---|---|---|",
        *(
            f"| {name} | {_cell(found['failures'])} | {_cell(found.get('warnings', []))} | "
            f"{found.get('problems', '')} |"
            for name, found in known.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _faults() -> list[tuple[list[str], str, str]]:
    hosted = "drawn in a process with a fixed hash seed, in which each draw seeds that generator"
    left = [([name], f"{why} at its level{'s' * (len(levels) > 1)} "
             f"{', '.join(map(str, sorted(levels)))}", "left out")
            for name, (levels, why) in sorted(LEFT_OUT.items())]  # fmt: skip
    return [
        (sorted(HASH_SEEDED), "other problems under another PYTHONHASHSEED", hosted),
        (sorted(GLOBAL_GENERATOR), "uses the global generator of `random`", hosted),
        (sorted(COSTLY), "slow to draw", "a process of its own; half of all problems are `test`"),
        (sorted(GRADERS), "grader executes the answer, accepts wrong ones, or needs all its data",
         "an exact grader of ours"),
        (sorted(FORMS), "grader raises, hangs or is fooled on what is no answer",
         "only what looks like an answer reaches it"),
        (sorted(GIVES_UP), "fails to draw some of its numbers", "another number is drawn"),
        *(([name], why, "answers to other problems that are taken are a warning")
          for name, why in sorted(MANY_VALID_ANSWERS.items())),
        *left,
    ]  # fmt: skip


def _cell(said: list[str]) -> str:
    return "<br>".join(text.replace("|", "\\|").replace("\n", " ")[:300] for text in said)


def main(words: list[str]) -> None:
    """The command line; see the top of this file."""
    if words[:1] == ["--one"]:
        print(json.dumps(one(words[1])))
    elif words[1:] == ["--page"]:
        Path(words[0]).with_suffix(".md").write_text(page(Path(words[0])), encoding="utf-8")
    else:
        sweep(Path(words[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
