"""`rlskills curriculum papers`: which claims of papers come out with our methods."""

from __future__ import annotations

import time
from pathlib import Path

import tyro

from ...console import Console, progress
from ...errors import UserError
from ...simulation.papers import CLAIMS, find_claims
from ...simulation.papers.page import HEADER, rows, to_markdown
from ...tables import print_table


def curriculum_papers(
    names: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    seeds: int = 10,
    first_seed: int = 0,
    output: Path = Path("curriculum_papers"),
) -> None:
    """Repeat small experiments of papers with our methods, and say which claims come out.

    Args:
        names: Claims to run; none: all.
        seeds: Seeds of each experiment.
        first_seed: The first of them.
        output: Folder for curriculum_papers.md: the table, and what was run and measured.
    """
    if seeds < 2 or first_seed < 0:
        raise UserError("--seeds must be at least 2, --first-seed at least 0")
    console, chosen = Console(), find_claims(names)
    start = time.perf_counter()
    claims = []
    with progress("papers", len(chosen), 0, console) as advance:
        for done, name in enumerate(chosen, 1):
            claims.append(CLAIMS[name](range(first_seed, first_seed + seeds)))
            advance(done, name)
    print_table(console, HEADER, rows(claims), keys=2)
    command = " ".join(["rlskills curriculum papers", *names, f"--seeds {seeds}"])
    command += f" --first-seed {first_seed}" if first_seed else ""
    output.mkdir(parents=True, exist_ok=True)
    page = output / "curriculum_papers.md"
    page.write_text(to_markdown(claims, command, seeds))
    console.say(f"written: {page}")
    console.say(f"{len(claims)} claims, {time.perf_counter() - start:.0f} s")
