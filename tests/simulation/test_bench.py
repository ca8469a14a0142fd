"""Which methods are run, what is kept, and what is claimed of the results."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlskills.curricula import CATALOGUE
from rlskills.errors import UnknownName, UserError
from rlskills.simulation import REGIMES, Protocol, SeedResult, make_world
from rlskills.simulation.box import BOXES, BoxProtocol
from rlskills.simulation.jobs import Cell, jobs_of, kept, play_all
from rlskills.simulation.methods import Method, build, chosen, find_regimes, inspected, sources
from rlskills.simulation.pictures import draw
from rlskills.simulation.ranking import score
from rlskills.simulation.record import POINTS
from rlskills.simulation.report import order, to_csv, to_json, to_markdown

TEACHER = """
from rlskills.curricula import Base

class Teacher(Base):
    def __init__(self, pool, seed=0, wrong: bool = False):
        super().__init__(pool, seed)
        self.wrong = wrong
    def learn(self, batch):
        if self.wrong:
            raise RuntimeError("out of chalk")
"""
SHORT = (Protocol(budget=3_200), BoxProtocol(budget=640))


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    file = tmp_path / "my_teacher.py"
    file.write_text(TEACHER)
    return f"{file}:Teacher"


def play(specs: list[str], folder: Path, processes: int = 1, **given: Any) -> list[Cell]:
    finished: list[int] = []
    jobs = jobs_of(
        [inspected(spec) for spec in ["uniform", *specs]],
        find_regimes(given.get("regimes", ["chain", "box"])),
        given.get("seeds", (0, 1)),
        folder,
        SHORT,
    )
    cells = play_all(jobs, processes, lambda done, _: finished.append(done))
    assert finished[-1] == len(jobs)
    return cells


# Methods.


def test_everything_in_the_catalogue_runs_among_units_or_in_a_box_or_needs_more():
    methods = {one.spec: one for one in chosen([])}
    assert set(methods) == {*CATALOGUE, "oracle"} - {"uniform_box"}
    for one in methods.values():
        assert one.units or one.box
    assert {spec for spec, one in methods.items() if one.box} == {
        "uniform", "oracle", "alp_gmm", "covar_gmm", "riac",
    }  # fmt: skip
    assert methods["gain_rl"].needs == ("features",)
    assert methods["mastering_rate"].information == "prerequisite graph"
    assert methods["oracle"].information == "true success rates"


def test_named_methods_run_beside_uniform_oracle_and_default(teacher: str):
    assert [one.spec for one in chosen([teacher])] == [
        "uniform", "oracle", teacher, "bidirectional_lp",
    ]  # fmt: skip


def test_a_method_rests_on_its_own_file_and_what_it_imports(teacher: str):
    files = {file.name for file in sources("rlskills.curricula.methods.sec")}
    assert {"sec.py", "base.py", "batch.py", "interface.py"} <= files
    assert "mopps.py" not in files
    assert inspected(teacher).code != inspected("uniform").code
    assert inspected("sec").code == inspected("sec?rate=0.3").code
    assert inspected("sec").options != inspected("sec?rate=0.3").options


def test_schedules_are_told_how_long_the_run_is():
    pool = make_world(REGIMES["chain"], 0).pool
    assert vars(build("e2h_cosine", 700, pool, 0))["total_steps"] == 700
    assert vars(build("e2h_cosine?total_steps=50", 700, pool, 0))["total_steps"] == 50


def test_unknown_names_are_one_clear_line():
    with pytest.raises(UnknownName, match="unknown regime 'chian'; did you mean 'chain'"):
        find_regimes(["chian"])
    with pytest.raises(UnknownName, match="unknown curriculum 'unifrom'"):
        inspected("unifrom")
    with pytest.raises(UserError, match=r"option"):
        inspected("sec?nothing=1")


# Cells.


def test_finished_cells_are_kept_and_stale_ones_run_again(tmp_path: Path, teacher: str):
    first = play([teacher], tmp_path)
    files = sorted((tmp_path / "cells").rglob("*.json"))
    assert len(first) == len(files) == 3  # a teacher of units has no place in the box
    stamps = [file.stat().st_mtime_ns for file in files]
    again = play([teacher], tmp_path)
    assert [cell.results for cell in again] == [cell.results for cell in first]
    assert [file.stat().st_mtime_ns for file in files] == stamps
    (job,) = jobs_of([inspected(teacher)], [REGIMES["chain"]], (0, 1), tmp_path, SHORT)
    assert kept(job) is not None
    for change in (
        {"seeds": (0, 2)},
        {"protocol": replace(SHORT[0], rate=0.1)},
        {"regime": replace(REGIMES["chain"], coin=1)},
        {"method": replace(job.method, code="other")},
        {"method": replace(job.method, options="{'wrong': True}")},
    ):
        assert kept(replace(job, **change)) is None
    job.file.write_text(job.file.read_text()[:-20])
    assert kept(job) is None


def test_several_processes_find_what_one_finds(tmp_path: Path, teacher: str):
    one = play([teacher], tmp_path / "one")
    two = play([teacher], tmp_path / "two", processes=2)
    for a, b in zip(one, two, strict=True):
        assert [replace(r, microseconds=0.0) for r in a.results] == [
            replace(r, microseconds=0.0) for r in b.results
        ]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_teacher_that_fails_is_named_and_what_is_finished_is_kept(
    tmp_path: Path, teacher: str, processes: int
):
    with pytest.raises(UserError, match="failed in regime chain: RuntimeError: out of chalk"):
        play([f"{teacher}?wrong=true"], tmp_path, processes, regimes=["chain"])
    assert [file.stem for file in (tmp_path / "cells" / "chain").glob("*.json")] == ["uniform"]


# Claims.


def result(seed: int, mastery: int | None, auc: float = 0.5) -> SeedResult:
    spent = mastery or 384_000
    shares = (0.1, 0.0, 0.0, 0.5)
    return SeedResult(
        seed, mastery, spent, (auc,) * POINTS, auc, 1.0, None, 0.9, *shares, microseconds=40.0
    )


def cells(rows: dict[tuple[str, str], list[int | None]]) -> list[Cell]:
    """Cells of `chain` by method and information."""
    return [
        Cell(
            Method(spec, told, "", "{}", True, False, (), ""),
            REGIMES["chain"],
            Protocol(),
            tuple(result(i, one) for i, one in enumerate(masteries)),
        )
        for (spec, told), masteries in rows.items()
    ]


def test_speed_up_is_the_geometric_mean_of_paired_ratios_with_censored_runs_at_the_budget():
    rows = {("uniform", "none"): [100_000, 384_000, None], ("fast", "none"): [50_000, 96_000, None]}
    found = {one.cell.method.spec: one for one in score(cells(rows))}  # type: ignore[arg-type]
    assert found["fast"].gain.mean == pytest.approx((2 * 4 * 1) ** (1 / 3))
    assert found["fast"].gain.low == pytest.approx(1.0)
    assert found["fast"].gain.high == pytest.approx(4.0)
    assert (found["fast"].solved, found["uniform"].solved) == (2, 2)
    assert found["uniform"].gain.low == found["uniform"].gain.high == 1.0


def test_first_or_tied_is_judged_within_a_tier_on_paired_differences():
    base = [100_000 + 10_000 * i for i in range(20)]
    noisy = [int(x / 2 * (1.2 if i % 2 else 0.85)) for i, x in enumerate(base)]
    rows = {
        ("uniform", "none"): base,
        ("best", "none"): [x // 2 for x in base],
        # As fast on average, up to noise.
        ("tied", "none"): noisy,
        # Its interval against uniform overlaps that of `tied`, but it loses to `best` in each pair.
        ("slower", "none"): [int(x / 1.9) for x in base],
        ("told", "level labels"): [int(x / 1.5) for x in base],
        ("oracle", "true success rates"): [x // 4 for x in base],
    }
    found = {one.cell.method.spec: one.first for one in score(cells(rows))}  # type: ignore[arg-type]
    assert found == {"uniform": False, "best": True, "tied": True, "slower": False, "told": True,
                     "oracle": False}  # fmt: skip


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        ratios = np.exp(generator.normal(0.7, 0.3, 20))
        rows = {("uniform", "none"): [200_000] * 20,
                ("m", "none"): [int(200_000 / r) for r in ratios]}  # fmt: skip
        gain = score(cells(rows))[1].gain  # type: ignore[arg-type]
        hits += gain.low <= np.exp(0.7) <= gain.high
    assert 170 <= hits <= 199


# Files.


def test_reports_name_every_method_regime_and_tie(tmp_path: Path):
    rows = {("uniform", "none"): [100_000, 90_000], ("a|b_c", "none"): [50_000, None]}
    table = {"chain": {one.cell.method.spec: one for one in score(cells(rows))}}  # type: ignore[arg-type]
    text = to_markdown(table, "a|b_c")
    assert "| a\\|b\\_c | none |" in text
    assert "(1/2)" in text
    data = json.loads(to_json(table))
    assert [row["method"] for row in data] == ["uniform", "a|b_c"]
    assert data[1]["seeds"][0]["mastery"] == 50_000
    assert "microseconds" not in to_json(table)
    parsed = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [row["solved"] for row in parsed] == ["2", "1"]
    assert order(table)[0] == ("a|b_c" if float(parsed[1]["speed_up"]) > 1 else "uniform")
    files = draw(table, "a|b_c", tmp_path)
    assert [file.name for file in files] == ["speedups.png", "curves.png"]
    assert all(file.stat().st_size > 5_000 for file in files)


def test_boxes_have_pictures_and_tables_of_their_own(tmp_path: Path):
    found = play([], tmp_path, regimes=["chain", "box"])
    table = {cell.regime.name: {one.cell.method.spec: one for one in score([cell])}
             for cell in found}  # fmt: skip
    assert set(table) == {"chain", "box"}
    assert BOXES["box"].name in to_markdown(table, "bidirectional_lp").split("## Boxes")[1]
    assert len(draw(table, "bidirectional_lp", tmp_path)) == 4
