"""Wrong answers without steps, and which mistake explains them."""

from __future__ import annotations

import random

import pytest

from rlskills.errors import UserError
from rlskills.evaluation.measures.answers import blind_to, explain, mistakes
from rlskills.evaluation.measures.claims import Known, Problem

from .strings import LIBRARY, chain, random_chain

TASK = chain("abcde", "drop", "join", "double")
"""abcde, bcde, b-c-d-e, b-c-d-eb-c-d-e"""


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("abcde", "ignores composition"),
        ("bcde", "ignores composition"),
        ("a-b-c-d-e", "ignores composition"),
        ("b-c-d-e", "incomplete trace"),
        ("bcdebcde", "incomplete trace"),
        ("b-c-d-e-b-c-d-e", "wrong composition"),
        ("-b-c-d-e-b-c-d-e", "wrong composition"),
        ("edcbaedcba", "other"),
        ("a-ea-e", "atomic error"),
    ],
)
def test_classes(answer: str, kind: str):
    assert explain(TASK, answer, LIBRARY).kind == kind


def test_confused_functions_are_named():
    found = explain(TASK, "a-ea-e", LIBRARY)
    assert found.confused == (("drop", "ends"),)


def test_several_classes_are_ambiguous():
    # The first call skipped, another put in its place, or exchanged with the next.
    two = chain("aabc", "drop", "sort", "reverse")
    kinds = {kind for kind, value, _ in mistakes(two, LIBRARY) if value == "cbaa"}
    assert len(kinds) > 1
    assert explain(two, "cbaa", LIBRARY).kind == "ambiguous"


def test_branches_and_parameters_exchanged():
    steps = (Known("join", ("abc", "-"), "a-b-c"), Known("double", ("abc",), "abcabc"),
             Known("cat", (0, 1), "a-b-cabcabc"))  # fmt: skip
    assert explain(Problem(steps, "abc"), "abcabca-b-c", LIBRARY).kind == "wrong composition"
    task = chain("abc", "join:+", "drop", "join:-")
    moved = "-".join("abc")[1:]
    assert explain(task, "+".join(moved), LIBRARY).kind == "wrong composition"


def test_a_problem_can_be_no_test_of_a_mistake():
    assert "incomplete trace" in blind_to(chain("aabb", "sort", "double", "rotate"), LIBRARY)
    assert "wrong composition" in blind_to(chain("abcd", "reverse", "double", "rotate"), LIBRARY)
    assert blind_to(TASK, LIBRARY) == frozenset()


def test_mistakes_are_explained_by_their_own_class():
    rng, unique, tried = random.Random(1), 0, 0
    for _ in range(40):
        task = random_chain(rng, 3)
        for kind, value, _ in mistakes(task, LIBRARY):
            if value != task.answer:
                found = explain(task, value, LIBRARY)
                assert kind in found.kinds
                tried += 1
                unique += found.kind == kind
    assert tried > 400
    assert 0.5 < unique / tried < 1


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(UserError, match="the answer is right"):
        explain(TASK, TASK.answer, LIBRARY)
    with pytest.raises(UserError, match="the library lacks double"):
        explain(TASK, "x", {"drop": LIBRARY["drop"], "join": LIBRARY["join"]})
