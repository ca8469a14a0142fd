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
from rlskills.simulation.jobs import JobResult, jobs_of, run_jobs, stored
from rlskills.simulation.methods import Method, build, chosen, find_regimes, inspected
from rlskills.simulation.pictures import draw
from rlskills.simulation.ranking import score
from rlskills.simulation.record import POINTS
from rlskills.simulation.report import order, to_csv, to_json, to_markdown

TEACHER = """
from dataclasses import dataclass
from rlskills.curricula import Base

class Teacher(Base):
    @dataclass(frozen=True)
    class Options(Base.Options):
        wrong: bool = False

    def learn(self, batch):
        if self.options.wrong:
            raise RuntimeError("out of chalk")
"""
SHORT = (Protocol(budget=3_200), BoxProtocol(budget=640))


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    file = tmp_path / "my_teacher.py"
    file.write_text(TEACHER)
    return f"{file}:Teacher"


def play(specs: list[str], folder: Path, processes: int = 1, **given: Any) -> list[JobResult]:
    finished: list[int] = []
    jobs = jobs_of(
        [inspected(spec) for spec in ["uniform", *specs]],
        find_regimes(given.get("regimes", ["chain", "box"])),
        given.get("seeds", (0, 1)),
        folder,
        SHORT,
    )
    results = run_jobs(jobs, processes, lambda done, _: finished.append(done))
    assert finished[-1] == len(jobs)
    return results


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


def test_a_method_is_known_by_its_version_and_options(teacher: str, monkeypatch):
    assert inspected("sec").version == inspected("sec?rate=0.3").version == "sec 1"
    assert inspected("sec").options != inspected("sec?rate=0.3").options
    wrapped = inspected("dapo?inner=(bidirectional_lp?window=40)")
    assert wrapped.version == "dapo 1 around bidirectional_lp 3"
    assert "window=40" in wrapped.options
    monkeypatch.setattr(CATALOGUE["sec"], "version", 2)
    assert inspected("sec").version == "sec 2"


def test_a_file_outside_the_package_counts_by_its_text(teacher: str, tmp_path: Path):
    before = inspected(teacher).version
    other = tmp_path / "other.py"
    other.write_text(TEACHER + "\n# changed\n")
    assert before.startswith("Teacher 1 ")
    assert inspected(f"{other}:Teacher").version != before


def test_schedules_get_the_length_of_the_run():
    pool = make_world(REGIMES["chain"], 0).pool
    assert build("e2h_cosine", 700, pool, 0).options.total_steps == 700
    assert build("e2h_cosine?total_steps=50", 700, pool, 0).options.total_steps == 50
    for inner in ("e2h_cosine", "(e2h_cosine)"):
        wrapped = build(f"dapo?inner={inner}", 700, pool, 0)
        assert wrapped.inner.options.total_steps == 700  # type: ignore[attr-defined]
    wrapped = build("dapo?inner=(e2h_cosine?total_steps=50)", 700, pool, 0)
    assert wrapped.inner.options.total_steps == 50  # type: ignore[attr-defined]


def test_unknown_names_are_one_clear_line():
    with pytest.raises(UnknownName, match="unknown regime 'chian'; did you mean 'chain'"):
        find_regimes(["chian"])
    with pytest.raises(UnknownName, match="unknown curriculum 'unifrom'"):
        inspected("unifrom")
    with pytest.raises(UserError, match=r"option"):
        inspected("sec?nothing=1")


# Results.


def test_finished_jobs_are_kept_and_stale_results_run_again(tmp_path: Path, teacher: str):
    first = play([teacher], tmp_path)
    files = sorted((tmp_path / "jobs").rglob("*.json"))
    assert len(first) == len(files) == 3  # a teacher of units does not run in the box
    stamps = [file.stat().st_mtime_ns for file in files]
    again = play([teacher], tmp_path)
    assert [cell.results for cell in again] == [cell.results for cell in first]
    assert [file.stat().st_mtime_ns for file in files] == stamps
    (job,) = jobs_of([inspected(teacher)], [REGIMES["chain"]], (0, 1), tmp_path, SHORT)
    assert stored(job) is not None
    for change in (
        {"seeds": (0, 2)},
        {"protocol": replace(SHORT[0], rate=0.1)},
        {"regime": replace(REGIMES["chain"], coin=1)},
        {"method": replace(job.method, version="other")},
        {"method": replace(job.method, options="{'wrong': True}")},
    ):
        assert stored(replace(job, **change)) is None
    job.file.write_text(job.file.read_text()[:-20])
    assert stored(job) is None


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
    assert [file.stem for file in (tmp_path / "jobs" / "chain").glob("*.json")] == ["uniform"]


# Claims.


def result(seed: int, mastery: int | None, auc: float = 0.5) -> SeedResult:
    spent = mastery or 384_000
    shares = (0.1, 0.0, 0.0, 0.5)
    return SeedResult(
        seed, mastery, spent, (auc,) * POINTS, auc, 1.0, None, 0.9, *shares, microseconds=40.0
    )


def results_of(rows: dict[tuple[str, str], list[int | None]]) -> list[JobResult]:
    """Results in `chain` by method and information."""
    return [
        JobResult(
            Method(spec, information, "", "{}", True, False, (), ""),
            REGIMES["chain"],
            Protocol(),
            tuple(result(i, one) for i, one in enumerate(masteries)),
        )
        for (spec, information), masteries in rows.items()
    ]


def test_speed_up_is_the_geometric_mean_of_paired_ratios_with_censored_runs_at_the_budget():
    rows = {("uniform", "none"): [100_000, 384_000, None], ("fast", "none"): [50_000, 96_000, None]}
    found = {one.cell.method.spec: one for one in score(results_of(rows))}  # type: ignore[arg-type]
    assert found["fast"].gain.mean == pytest.approx((2 * 4 * 1) ** (1 / 3))
    assert found["fast"].gain.low == pytest.approx(1.0)
    assert found["fast"].gain.high == pytest.approx(4.0)
    assert (found["fast"].solved, found["uniform"].solved) == (2, 2)
    assert found["uniform"].gain.low == found["uniform"].gain.high == 1.0


def test_first_or_tied_is_judged_among_equal_information_on_paired_differences():
    base = [100_000 + 10_000 * i for i in range(20)]
    noisy = [int(x / 2 * (1.2 if i % 2 else 0.85)) for i, x in enumerate(base)]
    rows = {
        ("uniform", "none"): base,
        ("best", "none"): [x // 2 for x in base],
        # As fast on average, up to noise.
        ("tied", "none"): noisy,
        # Its interval against uniform overlaps that of `tied`, but it loses to `best` in each pair.
        ("slower", "none"): [int(x / 1.9) for x in base],
        ("levels", "level labels"): [int(x / 1.5) for x in base],
        ("oracle", "true success rates"): [x // 4 for x in base],
    }
    found = {one.cell.method.spec: one.first for one in score(results_of(rows))}  # type: ignore[arg-type]
    assert found == {"uniform": False, "best": True, "tied": True, "slower": False, "levels": True,
                     "oracle": False}  # fmt: skip


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        ratios = np.exp(generator.normal(0.7, 0.3, 20))
        rows = {("uniform", "none"): [200_000] * 20,
                ("m", "none"): [int(200_000 / r) for r in ratios]}  # fmt: skip
        gain = score(results_of(rows))[1].gain  # type: ignore[arg-type]
        hits += gain.low <= np.exp(0.7) <= gain.high
    assert 170 <= hits <= 199


# Files.


def test_reports_name_every_method_regime_and_tie(tmp_path: Path):
    rows = {("uniform", "none"): [100_000, 90_000], ("a|b_c", "none"): [50_000, None]}
    table = {"chain": {one.cell.method.spec: one for one in score(results_of(rows))}}  # type: ignore[arg-type]
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
