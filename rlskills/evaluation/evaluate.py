"""Answers of a model on the eval sets: greedy, and sampled for pass@k."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ..environments import Environment, Play, Score, Task, score_batch, seed_from
from ..environments.types import FAILURES
from ..generation.complete import complete
from ..generation.episodes import Replies, TokenCaps, roll
from ..generation.llama_cpu import Sampling
from ..models.loading import encode_prompts, end_tokens, positions_of
from .eval_sets import EvalSet

Asked: TypeAlias = Sequence[tuple[Environment, Task]]


@dataclass(frozen=True)
class EvalConfig:
    """How to ask: the token limit (of a whole episode), how many samples, which temperature."""

    max_new_tokens: int
    samples: int = 0
    temperature: float = 1.0


def evaluate(
    model: Any, tokenizer: Any, eval_sets: list[EvalSet], how: EvalConfig, seed: int = 0
) -> list[dict[str, Any]]:
    """One record an eval set, with the outcome of every task; `evaluation.json` holds the list.

    `greedy` is whether the greedy answer is right, `correct` how many of `samples` are, and
    `reward` the sum of their rewards. An answer whose grading failed is none of these: `status`
    says so of the greedy one, `samples` does not count it, and `grader_failures` does.
    """
    greedy = _scores(model, tokenizer, eval_sets, Sampling(how.max_new_tokens, 0.0), seed)
    sampled: list[list[Score]] = [[] for _ in greedy]
    if how.samples:
        sampling = Sampling(how.max_new_tokens, how.temperature, how.samples)
        sampled = _scores(model, tokenizer, eval_sets, sampling, seed)
    records, at = [], 0
    for eval_set in eval_sets:
        tasks = []
        for task in eval_set.tasks:
            tasks.append(_outcome(task, greedy[at][0], sampled[at]))
            at += 1
        records.append(
            {
                "group": eval_set.group,
                "level": eval_set.level,
                "split": eval_set.split,
                "tasks": tasks,
            }
        )
    return records


def greedy_accuracy(
    model: Any, tokenizer: Any, eval_sets: list[EvalSet], max_new_tokens: int
) -> dict[str, float]:
    """Greedy accuracy by tag `eval/<group>/L<level>/greedy`: the curve drawn during training."""
    records = evaluate(model, tokenizer, eval_sets, EvalConfig(max_new_tokens))
    return {
        f"{eval_set.tag}/greedy": sum(t["greedy"] for t in tasks) / len(tasks)
        for eval_set, record in zip(eval_sets, records, strict=True)
        if (tasks := graded(record))
    }


def graded(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of an eval set's record whose greedy answer was graded: right or wrong."""
    return [task for task in record["tasks"] if task["status"] not in FAILURES]


def by_skill(records: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Right greedy answers and tasks by skill, over all records."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        for task in graded(record):
            for skill in dict.fromkeys(task["skills"]):
                counts[skill][0] += task["greedy"]
                counts[skill][1] += 1
    return {skill: (right, total) for skill, (right, total) in sorted(counts.items())}


def _scores(
    model: Any, tokenizer: Any, eval_sets: list[EvalSet], sampling: Sampling, seed: int
) -> list[list[Score]]:
    """Scores of all completions, a list a task; all eval sets are decoded together."""
    pairs = [(eval_set.env, task) for eval_set in eval_sets for task in eval_set.tasks]
    training = model.training
    model.eval()
    scores: dict[int, list[Score]] = {}
    for several, method in ((False, _answers), (True, _episodes)):
        places = [i for i, (env, _) in enumerate(pairs) if env.multi_turn == several]
        if places:
            asked = [pairs[i] for i in places]
            found = method(model, tokenizer, asked, sampling, seed_from("evaluate", seed))
            scores |= dict(zip(places, found, strict=True))
    model.train(training)
    return [scores[i] for i in range(len(pairs))]


def _answers(
    model: Any, tokenizer: Any, asked: Asked, sampling: Sampling, seed: int
) -> list[list[Score]]:
    """Scores where one completion is the answer."""
    prompts = encode_prompts([task for _, task in asked], tokenizer)
    completions = complete(model, prompts, sampling, seed)
    ends = end_tokens(model, tokenizer)
    texts = tokenizer.batch_decode(completions, skip_special_tokens=True)
    each = sampling.per_prompt
    scores = score_batch(
        (env, task, texts[j], completions[j][-1] not in ends)
        for i, (env, task) in enumerate(asked)
        for j in range(i * each, (i + 1) * each)
    )
    return [scores[i : i + each] for i in range(0, len(scores), each)]


def _episodes(
    model: Any, tokenizer: Any, asked: Asked, sampling: Sampling, seed: int
) -> list[list[Score]]:
    """Scores where the model replies in several turns, one episode for each sample."""
    each = sampling.per_prompt
    plays = [Play(env.start(task)) for env, task in asked for _ in range(each)]

    def sample(contexts: list[list[int]], turn: int, limit: int) -> Replies:
        # Samples of one task begin alike: their opening is encoded once.
        alike = each if turn == 0 else 1
        now = replace(sampling, max_new_tokens=limit, per_prompt=alike)
        return complete(model, contexts[::alike], now, seed_from("turn", seed, turn)), None

    caps = TokenCaps(sampling.max_new_tokens, positions_of(model))
    roll(plays, tokenizer, end_tokens(model, tokenizer), sample, caps)
    return [[play.score() for play in plays[i : i + each]] for i in range(0, len(plays), each)]


def _outcome(task: Task, greedy: Score, sampled: list[Score]) -> dict[str, Any]:
    return {
        "key": task.key,
        "skills": list(task.skills),
        "greedy": greedy.correct,
        "status": greedy.status,
        "samples": sum(not score.failed for score in sampled),
        "correct": sum(score.correct for score in sampled),
        "reward": sum(score.reward for score in sampled if not score.failed),
        "grader_failures": sum(score.failed for score in (greedy, *sampled)),
    }
