"""reasoning-gym's datasets as environments of ours."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys

import pytest

from rlskills.environments import load
from rlskills.environments.conformance import check
from rlskills.errors import UserError

pytest.importorskip("reasoning_gym", reason="the extra `rg` is not installed")

from reasoning_gym.factory import DATASETS

from rlskills.adapters.rg import catalogue, datasets, entries
from rlskills.adapters.rg.graders import GRADERS
from rlskills.adapters.rg.solvers import coloring, traffic

pytestmark = pytest.mark.long


def test_names_are_listed_without_importing_anything():
    code = (
        "import sys; from rlskills.environments.registry import names, prefixes; names();"
        "assert 'rg' in prefixes(); print([m for m in sys.modules if 'reasoning' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_options_hold_at_every_level():
    env = load("rg:countdown?min_numbers=3&max_numbers=3&operators=+,-".replace("+,", "%2B,"))
    assert len(env.levels) > 1
    for level in range(1, len(env.levels) + 1):
        cfg = env.config(level)
        assert (cfg.min_numbers, cfg.max_numbers, cfg.operators) == (3, 3, ("+", "-"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rg:chain_som", "did you mean 'chain_sum'"),
        ("rg:codeio", "is refused: drawing a problem runs code"),
        ("rg:chain_sum?min_term=2", "did you mean 'min_terms'"),
        ("rg:chain_sum?min_terms=two", "not of type int"),
        ("rg:chain_sum?min_terms=9&max_terms=2", "max_terms"),
    ],
)
def test_wrong_names_and_options_are_one_clear_error(name: str, says: str):
    with pytest.raises(UserError, match=says):
        load(name)


def test_conforms():
    """One whose grader runs in workers."""
    findings = check("rg:prime_factorization", junk=30, tasks=1, draws=20)
    assert [found for found in findings if found.level == "failure"] == []


def test_a_dataset_that_depends_on_the_hash_seed_does_not_here():
    findings = check("rg:isomorphic_strings", tasks=1, only=["fresh process", "redrawn"])
    assert [found.level for found in findings] == ["ok", "ok"]


def test_every_dataset_is_known_and_has_valid_levels():
    known = set(DATASETS)
    tables = (catalogue.DENIED, catalogue.FORMS, catalogue.LEFT_OUT, GRADERS,
              catalogue.MANY_VALID_ANSWERS, catalogue.GIVES_UP)  # fmt: skip
    for table in tables:
        assert set(table) <= known
    for name in datasets():
        env = load(f"rg:{name}")
        assert env.configs
        assert env.name == f"rg:{name}"


def test_no_grader_that_is_used_executes_the_answer():
    """Fails when a new version brings one; `eval` of the problem itself is no danger."""
    harmless = {"propositional_logic"}  # parse_expr is a parser of its own there
    for name in set(datasets()) - set(GRADERS) - harmless:
        source = inspect.getsource(DATASETS[name][0].score_answer)
        for call in ("eval(", "exec(", "parse_expr(", "sympify("):
            assert call not in source, f"{name} calls {call}"


def test_a_number_that_a_dataset_gives_up_on_is_passed_over(monkeypatch):
    class Source:
        def __getitem__(self, number: int):
            raise ValueError("no expression found")

    monkeypatch.setattr(entries, "built", lambda *_: Source())
    assert entries.entry("countdown", (), 3)["answer"] is None
    with pytest.raises(ValueError, match="no expression"):
        entries.entry("gcd", (), 3)


ACCEPTED = [
    ("coin_flip", {}, "0.5", "0.53"),
    ("coin_flip", {}, "1", "19"),
    ("complex_arithmetic", {"result": [94.0, 7.0]}, "94.0 + 7.0i", "nan"),
    ("figlet_font", {}, "INDIRECTLY", "INDIRECTLYjunk"),
    ("fraction_simplification", {"simplified_numerator": 1, "simplified_denominator": 2},
     "$\\frac{1}{2}$", "$\\frac{1}{2}$ or $\\frac{1}{3}$"),
    ("game_of_life", {}, "[[0,1],[1,0]]", "[[0,1,1],[1,0]]"),
    ("game_of_life_halting", {}, "True", "False"),
    ("gsm_symbolic", {}, "27", "-27"),
    ("letter_jumble", {}, "two words", "two words more"),
    ("number_sorting", {"direction": "ascending"}, "['1', '2']", "['1.5', '1.6']"),
    ("puzzle24", {"numbers": [1, 2, 3, 4]}, "1*2*3*4", "6*4*1*1"),
    ("quantum_lock", {}, "A → B", "A wrong answer Before"),
    ("word_sorting", {"sorted_words": ["a", "b"]}, "a, b", "a, b, c"),
]  # fmt: skip
"""Wrong answers for which reasoning-gym 0.1.25 pays the full reward, or would pay it."""


@pytest.mark.parametrize(("name", "metadata", "oracle", "wrong"), ACCEPTED)
def test_what_it_accepts_wrongly_is_wrong(name: str, metadata: dict, oracle: str, wrong: str):
    assert entries.reward(name, (), metadata, oracle, wrong) < 1.0
    if name not in ("complex_arithmetic", "quantum_lock", "fraction_simplification"):
        assert entries.reward(name, (), metadata, oracle, oracle) == 1.0


@pytest.mark.parametrize("name", sorted(GRADERS))
def test_code_is_neither_executed_nor_right(name: str, tmp_path):
    marker = tmp_path / "executed"
    metadata = {
        "numbers": [1, 2], "target": 3, "valid_answers": ["Q"], "integrand": "2*x",
        "variable": "x", "sorted_words": ["a"],
    }  # fmt: skip
    for text in (f"open('{marker}', 'w')", "9**9**9", "[" * 5000, "", "1/0", "x**999999"):
        assert GRADERS[name](metadata, "1", text) == 0.0
    assert not marker.exists()


def test_an_environment_survives_pickle_with_its_options():
    env = load("rg:gcd?min_numbers=3&max_numbers=3", seed=5)
    copy = pickle.loads(pickle.dumps(env))
    assert copy.task("test", 1, 3) == env.task("test", 1, 3)


def test_games_on_numbers_are_the_same_problem_in_any_order():
    env = load("rg:puzzle24")
    draft = env.make(__import__("random").Random(0), env.config(1))
    numbers = draft.data["metadata"]["numbers"]
    assert env.identity(draft) == [sorted(numbers), 24]


def test_partial_credit_counts_only_where_it_is_asked_for():
    strict, lenient = load("rg:emoji_mystery"), load("rg:spell_backward", reward="partial:1")
    task = lenient.task("train", 1, 0)
    assert task.answer
    half = task.answer[:1]
    from rlskills.environments.scoring import grade

    score = grade(lenient, task, f"<answer>{half}</answer>", False)
    assert not score.correct
    assert 0 < score.reward < 1
    assert "partial" not in strict.weights


def test_colourings_are_proper():
    edges = [[0, 1], [1, 2], [2, 0], [2, 3]]
    puzzle = {"vertices": [0, 1, 2, 3], "edges": edges, "color_options": [1, 2, 3]}
    found = json.loads(coloring({"puzzle": puzzle}) or "")
    assert all(found[str(a)] != found[str(b)] for a, b in edges)
    assert coloring({"puzzle": puzzle | {"color_options": [1, 2]}}) is None


def test_a_traffic_jam_is_solved_as_its_own_grader_judges():
    board = "oooooooooBooAAoBoooooBoooooooooooooo"
    answer = traffic({"board_config": board})
    assert answer is not None
    assert entries.reward("rush_hour", (), {"board_config": board}, "", answer) == 1.0
    assert entries.reward("rush_hour", (), {"board_config": board}, "", "A+4") < 1.0
    walled = board[:14] + "x" + board[15:]
    assert traffic({"board_config": walled}) is None
