"""What a record keeps of answers beside right and wrong: some texts, and kinds of mistakes.

    {"prompt": ..., "completion": ..., "first_wrong": [17, 30],           # of the first tasks only
     "greedy_class": "atomic error", "steps": 3,
     "defect": {"cause": "slip", "step": 2, "type": "reordered"},
     "classes": {"verified": 5, "atomic error": 3}, "verified": 5}

The kinds are those of `measures.failures` where the environment reads steps and they can be taken
apart (`Environment.calls`). Answers without any step have kinds of their own: `RIGHT_BARE`, and for
wrong ones what `measures.answers` says or, where the functions cannot be run, `WRONG_BARE`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..environments import Environment, GraderError, Score, StepScore, Task
from ..errors import UserError
from .measures.answers import Explanation, explanations
from .measures.claims import Library, Problem, claims_of, plain, problem_of
from .measures.failures import Failure, classify

CHARACTERS = 600
"""Of a prompt and of a completion that a record keeps."""
RIGHT_BARE, WRONG_BARE = "right without steps", "wrong without steps"
RIGHT = frozenset(("verified", "lucky", RIGHT_BARE))
"""Kinds of right answers."""
TABLED = 150
"""Mistakes of a problem (functions times steps) up to which all are worked out to explain an
answer without steps; working out more takes longer than decoding it."""


@dataclass(frozen=True)
class Answer:
    """A completion and its score; no text of an episode of several turns."""

    score: Score
    text: str | None = None


def explained(
    env: Environment, task: Task, greedy: Answer, sampled: Sequence[Answer], shown: bool
) -> dict[str, Any]:
    """What is known of the answers to one task, as keys of its outcome; those that do not apply
    are left out.

    `shown` keeps the texts of the greedy answer, cut to `CHARACTERS`: `prompt`, `completion`, and
    `first_wrong`, where its first wrong step begins and ends. Records are committed, so only the
    first tasks of an eval set (`EvalSet.shown`) have them. `greedy_class` is a kind, `steps` how
    many the problem has, `defect` the first of the greedy answer (its step counted from 1, as in
    `measures.hazards`), `classes` and `verified` are counts over the graded samples.

    It runs code of the environment, so inside `undisturbed`; what that raises is a `GraderError`.
    """
    if greedy.text is None:
        return {}
    found = _texts(task, greedy.text, greedy.score.steps) if shown else {}
    try:
        return found | _kinds(env, task, greedy, sampled)
    except UserError:
        raise
    except Exception as error:
        text = f"calls of {env.name} raised {type(error).__name__}: {error}"
        raise GraderError(f"{text}\n  task: {task.to_json()[:2000]}") from error


def _texts(task: Task, completion: str, steps: Sequence[StepScore]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "prompt": task.text[:CHARACTERS],
        "completion": completion[:CHARACTERS],
    }
    wrong = next((step for step in steps if not step.correct), None)
    if wrong is not None and wrong.start < CHARACTERS:
        found["first_wrong"] = [wrong.start, min(wrong.end, CHARACTERS)]
    return found


def _kinds(
    env: Environment, task: Task, greedy: Answer, sampled: Sequence[Answer]
) -> dict[str, Any]:
    # Code that is not trusted runs in workers only, and these would run it here.
    problem = problem_of(env, task) if env.trusted_grader else None
    if problem is None or len(problem.steps) < 2:
        return {}
    judge = _Judge(env, task, problem, env.functions())
    found: dict[str, Any] = {}
    if not greedy.score.failed:
        found["greedy_class"], failure = judge.kind(greedy)
        if failure is not None:
            found |= {"steps": len(problem.steps), **_defect(failure)}
    if graded := [answer for answer in sampled if not answer.score.failed]:
        kinds = Counter(judge.kind(answer)[0] for answer in graded)
        found |= {"classes": dict(sorted(kinds.items())), "verified": kinds["verified"]}
    return found


def _defect(failure: Failure) -> dict[str, Any]:
    defect = failure.defect
    if defect is None:
        return {}
    about = {"cause": defect.cause, "step": defect.step + 1}
    return {"defect": about | ({"type": defect.type} if defect.type else {})}


@dataclass
class _Judge:
    """Judges answers to one task."""

    env: Environment
    task: Task
    problem: Problem
    library: Library
    known: dict[tuple[str, str], tuple[str, Failure | None]] = field(default_factory=dict)
    """By completion and status: samples of one problem are often alike."""

    def kind(self, answer: Answer) -> tuple[str, Failure | None]:
        """The kind of an answer, and how its trace failed; None where no step was read."""
        key = (answer.text or "", answer.score.status)
        if key not in self.known:
            self.known[key] = self._judged(answer.score, key[0])
        return self.known[key]

    def _judged(self, score: Score, text: str) -> tuple[str, Failure | None]:
        claims = claims_of(self.env, self.task, text, score.steps)
        said = None if score.parsed is None else plain(score.parsed)
        if said is not None and not claims:
            return (RIGHT_BARE if score.correct else self._bare(said)), None
        cut = score.status == "truncated"
        failure = classify(
            self.problem, claims, said, self.library, truncated=cut, right=score.correct
        )
        return failure.kind, failure if claims else None

    def _bare(self, said: str) -> str:
        if self._explanations is None:
            return WRONG_BARE
        found = self._explanations.get(said)
        return "other" if found is None else found.kind

    @cached_property
    def _explanations(self) -> Mapping[str, Explanation] | None:
        """By answer; None where a function cannot be run, or there are too many."""
        known = all(step.op in self.library for step in self.problem.steps)
        few = len(self.problem.steps) * len(self.library) <= TABLED
        return explanations(self.problem, self.library) if known and few else None
