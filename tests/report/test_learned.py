"""Tables and pictures of what was learned, by numbers worked out by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.report.comparison import build, compare
from rlskills.report.learned import learned
from rlskills.report.learned.bars import plot_failures
from rlskills.report.learned.pass_at_k import steps_of_k
from rlskills.report.learned.pass_curves import plot_pass_at_k
from rlskills.report.reading import load_runs
from rlskills.report.render import print_comparison, to_markdown
from rlskills.report.run import arms
from rlskills.report.section import Section

from .conftest import Folders

DEEP = ("train", 2)
HOSTILE = "](x) | <b>\x1b[31m"


def tell(folder: Path, tasks: Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]) -> Path:
    """Add keys to the tasks of a record."""
    file = folder / "evaluation.json"
    evaluation = json.loads(file.read_text())
    for each in evaluation["eval_sets"]:
        for task, more in zip(each["tasks"], tasks[each["group"], each["level"]], strict=True):
            task |= more
    file.write_text(json.dumps(evaluation))
    return folder


def kind(name: str, step: int = 0, cause: str = "slip", length: int = 2) -> dict[str, Any]:
    found: dict[str, Any] = {"greedy_class": name, "steps": length}
    return found | ({"defect": {"cause": cause, "step": step}} if step else {})


def table(runs: Path, title: str) -> Section | None:
    return {each.title: each for each in learned(load_runs([runs]))}.get(title)


def rows(runs: Path, title: str) -> list[list[str]]:
    found = table(runs, title)
    assert found is not None
    return [list(row) for row in found.rows]


@pytest.fixture
def told(folders: Folders) -> Path:
    """A base and an arm whose four problems fail in known ways."""
    base = folders.write("base", 0, {DEEP: folders.solved(0.25, 4)})
    arm = folders.write("grpo", 0, {DEEP: folders.solved(0.5, 4)})
    stopped, misbound = (
        kind("ignores composition", 1, "stop"),
        kind("wrong composition", 1, "binding"),
    )
    slip = kind("atomic error", 2)
    tell(base, {DEEP: [kind("verified"), stopped, misbound, slip]})
    tell(arm, {DEEP: [kind("verified"), kind("lucky", 2), slip, kind(HOSTILE)]})
    return folders.root


def test_shares_of_kinds_add_up_and_a_name_that_is_not_known_is_other(told: Path):
    found = table(told, "How answers fail")
    assert found is not None
    assert found.header == (
        "eval set", "arm", "verified", "lucky", "ignores composition", "wrong composition",
        "atomic error", "other",
    )  # fmt: skip
    shares = [[cell.split(" ")[0] for cell in row[2:]] for row in found.rows]
    assert shares == [
        [".25", "-", ".25", ".25", ".25", "-"],
        [".25", ".25", "-", "-", ".25", ".25"],
    ]
    assert found.rows[0][2] == ".25 [.05, .70]"  # Wilson, 1 of 4
    assert HOSTILE not in to_markdown(compare([told]))


def test_over_three_seeds_the_interval_is_that_of_seeds(folders: Folders):
    for seed, count in enumerate((1, 2, 3)):
        folder = folders.write("grpo", seed, {DEEP: folders.solved(0.0, 4)})
        kinds = [kind("atomic error", 1)] * count + [kind("unparsed")] * (4 - count)
        tell(folder, {DEEP: kinds})
    (row,) = rows(folders.root, "How answers fail")
    assert row[2] == ".50 [.00, 1.0]"  # .5 +- 4.303 x .25 / sqrt(3), cut


def test_hazards_count_traces_that_got_there(told: Path):
    found = rows(told, "Where answers first go wrong")
    # Of the base's four traces one is bound wrongly and one stops at step 1; two reach step 2.
    assert [[*row[:4], *(cell.split(" ")[0] for cell in row[4:])] for row in found] == [
        ["train L2", "base", "binding", "4", ".25", ".00"],
        ["train L2", "base", "slip", "4", ".00", ".50"],
        ["train L2", "base", "stop", "4", ".25", ".00"],
        ["train L2", "grpo", "slip", "4", ".00", ".50"],
    ]


def test_efficiency_is_accuracy_over_the_product_of_atoms(folders: Folders):
    single = folders.solved(0.5, 8) + folders.solved(0.75, 8)
    folder = folders.write("grpo", 0, {("train", 1): single, DEEP: folders.solved(0.25, 8)})
    alone: list[dict[str, Any]] = [{"skills": ["f"]}] * 8 + [{"skills": ["g"]}] * 8
    chains = [{"skills": ["f", "g"]}] * 8
    tell(folder, {("train", 1): alone, DEEP: chains})
    ((where, ratio),) = rows(folders.root, "Composition efficiency")
    assert (where, ratio.split(" ")[0]) == ("train L2", "0.67")  # .25 / (.5 x .75)
    ((_, gap),) = rows(folders.root, "Compositionality gap")
    assert gap.split(" ")[0] == ".75"
    tell(folder, {("train", 1): alone, DEEP: [{"skills": ["f", "unknown"]}] * 8})
    assert table(folders.root, "Composition efficiency") is None


def test_pass_at_k_has_quadruples_and_the_number_of_samples(folders: Folders):
    assert [steps_of_k(n) for n in (1, 4, 6, 64)] == [[1], [1, 4], [1, 4, 6], [1, 4, 16, 64]]
    folders.write("grpo", 0, {DEEP: [(True, 8, 2), (False, 8, 2), (True, 8, 0)]})
    found = table(folders.root, "pass@k")
    assert found is not None
    assert found.header[2:] == ("pass@1", "pass@4", "pass@8")
    # 1 - C(6, 4) / C(8, 4) = .7857 on two of three problems
    assert [cell.split(" ")[0] for cell in found.rows[0][2:]] == [".17", ".52", ".67"]
    for seed in (5, 6):  # another number of samples elsewhere takes away what it lacks
        folders.write("grpo", seed, {DEEP: [(True, 3, 1)] * 3})
    assert table(folders.root, "pass@k") is None


def test_right_samples_are_right_by_right_steps(folders: Folders):
    folder = folders.write("grpo", 0, {DEEP: [(True, 4, 4), (True, 4, 2), (False, 4, 0)]})
    counted = [
        ({"verified": 2, "lucky": 2}, 2),
        ({"verified": 1, "lucky": 1}, 1),
        ({"other": 4}, 0),
    ]
    tell(folder, {DEEP: [{"classes": kinds, "verified": n} for kinds, n in counted]})
    ((_, share),) = rows(folders.root, "Right samples by right steps")
    assert share.split(" ")[0] == ".50"


def test_reach_says_how_many_samples_of_the_base_one_is_worth(folders: Folders):
    folders.write("base", 0, {DEEP: [(False, 32, 4)] * 6 + [(False, 32, 0)] * 6})
    folders.write("grpo", 0, {DEEP: [(True, 32, 28)] * 6 + [(True, 32, 32)] * 6})
    ((_, arm, _, far, reading, solved, elsewhere, gained, lost),) = rows(
        folders.root, "Reach beyond the base"
    )
    assert (arm, far, reading) == ("grpo", "more than drawn", "reach")
    # 24 of 32 more on half of the problems; all of them on the half that the base never solves.
    assert solved.startswith("+.38 [")
    assert elsewhere.startswith("+.50 [")
    # Of the six that the base solves, 16 samples miss C(28,16)/C(32,16) = .0506 and 16 others find
    # them: .304 problems are gained so, and as many by chance.
    assert gained.startswith("6.0 [")
    assert lost.split(" ")[0] == "-0.3"
    folders.write("rft", 0, {DEEP: [(False, 32, 0)] * 12})
    nothing = rows(folders.root, "Reach beyond the base")[1]
    assert nothing[1:5] == ["rft", "-", "-", "-"]


def test_fewer_samples_than_sixteen_say_nothing_of_reach(folders: Folders):
    for arm in ("base", "grpo"):
        folders.write(arm, 0, {DEEP: [(True, 15, 5)] * 4})
    assert table(folders.root, "Reach beyond the base") is None


def test_what_is_kept_is_a_test_over_seeds(folders: Folders):
    for seed in range(3):
        for arm, share in (("base", 0.5), ("grpo", 0.5), ("rft", 0.3)):
            folders.write(arm, seed, {("common", 2): folders.solved(share, 10)})
    found = table(folders.root, "What is kept")
    assert found is not None
    assert found.header == ("eval set", "grpo", "rft")
    # Three seeds that agree on no change have p = 1/8, which proves nothing.
    assert found.rows == (("common L2", "+0.00 [+0.00, +0.00]", "-0.20 [-0.20, -0.20]"),)


def test_records_without_any_of_it_have_none_of_it(folders: Folders, tmp_path: Path):
    folders.write("base", 0, {DEEP: folders.solved(0.5, 4)})
    runs = load_runs([folders.root])
    assert learned(runs) == learned(runs, page=False) == []
    assert plot_failures(arms(runs), tmp_path) is None
    assert plot_pass_at_k(arms(runs), tmp_path) is None
    eval_set = runs[0].eval_sets[DEEP]
    assert (eval_set.kinds, eval_set.shown) == (None, None)


def test_a_terminal_gets_a_line_an_arm(told: Path):
    comparison = build(load_runs([told]))
    console = Console(width=120, file=io.StringIO())
    print_comparison(comparison, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    new = shown[shown.index("How answers fail") :].splitlines()
    assert len(new) < 10
    assert [line.split()[:4] for line in new if line.lstrip().startswith(("base", "grpo"))] == [
        ["base", ".25", ".25", ".25"], ["grpo", ".50", ".25", ".00"],
    ]  # fmt: skip
    assert "Where answers first go wrong" not in shown
    assert "Where answers first go wrong" in to_markdown(comparison)


def test_texts_and_kinds_are_read_back(folders: Folders):
    folder = folders.write("grpo", 0, {DEEP: [(True, 2, 1), (False, 2, 0)]})
    first = {"prompt": "F(ab)?", "completion": "F(ab)=c;#c", "first_wrong": [0, 7]}
    slip = kind("atomic error", 2) | {"classes": {"lucky": 1}, "verified": 0}
    slip["defect"]["type"] = "dropped"
    tell(folder, {DEEP: [first | slip, {}]})
    (run,) = load_runs([folder])
    eval_set = run.eval_sets[DEEP]
    assert eval_set.shown is not None
    assert eval_set.kinds is not None
    (shown, no_text), (kinds, no_kinds) = eval_set.shown, eval_set.kinds
    assert no_text is no_kinds is None
    assert shown is not None
    assert kinds is not None
    assert (shown.prompt, shown.completion, shown.first_wrong) == ("F(ab)?", "F(ab)=c;#c", (0, 7))
    assert (kinds.greedy, kinds.slip, kinds.samples) == ("atomic error", "dropped", {"lucky": 1})
    assert kinds.trace == (2, 2, "slip", 0)
    assert eval_set.only([False, True]).kinds == (None,)


@pytest.mark.parametrize(
    "damage",
    [
        {"greedy_class": 3},
        {"classes": ["verified"]},
        {"classes": {"verified": -1}},
        {"classes": {"verified": 1.5}},
        {"classes": {"verified": 9}},
        {"classes": {"verified": 1}, "verified": 2},
        {"greedy_class": "lucky", "steps": 0},
        {"greedy_class": "lucky", "steps": True},
        {"greedy_class": "lucky", "steps": 2, "defect": {"step": 3, "cause": "slip"}},
        {"greedy_class": "lucky", "steps": 2, "defect": {"step": 1, "cause": ["slip"]}},
        {"greedy_class": "lucky", "steps": 2, "defect": {"cause": "slip"}},
        {"greedy_class": "lucky", "steps": 2, "defect": "slip"},
        {"completion": 7},
        {"completion": "ab", "prompt": {}},
        {"completion": "ab", "first_wrong": [0]},
        {"completion": "ab", "first_wrong": [1, 9]},
        {"completion": "ab", "first_wrong": [1, 0]},
        {"completion": "ab", "first_wrong": "01"},
        {"skills": "F01"},
    ],
)
def test_a_damaged_record_is_one_line(folders: Folders, damage: dict[str, Any]):
    folder = folders.write("grpo", 0, {DEEP: [(True, 2, 1)]})
    tell(folder, {DEEP: [damage]})
    with pytest.raises(UserError, match=r"cannot understand .*evaluation\.json: ") as caught:
        load_runs([folder])
    assert "\n" not in str(caught.value)
