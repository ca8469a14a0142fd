"""`rlskills report`: writes the page and says where."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

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
    html = page.with_suffix(".html")
    assert capsys.readouterr().out == f"written: {page}\nwritten: {html}\n"
    assert "<h2>Accuracy by level</h2>" in html.read_text()
    assert "| bits L1 | .75" in page.read_text()
    assert (page.parent / "bits" / "levels_greedy.png").is_file()


def test_without_plotly_the_page_says_how_to_get_the_other(capsys, tmp_path: Path, monkeypatch):
    test_report_writes_the_page(capsys, tmp_path)
    html = tmp_path / "pages" / "bits.html"
    html.unlink()
    # What `import plotly` and a search for it do where it is not installed.
    monkeypatch.setitem(sys.modules, "plotly", None)
    cli.main(["report", str(tmp_path / "study"), "--output", str(html.with_suffix(".md"))])
    said = capsys.readouterr().out.splitlines()
    assert said[1:] == ["bits.html is left out: it needs plotly (pip install 'rlskills[html]')"]
    assert not html.exists()
    with pytest.raises(SystemExit):
        cli.main(["compare", str(tmp_path / "study"), "--html", str(html)])
    assert "an HTML page needs plotly" in capsys.readouterr().err
