"""Classes of failures: every rule and every corner case, and defects that were put in."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from rlskills.errors import UserError
from rlskills.evaluation.measures.claims import Claim, Known, Problem
from rlskills.evaluation.measures.failures import (
    Failure,
    class_counts,
    classify,
    first_defect,
    slip_type,
)

from .strings import LIBRARY, carried, chain, random_chain, trace

TASK = chain("abcd", "reverse", "join", "double")
"""abcd, dcba, d-c-b-a, d-c-b-ad-c-b-a"""
RIGHT = trace(TASK)


def judge(claims: list[Claim], answer: str | None, task: Problem = TASK) -> Failure:
    return classify(task, claims, answer, LIBRARY)


def test_right_answers():
    assert judge(RIGHT, TASK.answer).kind == "verified"
    lucky = judge([RIGHT[0], RIGHT[2]], TASK.answer)
    assert lucky.kind == "lucky"
    assert lucky.correct
    assert lucky.defect is not None
    assert lucky.trace == "wrong composition"


def test_no_answer_keeps_the_class_of_its_trace():
    assert judge(RIGHT[:2], None) == Failure(
        "unparsed", "incomplete trace", judge(RIGHT[:2], None).defect
    )
    cut = classify(TASK, RIGHT[:2], TASK.answer, LIBRARY, truncated=True)
    assert (cut.kind, cut.trace) == ("truncated", "incomplete trace")
    assert judge(RIGHT, None).trace == "sound"
    # Loops up to the limit.
    assert classify(TASK, RIGHT[:1] * 50, None, LIBRARY, truncated=True).trace == (
        "ignores composition"
    )


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ([], "abcd"),
        ([], "zzz"),
        (RIGHT[:1], "dcba"),
        (RIGHT[:1] * 2, "dcba"),
        # Each function on the input, none on a result; the answer is one of them.
        ([RIGHT[0], Claim("double", ("abcd",), "abcdabcd")], "abcdabcd"),
        ([RIGHT[0], Claim("double", ("abcd",), "abcdabcd")], "abcd"),
        ([RIGHT[0], Claim("double", ("abcd",), "abcdabcd")], "a-b-c-d"),
    ],
)
def test_ignores_composition(claims: list[Claim], answer: str):
    assert judge(claims, answer).kind == "ignores composition"


def test_only_with_such_an_answer():
    separate = [RIGHT[0], Claim("double", ("abcd",), "abcdabcd")]
    assert judge(separate, "nothing of these").kind == "wrong composition"


@pytest.mark.parametrize(
    ("claims", "fault", "step"),
    [
        (carried(TASK, [RIGHT[0], Claim("join", ("dcbx", "-"), "d-c-b-x")], 2), "misbound", 1),
        (carried(TASK, [RIGHT[0], Claim("join", ("dcba", "+"), "d+c+b+a")], 2), "misbound", 1),
        ([RIGHT[0], Claim("double", ("dcba",), "dcbadcba")], "missing", 1),
        ([RIGHT[0], Claim("sort", ("dcba",), "abcd"), *RIGHT[1:]], "extra", 1),
        ([*RIGHT, Claim("double", (TASK.answer,), TASK.answer * 2)], "extra", 2),
        ([RIGHT[0], Claim("reverse", ("dcba",), "abcd"), *RIGHT[1:]], "extra", 1),
    ],
)
def test_wrong_composition(claims: list[Claim], fault: str, step: int):
    found = judge(claims, claims[-1].value + "!")
    assert found.kind == "wrong composition"
    assert found.defect is not None
    assert (found.defect.fault, found.defect.step) == (fault, step)
    assert found.defect.cause == "binding"


def test_incomplete_trace():
    found = judge(RIGHT[:2], "d-c-b-a")
    assert found.kind == "incomplete trace"
    assert found.defect is not None
    assert found.defect.cause == "stop"
    # Not to be told from ignoring composition where there are two steps.
    two = chain("abcd", "reverse", "double")
    assert judge(trace(two)[:1], "dcba", two).kind == "ignores composition"


def test_atomic_error_carried_on():
    claims = carried(TASK, [RIGHT[0], Claim("join", ("dcba", "-"), "d-cb-a")], 2)
    found = judge(claims, claims[-1].value)
    assert found.kind == "atomic error"
    assert found.defect is not None
    assert (found.defect.op, found.defect.step, found.defect.type) == ("join", 1, "dropped")


def test_wrong_on_a_wrong_argument_needs_the_library():
    claims = [Claim("reverse", ("abcd",), "dcba"), Claim("join", ("dcba", "-"), "d-c-b-a"),
              Claim("double", ("d-c-b-a",), "x")]  # fmt: skip
    assert first_defect(TASK, claims, LIBRARY) == first_defect(TASK, claims)
    turned = [Claim("reverse", ("abcd",), "abc"), Claim("join", ("abc", "-"), "a-b")]
    defect = first_defect(TASK, turned, LIBRARY)
    assert defect is not None
    assert (defect.fault, defect.step) == ("slip", 0)


def test_answer_differs_from_a_sound_trace():
    assert judge(RIGHT, TASK.answer[:-1]).kind == "answer differs"


@pytest.mark.parametrize(
    ("claim", "truth", "kind"),
    [
        (Claim("double", ("ab",), "ab"), "abab", ("unchanged", "")),
        (Claim("double", ("abc",), "cba"), "abcabc", ("other function", "reverse")),
        (Claim("double", ("abc",), "abcbac"), "abcabc", ("reordered", "")),
        (Claim("double", ("abc",), "abcabd"), "abcabc", ("substituted", "")),
        (Claim("double", ("abc",), "abcab"), "abcabc", ("dropped", "")),
        (Claim("double", ("abc",), "abcabca"), "abcabc", ("added", "")),
        (Claim("double", ("abc",), "xy"), "abcabc", ("other", "")),
        (Claim("double", ("abc",), ""), "abcabc", ("dropped", "")),
    ],
)
def test_types_of_slips(claim: Claim, truth: str, kind: tuple[str, str]):
    assert slip_type(claim, truth, LIBRARY) == kind


def test_two_slips_that_cancel_are_luck():
    task = chain("abcd", "reverse", "reverse")
    claims = [Claim("reverse", ("abcd",), "dcab"), Claim("reverse", ("dcab",), "abcd")]
    assert judge(claims, "abcd", task).kind == "lucky"


def test_work_that_is_restated_or_corrected_is_sound():
    assert judge(RIGHT + RIGHT, TASK.answer).kind == "verified"
    corrected = [Claim("reverse", ("abcd",), "dcab"), *RIGHT]
    assert judge(corrected, TASK.answer).kind == "verified"


def test_a_function_that_changes_nothing_and_palindromes():
    task = chain("abba", "reverse", "reverse", "double")
    claims = trace(task)
    assert judge(claims, task.answer, task).kind == "verified"
    # Both steps are one call on the same value, so once is one too few.
    once = judge([claims[0], claims[2]], task.answer, task)
    assert once.kind == "lucky"
    assert once.defect is not None
    assert (once.defect.fault, once.defect.step) == ("missing", 1)


def test_branches_in_another_order_and_with_equal_values():
    steps = (Known("reverse", ("ab",), "ba"), Known("rotate", ("ab",), "ba"),
             Known("cat", (0, 1), "baba"))  # fmt: skip
    task = Problem(steps, "ab")
    claims = trace(task)
    assert judge([claims[1], claims[0], claims[2]], "baba", task).kind == "verified"
    two = Problem((Known("reverse", ("ab",), "ba"), Known("double", ("ab",), "abab"),
                   Known("cat", (0, 1), "baabab")), "ab")  # fmt: skip
    swapped = [*trace(two)[:2], Claim("cat", ("abab", "ba"), "ababba")]
    assert judge(swapped, "ababba", two).kind == "wrong composition"
    free = Problem(two.steps, "ab", commutative=frozenset({"cat"}))
    assert judge([*swapped[:2], Claim("cat", ("abab", "ba"), "baabab")], "baabab", free).kind == (
        "verified"
    )


def test_twins_count_by_name_or_by_what_they_do():
    claims = [Claim("mirror", ("abcd",), "dcba"), *RIGHT[1:]]
    assert judge(claims, "d").kind == "wrong composition"
    by_value = classify(TASK, claims, "d", LIBRARY, twins={"mirror": "reverse"})
    assert by_value.kind == "answer differs"


def test_one_step_is_no_composition():
    with pytest.raises(UserError, match="at least two steps"):
        judge([], "dcba", chain("abcd", "reverse"))


def test_classes_are_counts_of_all():
    found = class_counts([judge(RIGHT, TASK.answer), judge([], "x"), judge([], "y")])
    assert found == {"verified": (1, 3), "ignores composition": (2, 3)}


def test_defects_that_were_put_in_are_found():
    rng, found = random.Random(0), Counter[tuple[str, str]]()
    for _ in range(300):
        task = random_chain(rng, rng.randint(3, 4))
        right = trace(task)
        at = rng.randrange(1, len(right))
        wrong = right[at].value[:-1] + ("z" if right[at].value[-1] != "z" else "y")
        slip = carried(task, [*right[:at], Claim(right[at].op, right[at].args, wrong)], at + 1)
        stray = (right[at].args[0] + "q", *right[at].args[1:])
        bound = Claim(right[at].op, stray, LIBRARY[right[at].op](*stray))
        made = {
            "atomic error": slip,
            "incomplete trace": right[: max(2, at)],
            "wrong composition": carried(task, [*right[:at], bound], at + 1),
            "ignores composition": right[:1],
        }
        for kind, claims in made.items():
            judged = judge(claims, claims[-1].value, task)
            found[kind, judged.kind] += 1
            assert judged.correct == (claims[-1].value == task.answer)
    for kind in ("atomic error", "incomplete trace", "wrong composition", "ignores composition"):
        right = found[kind, kind] + found[kind, "lucky"] + found[kind, "verified"]
        assert right >= 290, found
        assert found[kind, kind] >= 240, found
