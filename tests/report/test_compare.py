"""Run folders in, tables out: reading, pooling, pairing, and the three renderings."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.report.comparison import Comparison, Measure, build, compare
from rlskills.report.crossover import Crossover, Passing
from rlskills.report.reading import load_runs
from rlskills.report.render import print_comparison, to_json, to_markdown
from rlskills.report.sections import compact, sections
from rlskills.report.write import write_report
from rlskills.runs.budget import BUDGETS
from rlskills.stats import accuracy_interval, paired_difference

PLACE = ("train", 3)
TAG = "eval/train/L3/greedy"


def measure(comparison: Comparison, name: str) -> Measure:
    return {one.name: one for one in comparison.measures}[name]


def shown(comparison: Comparison, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO())
    print_comparison(comparison, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_is_read_back_as_written(folders: Any) -> None:
    eval_sets = {("train", 3): [(True, 8, 5), (False, 8, 0)], ("held_out", 10): [(True, 0, 0)]}
    records = [{"step": 10, "samples": 5120, "seconds": 12.5, "metrics": {TAG: 0.5}}]
    folder = folders.write("grpo", 4, eval_sets, records, problems=77, config={"lr": 1})
    (run,) = load_runs([folder])
    assert (run.arm, run.seed, run.group, run.supervision) == ("grpo", 4, "demo", "answers")
    assert (run.problems, run.config, run.folder) == (77, {"lr": 1}, folder)
    eval_set = run.eval_sets[PLACE]
    assert (eval_set.keys, eval_set.greedy) == (("train3:0", "train3:1"), (True, False))
    assert (eval_set.samples, eval_set.correct) == ((8, 8), (5, 0))
    assert ("held_out", 10) in run.eval_sets
    assert run.records[0].metrics == {TAG: 0.5}
    assert run.spent("samples") == 5120
    assert run.spent("rollouts") is None


def test_runs_are_found_below_a_parent_once_and_sorted(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("rft", 1, eval_sets, name="deep/er/b")
    folders.write("rft", 0, eval_sets, name="a")
    inner = folders.write("base", 0, eval_sets, name="z")
    folders.write("rft", 2, eval_sets, name="z/checkpoints")  # part of that run, not one of its own
    found = load_runs([folders.root, folders.root / "a", inner])
    assert [(run.arm, run.seed) for run in found] == [("base", 0), ("rft", 0), ("rft", 1)]


def test_a_run_without_evaluation_is_left_out_and_said_to_be(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("base", 0, eval_sets)
    young = folders.write("grpo", 0, eval_sets)
    (young / "evaluation.json").unlink()
    comparison = compare([folders.root])
    assert [arm.name for arm in comparison.arms] == ["base"]
    assert any(str(young) in note for note in comparison.notes)
    assert str(young.name) in shown(comparison)
    with pytest.raises(UserError, match="no evaluated run"):
        load_runs([young])


def test_runs_on_other_problems_cannot_be_compared(folders: Any) -> None:
    folders.write("base", 0, {PLACE: folders.solved(0.5, 4)})
    folders.write("grpo", 0, {PLACE: folders.solved(0.5, 5)})
    with pytest.raises(UserError, match="same problems at train level 3"):
        load_runs([folders.root])


def test_runs_that_lack_a_probe_cannot_be_compared(folders: Any) -> None:
    eval_set = folders.solved(0.5, 4)
    folders.write("base", 0, {PLACE: eval_set, ("train", 4): eval_set})
    folders.write("grpo", 0, {PLACE: eval_set})
    with pytest.raises(UserError, match="same problems at train level 4"):
        load_runs([folders.root])


def test_one_seed_of_an_arm_twice_is_refused(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("grpo", 0, eval_sets, name="one")
    folders.write("grpo", 0, eval_sets, name="two")
    with pytest.raises(UserError, match=r"two runs of grpo seed 0: .*one and .*two"):
        load_runs([folders.root])


def test_where_no_problem_could_be_graded_a_report_is_written_without_its_figure(
    folders: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folders.write("base", 0, {PLACE: folders.solved(0.5, 4)})
    evaluation = json.loads((folder / "evaluation.json").read_text())
    for task in evaluation["eval_sets"][0]["tasks"]:
        task["status"] = "grader_error"
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    written = write_report([folders.root], tmp_path / "page", Console())
    assert [file.name for file in written] == ["comparison.md"]
    assert "4 of 4 problems of train level 3 are left out" in capsys.readouterr().out


def test_runs_of_two_environments_are_said_to_be_of_two(folders: Any) -> None:
    folders.write("base", 0, {("sums", 1): folders.solved(0.5, 4)}, name="one")
    folders.write("base", 0, {("words", 1): folders.solved(0.5, 4)}, name="two")
    with pytest.raises(UserError, match="they answered other eval sets: compare them apart"):
        load_runs([folders.root])


def test_seeds_are_pooled_and_paired_with_the_base_of_the_same_seed(folders: Any) -> None:
    base, arm = {0: 0.2, 1: 0.4, 2: 0.1}, {0: 0.5, 1: 0.6, 2: 0.7}
    for seed in (2, 0, 1):
        folders.write("base", seed, {PLACE: folders.solved(base[seed], 10)})
        folders.write("grpo", seed, {PLACE: folders.solved(arm[seed], 10)})
    greedy = measure(compare([folders.root]), "greedy")

    def rows(shares: dict[int, float]) -> list[list[bool]]:
        return [[g for g, *_ in folders.solved(shares[seed], 10)] for seed in range(3)]

    assert greedy.accuracy[PLACE]["grpo"] == accuracy_interval(rows(arm))
    assert greedy.over_base[PLACE]["grpo"] == paired_difference(rows(arm), rows(base))
    assert "base" not in greedy.over_base[PLACE]


def test_a_single_base_serves_every_seed_and_a_missing_seed_is_noted(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 10)}
    folders.write("base", 0, eval_sets)
    folders.write("grpo", 0, eval_sets)
    folders.write("grpo", 1, {PLACE: folders.solved(0.9, 10)})
    comparison = compare([folders.root])
    difference = measure(comparison, "greedy").over_base[PLACE]["grpo"]
    assert difference.mean == pytest.approx(0.2)
    assert any("one base serves every seed" in note for note in comparison.notes)
    folders.write("base", 5, eval_sets)
    comparison = compare([folders.root])
    assert measure(comparison, "greedy").over_base[PLACE]["grpo"].mean == pytest.approx(0.0)
    assert any("no base of seed 1" in note for note in comparison.notes)


def test_without_a_base_there_are_no_differences(folders: Any) -> None:
    folders.write("grpo", 0, {PLACE: folders.solved(0.5, 10)})
    comparison = compare([folders.root])
    assert not any(measure(comparison, "greedy").over_base.values())
    assert "no arm named 'base'" in shown(comparison)
    assert "minus" not in shown(comparison)


def test_sampled_rows_use_as_many_samples_as_every_problem_has(folders: Any) -> None:
    rows = [(True, 8, 4), (False, 4, 0)]
    folders.write("base", 0, {PLACE: rows, ("train", 4): [(True, 0, 0)]})
    comparison = compare([folders.root])
    assert [one.name for one in comparison.measures] == ["greedy", "pass@1", "pass@4"]
    assert measure(comparison, "pass@1").accuracy[PLACE]["base"].mean == pytest.approx(0.25)
    expected = (1 - 1 / 70) / 2  # 4 of 8 wrong: one of C(8, 4) draws of 4 misses
    assert measure(comparison, "pass@4").accuracy[PLACE]["base"].mean == pytest.approx(expected)
    assert ("train", 4) not in measure(comparison, "pass@4").accuracy


def test_without_samples_only_greedy_is_compared(folders: Any) -> None:
    folders.write("base", 0, {PLACE: folders.solved(0.5, 10)})
    assert [one.name for one in compare([folders.root]).measures] == ["greedy"]


def test_budgets_are_means_over_seeds_of_the_last_record(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("grpo", 0, eval_sets, folders.curve(TAG, [0, 0, 0], seconds=7), problems=10)
    folders.write("grpo", 1, eval_sets, folders.curve(TAG, [0, 0, 0], seconds=9), problems=30)
    (arm,) = compare([folders.root]).arms
    assert arm.budgets == dict.fromkeys(BUDGETS, 20.0) | {"seconds": 16.0}
    assert (arm.seeds, arm.problems, arm.supervision) == ((0, 1), 20.0, "answers")


def test_what_weakens_a_comparison_is_noted(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("grpo", 0, eval_sets, config={"base": 1, "a": {"rate": 1, "seed": 0}})
    own = {"base": 2, "a": {"rate": 2, "seed": 1}, "moved_by": 10**6}
    folders.write("grpo", 1, eval_sets, config=own)
    folders.write("rft", 0, eval_sets, status="running")
    notes = compare([folders.root]).notes
    assert "grpo: its seeds were trained with different a.rate" in notes  # each has its own base
    assert "rft: seed 0 is not complete" in notes


def overtaking(folders: Any, share: float) -> Comparison:
    """grpo overtakes rft and ends at `share` of 100 problems, rft at .5."""
    folders.write("grpo", 0, {PLACE: folders.solved(share, 100)}, folders.curve(TAG, [0, 1]))
    folders.write("rft", 0, {PLACE: folders.solved(0.5, 100)}, folders.curve(TAG, [0.5, 0.5]))
    return compare([folders.root])


def test_a_crossover_is_a_row_if_the_final_lead_is_clear(folders: Any) -> None:
    comparison = overtaking(folders, 0.9)
    assert comparison.crossovers[0].clear is True
    (section,) = [one for one in sections(comparison) if one.title == "Crossovers"]
    assert section.rows == (("train L3", "grpo > rft", "same", "5", "5", "5", "+.50"),)


def test_cells_of_a_crossover_are_words(folders: Any) -> None:
    cases = {
        Passing(12_800.0): "12.8k",
        Passing(0.0, from_start=True): "from start",
        Passing(30.0, after_end=True): "30 after other ended",
        None: "n/a",
    }
    for passing, text in cases.items():
        at = dict.fromkeys(("samples", "generated_tokens"), passing) | {"seconds": Passing(1.0)}
        crossover = Crossover("train", 3, ("a", "b"), "a", 0.25, at, False, True)
        comparison = replace(overtaking(folders, 0.9), crossovers=(crossover,))
        section = sections(comparison)[-1]
        assert section.rows == (("train L3", "a > b", "different", text, text, "1", "+.25"),)
        shutil.rmtree(folders.root)


def test_supervision_and_its_note_stand_beside_the_budgets(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("base", 0, eval_sets, supervision="every step", supervision_note="single calls")
    folders.write("grpo", 0, eval_sets)
    section = next(
        each for each in sections(compare([folders.root])) if each.title.startswith("Supervision")
    )
    assert section.header[:2] == ("arm", "supervision")
    assert [row[:2] for row in section.rows] == [("base", "every step"), ("grpo", "answers")]
    assert section.lines[1:] == ("base: single calls.",)


def test_supervision_that_nobody_knows_is_a_user_error(folders: Any) -> None:
    folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4)}, supervision="hints")
    with pytest.raises(UserError, match=r"run\.json: 'hints' is not a valid Supervision"):
        load_runs([folders.root])


def test_a_failed_run_is_left_out_with_its_reason(folders: Any) -> None:
    eval_sets = {PLACE: folders.solved(0.5, 4)}
    folders.write("base", 0, eval_sets)
    reason = "train/loss is nan at step 7"
    failed = folders.write("grpo", 0, eval_sets, status="failed", reason=reason)
    (failed / "evaluation.json").unlink()
    notes = compare([folders.root]).notes
    assert notes[0] == f"{failed} failed ({reason}) and is left out"


def test_a_report_is_a_page_and_figures_and_says_where(folders: Any, tmp_path: Path) -> None:
    root = folders.experiment(seeds=1, groups=("train",), levels=(1, 2))
    console = Console(width=80, file=io.StringIO())
    written = write_report([root], tmp_path / "out", console, "seconds")
    assert [file.name for file in written] == [
        "comparison.md", "levels_greedy.png", "curves_seconds.png", "pass_at_k.png"
    ]  # fmt: skip
    assert written[0].read_text() == to_markdown(compare([root]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(f"written: {file}" in text for file in written)
    assert f"tensorboard --logdir {root}" in text


def test_a_report_of_models_that_were_only_measured_has_no_curves(folders: Any) -> None:
    folder = folders.write("base", 0, {PLACE: folders.solved(0.5, 4)})
    written = write_report([folder], folder, Console(file=io.StringIO()))
    assert [file.name for file in written] == ["comparison.md", "levels_greedy.png"]


def test_names_of_runs_do_not_reach_the_terminal_raw(folders: Any) -> None:
    folders.write(
        "a\x1b[31m[bold]", 0, {PLACE: folders.solved(0.5, 4)}, name="x", group="g\x1b]0;t"
    )
    text = shown(compare([folders.root]))
    assert "\x1b" not in text
    assert "a\\x1b[31m[bold]" in text


def test_a_lead_is_judged_on_the_seeds_both_arms_have(folders: Any) -> None:
    folders.write("rft", 7, {PLACE: folders.solved(1.0, 100)}, folders.curve(TAG, [0.5, 0.5]))
    comparison = overtaking(folders, 0.9)
    assert comparison.crossovers[0].clear is True
    folders.write("sft", 3, {PLACE: folders.solved(1.0, 100)}, folders.curve(TAG, [0, 0.7]))
    judged = {one.arms: one.clear for one in compare([folders.root]).crossovers}
    assert judged == {("grpo", "rft"): True, ("grpo", "sft"): None, ("rft", "sft"): None}


def test_a_crossover_within_noise_is_no_row(folders: Any) -> None:
    comparison = overtaking(folders, 0.51)
    assert comparison.crossovers[0].clear is False
    (section,) = [one for one in sections(comparison) if one.title == "Crossovers"]
    assert section.rows == ()
    assert "No clear lead at the end, grpo and rft: train L3." in section.lines
    assert "No clear lead" in shown(comparison)


def test_a_crossover_contradicted_by_the_final_answers_is_not_clear(folders: Any) -> None:
    assert overtaking(folders, 0.1).crossovers[0].clear is False


def test_a_whole_experiment_is_readable_at_a_hundred_columns(folders: Any) -> None:
    root = folders.experiment(seeds=3, groups=("common", "train", "held_out"), levels=(1, 2, 3))
    comparison = compare([root])
    text = shown(comparison)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    for arm in ("base", "grpo", "rft", "sft_answers", "sft_worked"):
        cell = measure(comparison, "greedy").accuracy["held_out", 2][arm]
        assert str(cell) in text
    header = next(line for line in lines if line.startswith("eval set"))
    assert header.split() == ["eval", "set", "base", "grpo", "rft", "sft_answers", "sft_worked"]
    cells = comparison.measures[0].over_base["held_out", 3]
    row = [line for line in lines if line.startswith("held_out L3")][1]
    assert row.count("*") == sum(cell.excludes(0) for cell in cells.values()) > 0


def test_the_order_of_paths_does_not_matter(folders: Any) -> None:
    root = folders.experiment(seeds=2, groups=("train",), levels=(1, 2))
    paths = sorted(root.iterdir())
    assert to_json(compare(paths)) == to_json(compare(reversed(paths)))


def test_a_narrow_console_still_shows_every_arm(folders: Any) -> None:
    comparison = compare([folders.experiment(seeds=1, groups=("train",), levels=(1, 2))])
    text = shown(comparison, width=60)
    assert max(map(len, text.splitlines())) <= 60
    for arm in comparison.arms:
        assert str(measure(comparison, "greedy").accuracy["train", 2][arm.name]) in text


def test_markdown_holds_the_same_cells_as_the_sections(folders: Any) -> None:
    root = folders.experiment(seeds=1, groups=("train", "held_out"), levels=(1, 2))
    comparison = compare([root])
    text = to_markdown(comparison)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    expected = [section for section in sections(comparison) if section.rows]
    assert len(tables) == len(expected)
    for table, section in zip(tables, expected, strict=True):
        lines = [line.replace("\\", "") for line in table.splitlines()]
        assert len(lines) == len(section.rows) + 2
        for line, row in zip(lines[2:], section.rows, strict=True):
            assert line == "| " + " | ".join(row) + " |"


def test_markdown_shows_names_as_they_are(folders: Any) -> None:
    folders.write("a|b_c*", 0, {PLACE: folders.solved(0.5, 4)})
    assert "a\\|b\\_c\\*" in to_markdown(compare([folders.root]))


def test_json_holds_every_cell_unrounded(folders: Any) -> None:
    root = folders.experiment(seeds=2, groups=("train",), levels=(1, 2))
    comparison = compare([root])
    document = json.loads(to_json(comparison))
    assert [arm["name"] for arm in document["arms"]] == [arm.name for arm in comparison.arms]
    (greedy,) = [one for one in document["measures"] if one["name"] == "greedy"]
    assert len(greedy["accuracy"]) == 2 * 5
    cell = next(c for c in greedy["over_base"] if (c["level"], c["arm"]) == (2, "grpo"))
    interval = comparison.measures[0].over_base["train", 2]["grpo"]
    assert (cell["mean"], cell["low"], cell["high"]) == (interval.mean, interval.low, interval.high)
    assert cell["problems"] == 20
    assert len(document["crossovers"]) == 2 * 6
    assert all(one["text"] for one in document["crossovers"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (12.345, "12.3"), (987, "987"), (999.9, "1k"), (12_800, "12.8k"),
     (999_900, "1M"), (1_234_567, "1.23M"), (2.5e9, "2.5G")],
)  # fmt: skip
def test_budgets_are_written_short(value: float | None, text: str) -> None:
    assert compact(value) == text


def test_build_takes_runs_that_were_read(folders: Any) -> None:
    folders.write("base", 0, {PLACE: folders.solved(0.5, 4)})
    comparison = build(load_runs([folders.root]), ["kept"])
    assert comparison.notes[0] == "kept"
    assert comparison.title == "demo"


def test_comparing_needs_no_deep_learning_library() -> None:
    code = (
        "import sys, rlskills.report.write\n"
        "print(sorted({'torch', 'transformers', 'trl', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
