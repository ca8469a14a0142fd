"""`rlskills rollouts`: filters, groups side by side, hostile text, errors of one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rlskills.cli import entry as cli
from rlskills.runs.rollout_log import FILE, RolloutLog

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J [bold]b[/bold] [/] \u202eabc\x00\r\n\udc80 end"


def rollout(step: int, group: int, number: int, **more: Any) -> dict[str, Any]:
    right = number % 2 == 0
    return {
        "round": 0, "group": group, "env": "say", "split": "train", "level": group + 1,
        "index": step, "key": f"k{step}", "skills": ["f", "g"] if group else ["f"],
        "unit": f"f@L{group + 1}", "prompt": f"prompt of step {step}, group {group}",
        "completion": f"completion {step}.{group}.{number}", "correct": right,
        "reward": float(right), "status": "correct" if right else "wrong",
        "parts": {"answer": float(right)}, "tokens": 3, "truncated": False,
        "advantage": 1.0 if right else -1.0, "kept": True,
    } | more  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "study" / "grpo"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    log = RolloutLog(folder)
    for step in (1, 2, 3):
        log.log(step, [rollout(step, group, n) for group in (0, 1) for n in range(4)])
    return folder


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def lines(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict[str, Any]]:
    cli.main(["rollouts", *map(str, words), "--json"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as error:
        cli.main(["rollouts", *map(str, words)])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("rlskills: ")
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ((), 24),
        (("--step", 2), 8),
        (("--step", "2-3"), 16),
        (("--level", 2), 12),
        (("--skill", "g"), 12),
        (("--skill", "f"), 24),
        (("--status", "wrong"), 12),
        (("--env", "say"), 24),
        (("--group", 0), 12),
        (("--group", 0, "--step", 3, "--status", "correct"), 2),
        (("--limit", 5), 5),
        (("--limit", 0), 24),
    ],
)
def test_filters_pick_rollouts(capsys, run: Path, flags: tuple[object, ...], count: int):
    picked = lines(capsys, run, *flags)
    assert len(picked) == count
    assert picked[0].keys() == {"step", *rollout(1, 0, 0)}


def test_the_only_logged_run_of_a_study_is_taken(capsys, run: Path):
    (run.parent / "sft").mkdir()
    (run.parent / "sft" / "run.json").write_text("{}")
    assert len(lines(capsys, run.parent)) == 24


def test_rollouts_are_readable_at_eighty_columns(capsys, run: Path):
    cli.main(["rollouts", str(run), "--step", "1"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for text in ("step 1", "say", "L2", "f g", "wrong", "reward 1", "adv -1.00",
                 "prompt of step 1, group 1", "completion 1.1.3"):  # fmt: skip
        assert text in shown, text
    cli.main(["rollouts", str(run)])
    assert "10 of 24 rollouts; --limit 0 shows all" in capsys.readouterr().out


def test_a_group_stands_side_by_side_below_its_prompt(capsys, run: Path):
    cli.main(["rollouts", str(run), "--step", "2", "--group", "1"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("prompt of step 2, group 1") == 1
    both = [line for line in shown.splitlines() if "completion 2.1.0" in line]
    assert len(both) == 1
    assert "completion 2.1.1" in both[0]
    assert "completion 2.1.3" in shown
    (run / FILE).unlink()
    RolloutLog(run).log(1, [rollout(1, 0, n, completion="x" * 99 + "end") for n in (0, 1)])
    cli.main(["rollouts", str(run), "--group", "0"])
    assert capsys.readouterr().out.count("xend") == 2, "a long word is folded, not cut"


@pytest.mark.parametrize("flags", [(), ("--group", "0")])
def test_what_a_model_writes_does_not_reach_the_terminal(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    (tmp_path / "run.json").write_text("{}")
    names = {"env": HOSTILE, "skills": [HOSTILE], "status": HOSTILE}
    row = rollout(1, 0, 0, prompt=HOSTILE, completion=HOSTILE, **names)
    RolloutLog(tmp_path).log(1, [row])
    cli.main(["rollouts", str(tmp_path), *flags])
    shown = capsys.readouterr().out
    assert not {"\x07", "\x9b", "\u202e", "\x00", "\r", "\udc80"} & set(shown)
    assert "\x1b]" not in shown
    assert "\x1b[31mred" not in shown
    assert "\\x1b[31mred" in shown.replace("\n", "")
    assert "[bold]b[/bold]" in shown.replace("\n", "")


def test_long_texts_are_cut_unless_wanted_whole(capsys, tmp_path: Path):
    (tmp_path / "run.json").write_text("{}")
    RolloutLog(tmp_path).log(1, [rollout(1, 0, 0, completion="word " * 1000 + "end")])
    cli.main(["rollouts", str(tmp_path)])
    assert "3803 more characters" in " ".join(capsys.readouterr().out.split())
    cli.main(["rollouts", str(tmp_path), "--whole"])
    assert "end" in capsys.readouterr().out


def test_ungraded_and_truncated_rollouts_say_so(capsys, tmp_path: Path):
    (tmp_path / "run.json").write_text("{}")
    row = rollout(1, 0, 1, reward=None, advantage=None, truncated=True, kept=False, round=2)
    RolloutLog(tmp_path).log(1, [row])
    cli.main(["rollouts", str(tmp_path)])
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("round 2", "reward -", "truncated", "not learned"):
        assert text in shown, text
    assert "adv" not in shown


def test_errors_are_one_line_that_helps(capsys, run: Path, tmp_path: Path):
    sft = run.parent / "sft"
    sft.mkdir()
    (sft / "run.json").write_text("{}")
    shown = fails(capsys, sft)
    assert "no rollout log" in shown
    assert "beside it these have one: grpo" in shown
    assert "RL arms write one" in shown
    (sft / FILE).write_bytes((run / FILE).read_bytes())
    assert f"{run}, {sft}; name one" in fails(capsys, run.parent)
    assert "did you mean 'wrong'" in fails(capsys, run, "--status", "wrng")
    assert "unknown level '7'" in fails(capsys, run, "--level", 7)
    assert "unknown skill 'h'" in fails(capsys, run, "--skill", "h")
    assert "steps 1 to 3" in fails(capsys, run, "--step", "9")
    assert "as 40 or 10-20" in fails(capsys, run, "--step", "two")
    assert "ends before" in fails(capsys, run, "--step", "3-1")
    assert "--limit" in fails(capsys, run, "--limit", -1)
    assert "no such folder" in fails(capsys, tmp_path / "nowhere")
    (run / FILE).write_text("")
    assert "is empty" in fails(capsys, run)
