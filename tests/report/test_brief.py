"""A comparison on one screen: a table, and sentences that follow from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rlskills.console import Console
from rlskills.report.brief import Highlight, brief
from rlskills.report.comparison import compare
from rlskills.report.write import write_report

TRAIN, OTHER = ("train", 3), ("held_out", 2)
HIGHLIGHTS = (
    Highlight("grpo", TRAIN, "deeper than it trained on"),
    Highlight("grpo", OTHER),
    Highlight("sft", TRAIN),
    Highlight("nobody", TRAIN),
    Highlight("grpo", ("train", 9)),
)


def study(folders: Any) -> None:
    solved = folders.solved
    folders.write("base", 0, {TRAIN: solved(0.5, 40), OTHER: solved(0.5, 40)})
    folders.write("grpo", 0, {TRAIN: solved(0.9, 40), OTHER: solved(0.5, 40)})
    folders.write("sft", 0, {TRAIN: solved(0.1, 40), OTHER: solved(0.5, 40)})


def test_sentences_say_what_the_intervals_say(folders: Any) -> None:
    study(folders)
    section = brief(compare([folders.root]), HIGHLIGHTS)
    assert section.rows == (
        ("train L3", ".50", ".90*", ".10*"),
        ("held_out L2", ".50", ".50 ", ".50 "),
    )
    star, raised, same, lowered = section.lines
    assert star.startswith("* differs from the base")
    assert raised.startswith("grpo raises train L3 (.50 to .90, +.40 [")
    assert raised.endswith("]): deeper than it trained on.")
    assert same.startswith("grpo does not clearly change held_out L2 (.50 to .50, .00 [")
    assert lowered.startswith("sft lowers train L3 (.50 to .10, -.40 [")


def test_without_a_base_there_are_no_sentences(folders: Any) -> None:
    folders.write("grpo", 0, {TRAIN: folders.solved(0.9, 40)})
    assert len(brief(compare([folders.root]), HIGHLIGHTS).lines) == 1


def test_a_brief_report_fits_one_screen_and_the_page_has_all(folders: Any, tmp_path: Path) -> None:
    study(folders)
    shown = io.StringIO()
    console = Console(file=shown, width=80)
    write_report([folders.root], tmp_path / "out", console, highlights=HIGHLIGHTS)
    text = shown.getvalue()
    assert text.count("\n") < 24
    assert "grpo raises train L3" in text
    assert "Crossovers" not in text
    page = (tmp_path / "out/comparison.md").read_text()
    assert "Supervision and budgets" in page
