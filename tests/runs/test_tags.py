from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest

from rlskills.runs import tags
from rlskills.runs.budget import BUDGETS, TITLES, UNITS, Budget
from rlskills.runs.layout import layout
from rlskills.runs.supervision import Supervision


def test_tags_of_eval_sets_are_parsed_back():
    for address in (("train", 1), ("held_out/pairs", 12), ("a L2 (b)", 0)):
        assert tags.parse_eval_greedy(tags.eval_greedy(address)) == address
        assert tags.parse_final(tags.final(address)) == address
        assert tags.parse_eval_greedy(tags.final(address)) is None
        assert tags.parse_final(tags.eval_greedy(address)) is None
    assert tags.eval_greedy(("train", 2)) == "eval/train/L2/greedy"
    assert tags.parse_eval_greedy("eval/train/Lx/greedy") is None
    assert tags.parse_eval_greedy("eval//L1/greedy") is None


def test_curves_by_budget_are_parsed_back():
    tag = tags.eval_greedy(("train", 2))
    for budget in BUDGETS:
        assert tags.parse_by_budget(tags.by_budget(budget, tag)) == (budget, tag)
    assert tags.parse_by_budget("by_weight/x") is None
    assert tags.parse_by_budget(tag) is None


def test_accuracy_of_rollouts_has_three_kinds_of_tags():
    assert tags.train_accuracy() == "train/accuracy"
    assert tags.train_accuracy(level=3) == "train/L3/accuracy"
    assert tags.train_accuracy(skill="f>g") == "train/skill/f>g/accuracy"


def test_every_budget_is_named_and_starts_at_zero():
    assert BUDGETS == ("samples", "rollouts", "generated_tokens", "trained_tokens", "seconds")
    assert set(asdict(Budget()).values()) == {0}
    assert isinstance(Budget().seconds, float)
    assert TITLES.keys() == UNITS.keys() == set(BUDGETS)


def charts(wanted: str) -> list[str]:
    """The charts on which TensorBoard would draw a tag: it matches from the beginning."""
    return [
        f"{section}: {chart}"
        for section, by_title in layout([("train", 1), ("train", 10)]).items()
        for chart, (_, patterns) in by_title.items()
        if any(re.compile(pattern).match(wanted) for pattern in patterns)
    ]


@pytest.mark.parametrize(
    ("tag", "chart"),
    [
        (tags.ACCURACY, "what training sees: accuracy of rollouts"),
        (tags.train_accuracy(level=12), "what training sees: accuracy of rollouts"),
        (tags.ZERO_VARIANCE, "what training sees: zero-variance groups"),
        ("train/zero_variance_groups", "what training sees: zero-variance groups"),
        ("curriculum/share/zero_variance", "what the curriculum does: where rollouts go"),
        ("curriculum/share/kind/pairs", "what the curriculum does: where rollouts go"),
        ("curriculum/probability/L1", "what the curriculum does: probability by level"),
        (tags.method("target"), "the curriculum method's own numbers: all"),
        ("by_samples/eval/train/L1/greedy", "train: accuracy by samples: level 1"),
        ("by_samples/eval/train/L10/greedy", "train: accuracy by samples: level 10"),
        (
            tags.failures("atomic error", ("train", 10)),
            "train: how answers fail, by level: atomic error",
        ),
    ],
)
def test_a_tag_is_on_the_chart_it_belongs_to(tag: str, chart: str):
    assert charts(tag) == [chart]


@pytest.mark.parametrize(
    "tag",
    ["curriculum/probability/skill/f", "train/skill/f/accuracy", "curriculum/method/q/f@L1",
     "curriculum/progress/skill/f", "train/entropy_bonus", "failures/truncated/train/L2",
     "failures/atomic_error/train/x/L2"],
)  # fmt: skip
def test_what_has_a_hundred_lines_is_on_no_chart(tag: str):
    assert charts(tag) == []


def test_supervision_is_text_in_a_manifest():
    assert json.dumps({"supervision": Supervision.STEPS}) == '{"supervision": "every step"}'
    assert Supervision("answers") is Supervision.ANSWERS
    assert [str(known) for known in Supervision] == ["none", "answers", "every step"]


def test_levels_are_gathered_into_spans():
    assert tags.spans([3, 1, 2, 5]) == "L1-L3, L5"
    assert tags.spans([4]) == "L4"
