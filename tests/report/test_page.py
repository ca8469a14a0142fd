"""The page of a study: all from its folder, nothing that a model's text can break."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.report.page import write_page
from rlskills.report.reading import load_runs
from rlskills.report.transcript import fenced, pick_transcript
from rlskills.runs.claims import Claim, Effect
from rlskills.runs.rollout_log import RolloutLog
from rlskills.runs.study_file import StudyFile, read_study_file
from rlskills.training.settings import RLSettings, SFTSettings

from ..training.small import run, small_study, stream
from .conftest import Folders

HOSTILE = "## Owned\n```\n````text\n# Owned\n<script>x</script>\n````\n\x1b[31m\u202e| a |"
ABOUT = StudyFile("demo", "Does it *copy* <b>?", "rlskills run demo", (0, 1), {"base": "", "a": ""})


def rollout(correct: bool, **more: Any) -> dict[str, Any]:
    return {
        "round": 0, "group": 0, "level": 2, "prompt": "F1(ab)?", "completion": f"it is {correct}",
        "correct": correct, "reward": float(correct), "status": "ok",
    } | more  # fmt: skip


def outside_fences(text: str) -> list[str]:
    """The lines that are Markdown, by the rule of CommonMark for fences of backticks."""
    lines, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r"`{3,}", line)
        if fence:
            if mark and len(mark[0]) >= len(fence) and line.strip() == mark[0]:
                fence = ""
        elif mark and "`" not in line[len(mark[0]) :]:
            fence = mark[0]
        else:
            lines.append(line)
    assert not fence, "a block of code is never closed"
    return lines


@pytest.fixture
def study(folders: Folders) -> Path:
    """Two arms of one seed each, by hand; the folder of the study is returned."""
    records = folders.curve("eval/demo/L1/greedy", (0.2, 0.4, 0.9), seconds=1000)
    versions: dict[str, Any] = {"versions": {"torch": "2.9"}, "python": "3.12.1"}
    for arm, share in (("base", 0.2), ("a", 0.9)):
        folders.write(
            arm, 0, {("demo", 1): folders.solved(share, 10, 4)}, records if arm == "a" else (),
            f"seed0/{arm}", git={"commit": f"c0ffee{arm}", "changed": False}, **versions,
        )  # fmt: skip
    ABOUT.save(folders.root)
    (folders.root / "config.yaml").write_text("# rlskills run demo\nseeds: 2\n")
    return folders.root


def test_the_page_of_a_real_study_is_whole(tmp_path: Path):
    sft = SFTSettings(max_steps=2, batch_size=8, eval_every=1)
    grpo = RLSettings(max_steps=2, prompts_per_step=4, group_size=2, max_new_tokens=6, eval_every=1)
    base = ArmConfig("base", Supervision.STEPS, sft, stream)
    run(small_study(base, ArmConfig("grpo", Supervision.ANSWERS, grpo, stream, "base")), tmp_path)
    text = write_page(tmp_path).read_text()
    assert text.startswith("# Does it copy letters?\n")
    assert "> Note" not in text.replace("> Note: some runs were made with changes", "")
    assert "rlskills run small --config config.yaml" in text
    assert "output: " in text
    assert "| grpo | base | answers | 2 | 1 of 1 |" in text
    assert "| all | L1-L2 | test | 8 | 2 |" in text
    for heading in ("Greedy accuracy", "Supervision and budgets"):
        assert f"### {heading}\n" in text
    assert "From the rollouts of grpo, seed 0, step " in text
    commit = json.loads((tmp_path / "seed0/grpo/run.json").read_text())["git"]["commit"]
    assert commit in text
    for figure in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (tmp_path / figure).is_file()


def test_study_json_is_in_no_hash_and_written_once(tmp_path: Path):
    study = small_study(ArmConfig("base", Supervision.NONE), seeds=(0, 3), minutes=1.5)
    run(study, tmp_path)
    assert read_study_file(tmp_path) == StudyFile(
        "small", study.title, "rlskills run small", (0, 3), {"base": ""}, 1.5
    )
    manifest = (tmp_path / "seed0/base/run.json").read_text()
    before = (tmp_path / "study.json").stat().st_ino
    run(study, tmp_path)
    assert (tmp_path / "study.json").stat().st_ino == before
    (tmp_path / "study.json").write_text("{torn")
    run(study, tmp_path)
    assert read_study_file(tmp_path) is not None
    assert (tmp_path / "seed0/base/run.json").read_text() == manifest


def test_claims_come_first_and_a_torn_one_is_one_line(study: Path):
    claims = (
        Claim("it | learns", HOSTILE, "nobody", Effect("a", (("demo", 1),)), 0.05, paper="all"),
        Claim("never", "it does not", "nobody", untestable="there is no *time*"),
    )
    replace(ABOUT, claims=claims).save(study)
    text = write_page(study).read_text()
    assert text.index("## What is claimed") < text.index("## Command")
    assert "not testable (1 seeds, and 3 are the fewest)" in text
    assert "there is no \\*time\\*" in text
    assert not [line for line in outside_fences(text) if line.startswith(("# Owned", "## Owned"))]
    value = json.loads((study / "study.json").read_text())
    value["claims"][0]["effect"]["at"] = [["demo"]]
    (study / "study.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="cannot understand"):
        write_page(study)


def test_what_is_incomplete_is_said(study: Path, folders: Folders):
    (study / "config.yaml").unlink()
    (study / "seed1/a").mkdir(parents=True)
    (study / "seed1/a/run.json").write_text(json.dumps({"status": "failed", "reason": "NaN"}))
    text = write_page(study).read_text()
    notes = [line for line in text.splitlines() if line.startswith("> Note: ")]
    for words in ("no config.yaml", "base: seed 1 is not there yet", "different commits",
                  "failed (NaN)"):  # fmt: skip
        assert sum(words in note for note in notes) == 1, words
    assert "c0ffeebase | base 0 |" in text
    assert "| torch | 2.9 | all |" in text
    assert "No arm has a rollout log" in text
    (study / "study.json").unlink()
    assert "no study.json, so arms may be missing" in write_page(study).read_text()


def test_time_is_summed_from_the_budgets(study: Path):
    text = write_page(study).read_text()
    assert "| a | 2,000 |" in text
    assert "2,000 seconds in all" in text


def test_hostile_text_stays_text(study: Path):
    log = RolloutLog(study / "seed0/a")
    log.log(1, [rollout(True, completion=HOSTILE), rollout(False, prompt="F1(ab)?")])
    (study / "config.yaml").write_text(f"# {HOSTILE}")
    text = write_page(study).read_text()
    markdown = outside_fences(text)
    assert not any("Owned" in line or "script" in line for line in markdown)
    assert markdown[0] == "# Does it \\*copy\\* &lt;b>?"
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202e" in text
    assert "<script>x</script>" in text


@pytest.mark.parametrize("text", ["", "`", "```", "a\n``````\nb", "~~~", "x" * 9 + "`" * 50])
def test_no_text_closes_its_block(text: str):
    assert outside_fences(fenced(text)) == []


def test_the_last_group_with_both_is_shown(tmp_path: Path):
    log = RolloutLog(tmp_path)
    assert pick_transcript(tmp_path) == []
    log.log(1, [rollout(False, group=0), rollout(False, group=1, reward=None, completion="failed")])
    assert [each["correct"] for each in pick_transcript(tmp_path)] == [False]
    log.log(2, [rollout(True, group=0)])
    assert [each["step"] for each in pick_transcript(tmp_path)] == [2, 1]
    log.log(3, [rollout(True), rollout(False), rollout(True, group=1), rollout(True, group=1)])
    log.log(4, [rollout(True), rollout(True, prompt="another")])
    shown = pick_transcript(tmp_path)
    assert [(each["step"], each["group"]) for each in shown] == [(3, 0), (3, 0)]
    assert [each["correct"] for each in shown] == [True, False]


def test_a_page_elsewhere_has_its_figures_beside_it(study: Path, tmp_path: Path):
    page = write_page(study, tmp_path / "docs" / "studies" / "a page.md")
    figures = re.findall(r"!\[.*\]\((.*)\)", page.read_text())
    assert figures == ["a%20page/levels_greedy.png", "a%20page/curves_samples.png"]
    assert sorted(path.name for path in (page.parent / "a page").iterdir()) == [
        "curves_samples.png", "levels_greedy.png",
    ]  # fmt: skip
    assert not list(study.glob("*.png"))


def test_wrong_folders_are_one_line(study: Path, tmp_path: Path):
    with pytest.raises(UserError, match="is a run; name the folder of its study"):
        write_page(study / "seed0" / "a")
    with pytest.raises(UserError, match=r"holds several studies: runs; name one"):
        write_page(study.parent)
    with pytest.raises(UserError, match=r"does not end with \.md"):
        write_page(study, tmp_path / "page.html")
    (study / "study.json").write_text('{"name": 1}')
    with pytest.raises(UserError, match=r"cannot understand .*study\.json"):
        write_page(study)


def test_steps_are_those_that_were_made(folders: Any):
    """Of a number of epochs the settings hold no steps but a bound."""
    folder = folders.write(
        "rft", 0, {("a", 1): folders.solved(0.5, 4)}, folders.curve("eval/a/L1/greedy", [0.5, 0.5])
    )
    manifest = json.loads((folder / "run.json").read_text())
    manifest["config"] = {"settings": {"max_steps": 10**6}}
    (folder / "run.json").write_text(json.dumps(manifest))
    (run,) = load_runs([folder])
    assert run.records[-1].step < 10
    assert f"| {run.records[-1].step} | " in write_page(folders.root, None).read_text()
