"""Claims of a study and their verdicts: numbers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.report.claims import claims_sections, judged, told
from rlskills.report.kept import Kinds
from rlskills.report.run import EvalSet, Record, Run
from rlskills.runs.claims import Claim, Effect, applicable, check_claims, from_json
from rlskills.runs.study_file import StudyFile
from rlskills.runs.tags import Address

from ..training.small import small_study
from .conftest import Folders

L2, L3 = ("held_out", 2), ("held_out", 3)


def run(arm: str, seed: int, right: dict[Address, int], logged: float = 0.0) -> Run:
    """A run with so many of 10 right greedily, and half as many samples of two."""
    sets = {}
    for (group, level), count in right.items():
        keys = tuple(f"{group} {level} {i}" for i in range(10))
        greedy = tuple(i < count for i in range(10))
        sets[group, level] = EvalSet(group, level, "test", keys, greedy, (2,) * 10,
                                     tuple(map(int, greedy)), (True,) * 10)  # fmt: skip
    record = Record(1, {}, {"train/entropy": logged})
    return Run(Path(f"seed{seed}/{arm}"), arm, seed, eval_sets=sets, records=(record,))


POOLS = {
    "base": [run("base", seed, {L2: 2, L3: 0}, 1.0) for seed in range(4)],
    "rl": [run("rl", seed, {L2: 5 + seed % 2, L3: 7 + seed % 2}, 0.5 + 0.1 * seed)
           for seed in range(4)],
    "rft": [run("rft", seed, {L2: 2 + (-1) ** seed, L3: 0}) for seed in range(4)],
}  # fmt: skip


def claim(name: str, effect: Effect, smallest: float = 0.0, **more: str) -> Claim:
    return Claim(name, "it is so", "a paper", effect, smallest, **more)  # pyright: ignore[reportArgumentType]


def test_a_verdict_follows_from_the_interval_of_its_effect():
    claims = [
        claim("composes", Effect("rl", (L3,)), 0.05),
        claim("composes little", Effect("rl", (L3,)), 0.05, form="below"),
        claim("rft does", Effect("rft", (L2,)), 0.05),
        claim("more than rft", Effect("rl", (L3,), "rft"), 0.05),
        claim("grows", Effect("rl", (L3,), less_at=(L2,)), 0.05),
        claim("grows with k", Effect("rl", (L3,), measure="pass@2", less_measure="pass@1"), 0.05),
        claim("much in itself", Effect("rl", (L3,), ""), 0.05),
        claim("half of it in one sample", Effect("rl", (L3,), measure="pass@1"), 0.05),
        claim("less entropy", Effect("rl", measure="logged: train/entropy", sign=-1)),
    ]
    found = {each.claim.name: each.verdict for each in judged(POOLS, claims)}
    assert {name: verdict.outcome for name, verdict in found.items()} == {
        "composes": "reproduced",
        "composes little": "not reproduced",
        "rft does": "inconclusive",
        "more than rft": "reproduced",
        "grows": "inconclusive",  # four seeds that agree, by signs: p = 1/8
        "grows with k": "reproduced",
        "much in itself": "reproduced",
        "half of it in one sample": "reproduced",
        "less entropy": "reproduced",
    }
    means = {name: verdict.effect.mean for name, verdict in found.items() if verdict.effect}
    assert means == pytest.approx(
        {"composes": 0.75, "composes little": 0.75, "rft does": 0.0, "more than rft": 0.75,
         "grows": 0.4, "grows with k": 0.375, "much in itself": 0.75,
         "half of it in one sample": 0.375, "less entropy": 0.35}
    )  # fmt: skip
    assert told(found["rft does"]).startswith("inconclusive (")
    assert told(found["rft does"]).endswith("seeds would decide)")


def test_what_is_missing_is_said():
    claims = [
        claim("absent", Effect("dpo", (L3,))),
        claim("elsewhere", Effect("rl", (("train", 3),))),
        claim("not sampled", Effect("rl", (L3,), measure="pass@64")),
        claim("not logged", Effect("rl", measure="logged: train/kl")),
        Claim("never", "all is well", "a talk", untestable="nobody said how"),
    ]
    found = judged(POOLS, claims)
    assert {each.verdict.outcome for each in found} == {"not testable"}
    assert found[0].verdict.note == "no dpo"
    assert "nothing to compute" in found[1].verdict.note
    assert "nothing to compute pass@64" in found[2].verdict.note
    assert "logged: train/kl" in found[3].verdict.note
    few = {arm: pool[:2] for arm, pool in POOLS.items()}
    (verdict,) = (each.verdict for each in judged(few, [claim("few", Effect("rl", (L3,)))]))
    assert verdict.note == "2 seeds, and 3 are the fewest"


def kinds_of(slips: int) -> tuple[Kinds | None, ...]:
    """Of ten problems: one without kinds, one that could not be graded."""
    said = ["atomic error"] * slips + ["verified"] * (8 - slips)
    return (*(Kinds(kind) for kind in said), None, Kinds(None))


def test_kinds_of_answers_are_shares():
    pools = {}
    for arm, slips in (("base", (5, 5, 5, 5)), ("rl", (2, 3, 2, 3))):  # of 8 answers with a kind
        pools[arm] = [
            replace(each, arm=arm, eval_sets={L3: replace(each.eval_sets[L3], kinds=kinds_of(n))})
            for each, n in zip(POOLS["base"], slips, strict=True)
        ]
    fewer = Effect("rl", (L3,), measure="class: atomic error", sign=-1)
    none = Effect("rl", (L3,), "", "class: ignores composition")
    (less, absent, lacking) = judged(
        pools,
        [claim("fewer", fewer), claim("none", none, 0.05, form="below"),
         claim("lacking", replace(none, at=(L2,)))],
    )  # fmt: skip
    assert less.verdict.effect is not None
    assert less.verdict.effect.mean == pytest.approx(5 / 8 - 5 / 16)
    assert absent.verdict.effect is not None
    assert absent.verdict.effect.mean == 0
    assert lacking.verdict.outcome == "not testable"
    assert "no kinds of answers" in lacking.verdict.note


def test_seeds_of_one_arm_only_are_left_out():
    pools = POOLS | {"rl": [*POOLS["rl"], run("rl", 9, {L2: 0, L3: 0})]}
    one, other = (judged(each, [claim("c", Effect("rl", (L3,)))])[0] for each in (pools, POOLS))
    assert one.verdict == other.verdict


def test_tables_have_a_row_for_each_claim():
    stated = [
        claim("composes", Effect("rl", (L2, L3)), 0.05, paper="+.23"),
        Claim("never", "all is well", "a talk", untestable="nobody said how"),
    ]
    tested, untested = claims_sections(judged(POOLS, stated))
    assert tested.rows[0][:5] == (
        "composes", "it is so", "a paper", "+.23", "greedy at held_out L2-L3: rl - base",
    )  # fmt: skip
    assert tested.rows[0][6:] == ("above 0.05", "reproduced")
    assert "for 1 claims" in tested.lines[0]
    assert untested.rows == (("never", "all is well", "a talk", "nobody said how"),)
    assert claims_sections([]) == []


def test_claims_are_the_same_from_json():
    claims = (
        claim("a", Effect("rl", (L2, L3), "rft", "pass@8", -1, (L2,)), 0.05, form="within",
              paper="none"),
        Claim("b", "all is well", "a talk", untestable="nobody said how"),
    )  # fmt: skip
    assert from_json(json.loads(json.dumps([asdict(each) for each in claims]))) == claims
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_json([{"name": "a"}])


@pytest.mark.parametrize(
    "change",
    [{"effect": None}, {"smallest": -0.1}, {"smallest": float("nan")}, {"form": "over"},
     {"untestable": "no"}, {"form": "within", "smallest": 0.0}],
)  # fmt: skip
def test_a_claim_without_a_rule_is_refused(change: dict[str, object]):
    with pytest.raises(UserError, match="claim 'c'"):
        replace(claim("c", Effect("rl", (L3,))), **change)  # pyright: ignore[reportArgumentType]


def test_the_claims_of_several_studies_stand_in_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folders = Folders(tmp_path)
    for arm, share in (("base", 0.1), ("rl", 0.9)):
        for seed in range(3):
            solved = folders.solved(share + 0.1 * (seed == 1), 10)
            folders.write(arm, seed, {L3: solved}, name=f"seed{seed}/{arm}")
    stated = (
        claim("composes", Effect("rl", (L3,)), 0.05),
        Claim("never", "all is well", "a talk", untestable="nobody said how"),
    )
    StudyFile("demo", "?", "rlskills run demo", (0, 1, 2), {"base": "", "rl": ""},
              claims=stated).save(tmp_path)  # fmt: skip
    cli.main(["claims", str(tmp_path), str(tmp_path), "--output", str(tmp_path / "claims.md")])
    assert "4 claims: 0 reproduced, 0 not reproduced, 2 inconclusive," in capsys.readouterr().out
    text = (tmp_path / "claims.md").read_text()
    assert text.count("| demo | composes | it is so | a paper | - | +.80 ") == 2
    (tmp_path / "study.json").unlink()
    with pytest.raises(SystemExit) as stop:
        cli.main(["claims", str(tmp_path)])
    assert stop.value.code == 2
    assert "no study that declares claims" in capsys.readouterr().err


@pytest.mark.parametrize("measure", ["beauty", "pass@0", "pass@", "class: ", "greedy "])
def test_a_measure_that_there_is_not_is_refused(measure: str):
    with pytest.raises(UserError, match="no measure"):
        Effect("rl", (L3,), measure=measure)
    with pytest.raises(UserError, match="no measure"):
        Effect("rl", (L3,), less_measure=measure)


def test_a_study_has_the_claims_that_it_can_test_each_name_once():
    never = Claim("never", "all is well", "a talk", untestable="nobody said how")
    composes, itself = claim("composes", Effect("rl", (L3,))), claim("itself", Effect("rl", (), ""))
    deeper = claim("deeper", Effect("rl", (L3,), less_at=(("held_out", 9),)))
    every = (composes, itself, deeper, claim("absent", Effect("dpo", (L3,))), never)
    kept = applicable(every, {"rl", "base"}, {L3})
    assert kept == (composes, itself, never)
    check_claims(kept, {"rl", "base"}, {L3})
    for claims, said in (
        ((composes, itself, composes), "two claims have the name 'composes'"),
        ((deeper,), "'deeper' is about held_out L9"),
        (every[3:], "'absent' is about dpo"),
    ):
        with pytest.raises(UserError, match=said):
            check_claims(claims, {"rl", "base"}, {L3})


def test_a_study_is_refused_with_a_claim_about_an_arm_that_it_has_not():
    arm = ArmConfig("base", Supervision.NONE)
    kept = claim("kept", Effect("base", (("all", 1),), ""))
    assert small_study(arm, claims=(kept,)).claims == (kept,)
    with pytest.raises(UserError, match="claim 'composes' is about rl"):
        small_study(arm, claims=(claim("composes", Effect("rl", (("all", 1),))),))
