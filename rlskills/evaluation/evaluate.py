"""Answers of a model on the probes: greedy, and sampled for pass@k."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..models.decoding import Sampling
from ..models.generation import complete
from ..models.loading import encode_prompts, end_tokens
from ..tasks import Score, Task, score_batch, seed_from
from ..tasks.types import FAILURES
from .probes import Probe


@dataclass(frozen=True)
class Evaluation:
    """How to ask: the token limit, and how many samples at which temperature."""

    max_new_tokens: int
    samples: int = 0
    temperature: float = 1.0


def evaluate(
    model: Any, tokenizer: Any, probes: list[Probe], how: Evaluation, seed: int = 0
) -> list[dict[str, Any]]:
    """One record a probe, with the outcome of every task; `evaluation.json` holds the list.

    `greedy` is whether the greedy answer is right, `correct` how many of `samples` are, and
    `reward` the sum of their rewards. An answer whose grading failed is none of these: `status`
    says so of the greedy one, `samples` does not count it, and `grader_failures` does.
    """
    greedy = _scores(model, tokenizer, probes, Sampling(how.max_new_tokens, 0.0), seed)
    sampled: list[list[Score]] = [[] for _ in greedy]
    if how.samples:
        sampling = Sampling(how.max_new_tokens, how.temperature, how.samples)
        sampled = _scores(model, tokenizer, probes, sampling, seed)
    records, at = [], 0
    for probe in probes:
        tasks = []
        for task in probe.tasks:
            tasks.append(_outcome(task, greedy[at][0], sampled[at]))
            at += 1
        records.append(
            {"group": probe.group, "level": probe.level, "split": probe.split, "tasks": tasks}
        )
    return records


def greedy_accuracy(
    model: Any, tokenizer: Any, probes: list[Probe], max_new_tokens: int
) -> dict[str, float]:
    """Greedy accuracy by tag `eval/<group>/L<level>/greedy`: the curve drawn during training."""
    records = evaluate(model, tokenizer, probes, Evaluation(max_new_tokens))
    return {
        f"{probe.tag}/greedy": sum(t["greedy"] for t in tasks) / len(tasks)
        for probe, record in zip(probes, records, strict=True)
        if (tasks := graded(record))
    }


def graded(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of a probe's record whose greedy answer was graded: right or wrong."""
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
    model: Any, tokenizer: Any, probes: list[Probe], sampling: Sampling, seed: int
) -> list[list[Score]]:
    """Scores of all completions, a list a task; all probes are decoded together."""
    pairs = [(probe.env, task) for probe in probes for task in probe.tasks]
    prompts = encode_prompts([task for _, task in pairs], tokenizer)
    training = model.training
    model.eval()
    completions = complete(model, prompts, sampling, seed_from("evaluate", seed))
    model.train(training)
    ends = end_tokens(model, tokenizer)
    texts = tokenizer.batch_decode(completions, skip_special_tokens=True)
    each = sampling.per_prompt
    scores = score_batch(
        (env, task, texts[j], completions[j][-1] not in ends)
        for i, (env, task) in enumerate(pairs)
        for j in range(i * each, (i + 1) * each)
    )
    return [scores[i : i + each] for i in range(0, len(scores), each)]


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
