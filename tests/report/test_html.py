"""The HTML page: whole, small, and nothing in it that a name or a model's text can break."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rlskills.evaluation.measures.verdicts import Declared, verdicts
from rlskills.report.claims import Judged
from rlskills.report.comparison import build
from rlskills.report.html.answers import Answer
from rlskills.report.html.claims import claims_html
from rlskills.report.html.levels import by_spread
from rlskills.report.html.page import rendered, write_html
from rlskills.report.html.part import Part, looks, ordered
from rlskills.report.html.recall import recall_part
from rlskills.report.html.tables import OUTCOMES, table
from rlskills.report.kept import Shown
from rlskills.report.reading import load_runs
from rlskills.report.run import Run
from rlskills.report.section import Section
from rlskills.report.study import load_study
from rlskills.runs.claims import Claim, Effect

from .conftest import Folders

go = pytest.importorskip("plotly.graph_objects", reason="plotly is not installed")
PLAIN = Part("")
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"><svg onload=x>",
    "</pre></title></style>\x1b[31m\u202e\x00\ud800%{x}<b>{{ 7 * 7 }}",
    "x" * 60_000,
)


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes, and the text in `title`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, tuple(sorted(name for name, _ in attrs))] += 1
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)


FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CLAIM = Claim("rl-lifts", "RL lifts level 3", "a paper", Effect("a", (("demo", 1),)), 0.05,
              paper=".16")  # fmt: skip


def judged(*texts: str) -> list[Judged]:
    """One claim of every outcome, named by the texts in turn."""
    found = verdicts({
        "yes": Declared((0.30, 0.31, 0.29, 0.30), 0.05),
        "no": Declared((-0.30, -0.31, -0.29, -0.30), 0.05),
        "open": Declared((0.3, -0.2, 0.1), 0.05),
        "lacking": Declared((), 0.05, missing=("no base",)),
    })  # fmt: skip
    return [
        Judged(replace(CLAIM, name=f"{name} {texts[i % len(texts)]}" if texts else name), verdict)
        for i, (name, verdict) in enumerate(found.items())
    ]


def unpacked(text: str) -> Any:
    """The JSON of the page's packed block."""
    block = re.search(r'<script id="packed"[^>]*>([A-Za-z0-9+/=]+)</script>', text)
    assert block
    return json.loads(gzip.decompress(base64.b64decode(block[1])))


def some_runs(folders: Folders) -> list[Run]:
    """Two arms of three seeds, with curves, a curriculum, samples and texts."""
    for arm, share in (("base", 0.2), ("a", 0.6)):
        for seed in range(3):
            records = folders.curve("eval/demo/L1/greedy", (0.2, 0.4, 0.5 + seed / 10))
            for record in records:
                record["metrics"] |= {"curriculum/share/L1": 0.25, "curriculum/share/L2": 0.75}
            sets = {("demo", level): folders.solved(share / level, 10, 4) for level in (1, 2)}
            folder = folders.write(arm, seed, sets, records if arm == "a" else ())
            written = json.loads((folder / "evaluation.json").read_text())
            for each in written["eval_sets"]:
                for task in each["tasks"][:2]:
                    task |= {"prompt": "F1(ab)?", "completion": "F1(ab)=ba;#ba"}
                    task["first_wrong"] = [0, 9]
            (folder / "evaluation.json").write_text(json.dumps(written))
    return load_runs([folders.root])


def rewritten(runs: list[Run], name: str) -> list[Run]:
    """The runs of arm `a` under another name, group and texts."""
    made = []
    for run in runs:
        sets = {
            (name, level): replace(
                each, group=name, skills=((name,),) * len(each.keys),
                shown=(Shown(name, name, (0, 1)), *(None,) * (len(each.keys) - 1)),
            )
            for (_, level), each in run.eval_sets.items()
        }  # fmt: skip
        arm = run.arm if run.arm == "base" else name
        made.append(replace(run, arm=arm, eval_sets=sets, supervision_note=name))
    return made


def page_of(runs: list[Run], file: Path, *names: str) -> str:
    return write_html(file, runs, build(runs), claims=judged(*names)).read_text("utf-8")


def test_the_page_is_whole_small_and_needs_no_network(folders: Folders, tmp_path: Path):
    text = page_of(some_runs(folders), tmp_path / "page.html")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [
        "Claims", "Accuracy by level", "Learning curves", "pass@k", "Recall of functions",
        "Curriculum over time", "Problems and answers", "Tables", "Eval sets",
    ]  # fmt: skip
    assert len(text) < 5_000_000
    assert not re.search(r"""(src|href)=["'](?!#|data:,)""", text)
    assert re.search(r'data-verdict="not reproduced">not reproduced<', text)
    assert '<mark title="first wrong step">F1(ab)=ba</mark>;#ba' in text
    runs = load_runs([folders.root])
    without = write_html(tmp_path / "without.html", runs, build(runs)).read_text("utf-8")
    assert "<h2>Claims" not in without


def test_plotly_takes_every_figure(folders: Folders, tmp_path: Path):
    figures = unpacked(page_of(some_runs(folders), tmp_path / "page.html"))["figures"]
    assert set(figures) == {"claims", "levels", "curves", "pass-at-k", "recall", "curriculum"}
    views = [view for each in figures.values() for view in each.values()]
    for view in views:
        go.Figure(view)
    with pytest.raises(ValueError, match="Invalid value"):
        go.Figure(views[0] | {"layout": {"xaxis": {"anchor": "y1 "}}})
    # Every choice has a view; on "samples" the arm ends at 20, at step 2.
    assert set(figures["levels"]) == {"0-0", "1-0", "2-0"}
    ends = {max(trace["x"]) for trace in figures["curves"]["0-0"]["data"]}
    assert ends == {20}
    rows = figures["levels"]["0-0"]["data"]
    assert [(each["y"], each["x"]) for each in rows[:2]] == [(["a"], [0.6]), (["base"], [0.2])]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element(folders: Folders, tmp_path: Path, text: str):
    runs = some_runs(folders)
    tame, hostile = (
        Elements(page_of(rewritten(runs, name), tmp_path / "page.html", name))
        for name in ("tame", text)
    )
    assert hostile.found == tame.found
    assert len(hostile.scripts) == len(tame.scripts) == 3
    shown = (tmp_path / "page.html").read_text("utf-8")
    assert len(shown) < 5_000_000
    assert not {"\x1b", "\u202e", "\x00"} & set(shown)
    assert "<b>49" not in html.unescape(shown)


@settings(max_examples=30, deadline=None, suppress_health_check=FIXTURE)
@given(name=st.text(max_size=80).map(lambda text: text + "<b"), other=st.text(max_size=30))
def test_no_text_makes_an_element(name: str, other: str):
    assume(other != name and not {name, other} & set(OUTCOMES))

    def elements(first: str, second: str) -> Elements:
        section = Section(
            first, ("arm", second), ((first, second), (first, "a word")), 1, (second,)
        )
        part = replace(PLAIN, title=first, tables=(section,), lines=(first, second))
        return Elements(rendered(second, (first,), looks([first]), [part], packed="AAAA"))

    assert elements(name, other).found == elements("arm a", "arm b").found


def test_the_group_in_which_arms_differ_most_comes_first(folders: Folders):
    for arm, share in (("base", 0.2), ("a", 0.8)):
        folders.write(arm, 0, {("easy", 1): folders.solved(1, 10),
                               ("hard", 1): folders.solved(share, 10)})  # fmt: skip
    assert by_spread(build(load_runs([folders.root]))) == ["hard", "easy"]
    assert ordered(["new", "easy", "hard", "easy"], ["hard", "easy"]) == ["hard", "easy", "new"]


def test_columns_of_arms_become_rows():
    arms = looks(["base", "a"])
    section = Section("t", ("eval set", "base", "a"), (("x L1", ".1", ".2"), ("x L2", "-", "")), 1)
    made = table(section, arms)
    assert made.header == ("arm", "x L1", "x L2")
    assert made.rows == (("base", ".1", "-"), ("a", ".2", ""))
    assert made.owners == (0, 1)
    assert made.numeric == (False, True, True)
    mixed = Section("t", ("a", "b", "c"), (("1", "1.2k", "opposite"), ("2", "-", ".1")), 1)
    assert table(mixed, arms).numeric == (False, True, False)
    assert table(Section("t", ("what", "a"), (("b", "1"),), 1), arms).columns == (None, 1)


def test_recall_counts_the_problems_of_a_function():
    def answer(greedy: bool, level: int, *skills: str, graded: bool = True) -> Answer:
        return Answer(("g", level), "k", greedy, graded, skills, "", "", None)

    pool = [answer(True, 1, "f"), answer(False, 1, "f"), answer(True, 1, "g"),
            answer(False, 1, "g", graded=False), answer(True, 2, "f", "g")]  # fmt: skip
    part = recall_part({"a": [pool]}, looks(["a"]))
    assert part is not None
    (alone,), (inside,) = (part.figures[0].views[scope, 0].traces for scope in (0, 1))
    assert (alone["x"], alone["z"]) == (["f", "g"], [[0.5, 1.0]])
    assert inside["text"] == [["1 of 1", "1 of 1"]]


def test_names_that_look_alike_stay_apart():
    names = ["x" * 90 + "a", "x" * 90 + "b"]
    labels = [look.label for look in looks(names).values()]
    assert len(set(labels)) == 2
    assert max(map(len, labels)) <= 49


def test_claims_keep_their_verdicts():
    part = claims_html(judged())
    assert part is not None
    (section,) = part.tables
    assert [row[5] for row in section.rows] == [
        "reproduced", "not reproduced", "inconclusive", "not testable",
    ]  # fmt: skip
    assert section.rows[3][4] == "-"
    assert section.rows[3][6] == "no base"
    bands, *diamonds = part.figures[0].views[()].traces
    assert bands["base"] == [-0.05] * 3  # what could not be tested has no row
    assert [each["x"] for each in diamonds[:2]] == [[0.3], [-0.3]]
    assert claims_html([]) is None


def test_a_study_has_its_settings_and_command(folders: Folders, tmp_path: Path):
    some_runs(folders)
    (folders.root / "config.yaml").write_text("seeds: 3 # <b>")
    study = load_study(folders.root)
    text = write_html(tmp_path / "p.html", study.runs, study.comparison, study).read_text("utf-8")
    assert "seeds: 3 # &lt;b&gt;" in text
    assert "no study.json, so arms may be missing" in text
    for title in ("Arms", "Eval sets", "How long it takes", "Made with"):
        assert f"<h3>{title}</h3>" in text
