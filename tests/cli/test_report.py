"""`rlskills report`: writes the page and says where."""

from __future__ import annotations

import json
from pathlib import Path

from rlskills.cli import entry as cli


def test_report_writes_the_page(capsys, tmp_path: Path):
    for arm in ("base", "sft"):
        folder = tmp_path / "study" / "seed0" / arm
        folder.mkdir(parents=True)
        about = {"arm": arm, "seed": 0, "supervision": "answers", "status": "complete"}
        (folder / "run.json").write_text(json.dumps(about))
        tasks = [{"key": str(n), "greedy": n < 3} for n in range(4)]
        eval_set = {"group": "bits", "level": 1, "split": "test", "tasks": tasks}
        (folder / "evaluation.json").write_text(json.dumps({"eval_sets": [eval_set]}))
        (folder / "metrics.jsonl").write_text("")
    page = tmp_path / "pages" / "bits.md"
    cli.main(["report", str(tmp_path / "study"), "--output", str(page)])
    assert capsys.readouterr().out == f"written: {page}\n"
    assert "| bits L1 | .75" in page.read_text()
    assert (page.parent / "bits" / "levels_greedy.png").is_file()
