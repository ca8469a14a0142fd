"""Answers of a model on the eval sets: greedy, and sampled for pass@k."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..environments import Environment, Play, Score, Task, score_batch, seed_from
from ..environments.failures import failure_of
from ..environments.guard import undisturbed
from ..environments.types import FAILURES
from ..errors import UserError
from ..generation.batching import CPU_ROWS, GPU_ROWS, generate_in_batches
from ..generation.engine import Completion, Engine, SamplingParams
from ..generation.episodes import TokenLimits, rollout_episodes
from ..generation.select import select_engine
from ..models.loaded import LoadedModel
from .eval_sets import EvalSet

Asked: TypeAlias = Sequence[tuple[Environment, Task]]


@dataclass(frozen=True)
class EvalConfig:
    """How to ask: the token limit (of a whole episode), how many samples, which temperature."""

    max_new_tokens: int
    samples: int = 0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.samples < 0:
            raise UserError(
                f"an evaluation needs at least 1 new token and 0 samples, not "
                f"{self.max_new_tokens} and {self.samples}"
            )
        if not 0 <= self.temperature < float("inf"):
            raise UserError(f"temperature must be at least 0 and finite, not {self.temperature}")


def evaluate(
    loaded: LoadedModel,
    eval_sets: list[EvalSet],
    how: EvalConfig,
    seed: int = 0,
    engine: Engine | None = None,
) -> list[dict[str, Any]]:
    """One record for each eval set, with the outcome of every task (`evaluation.json`).

    `greedy` is whether the greedy answer is right, `correct` how many of `samples` are, and
    `reward` the sum of their rewards. An answer whose grading failed is none of these: `status`
    says so of the greedy one, `samples` does not count it, `grader_failures` does, and `failure`
    says why the first one failed. `engine` samples; None takes the one that `select_engine`
    chooses.
    """
    asker = _Asker(loaded, engine or select_engine(loaded), seed)
    tasks = [(eval_set.env, task) for eval_set in eval_sets for task in eval_set.tasks]
    greedy = asker.scores(tasks, SamplingParams(how.max_new_tokens, 0.0))
    sampled: list[list[Score]] = [[] for _ in greedy]
    if how.samples:
        params = SamplingParams(how.max_new_tokens, how.temperature, how.samples)
        sampled = asker.scores(tasks, params)
    outcomes = (
        _outcome(task, first[0], rest)
        for (_, task), first, rest in zip(tasks, greedy, sampled, strict=True)
    )
    records = []
    for eval_set in eval_sets:
        rows = [next(outcomes) for _ in eval_set.tasks]
        about = {"group": eval_set.group, "level": eval_set.level, "split": eval_set.split}
        records.append({**about, "tasks": rows})
    return records


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


class _Asker:
    """Asks one model, through one engine, and grades what it says."""

    def __init__(self, loaded: LoadedModel, engine: Engine, seed: int) -> None:
        self.loaded = loaded
        self.engine = engine
        self.seed = seed_from("evaluate", seed)
        self.rows = CPU_ROWS if loaded.device.type == "cpu" else GPU_ROWS

    def scores(self, asked: Asked, params: SamplingParams) -> list[list[Score]]:
        """Scores of all completions, a list for each task; all tasks are decoded together."""
        scores: dict[int, list[Score]] = {}
        for several, method in ((False, self._answers), (True, self._episodes)):
            places = [i for i, (env, _) in enumerate(asked) if env.multi_turn == several]
            if places:
                scores |= dict(zip(places, method([asked[i] for i in places], params), strict=True))
        return [scores[i] for i in range(len(asked))]

    def _generate(
        self, prompts: list[list[int]], params: SamplingParams, seed: int
    ) -> list[Completion]:
        return generate_in_batches(self.engine, prompts, params, seed, self.rows)

    def _answers(self, asked: Asked, params: SamplingParams) -> list[list[Score]]:
        """Scores where one completion is the answer."""
        prompts = self.loaded.codec.encode_tasks([task for _, task in asked])
        found = self._generate(prompts, params, self.seed)
        texts = self.loaded.codec.decode([completion.ids for completion in found])
        owners = [pair for pair in asked for _ in range(params.n)]
        scores = score_batch(
            (env, task, text, completion.finish_reason == "length")
            for (env, task), text, completion in zip(owners, texts, found, strict=True)
        )
        return _grouped(scores, params.n)

    def _episodes(self, asked: Asked, params: SamplingParams) -> list[list[Score]]:
        """Scores where the model replies in several turns, one episode for each sample."""
        plays = [Play(env.start(task)) for env, task in asked for _ in range(params.n)]

        def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
            # Samples of one task begin alike: their opening is encoded once.
            alike = params.n if turn == 0 else 1
            seed = seed_from("turn", self.seed, turn)
            return self._generate(contexts[::alike], params.limited(limit, alike), seed)

        limits = TokenLimits(params.max_new_tokens, self.loaded.positions)
        rollout_episodes(plays, self.loaded.codec, sample, limits)
        with undisturbed():
            return _grouped([play.score() for play in plays], params.n)


def _grouped(scores: Sequence[Score], size: int) -> list[list[Score]]:
    return [list(scores[i : i + size]) for i in range(0, len(scores), size)]


def failures_in(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Why gradings failed, a text for each that did, and the number of all completions."""
    tasks = [task for record in records for task in record["tasks"]]
    failed = sum(task["grader_failures"] for task in tasks)
    texts = [task["failure"] for task in tasks for _ in range(task["grader_failures"])]
    graded_samples = sum(task["samples"] for task in tasks)
    greedy = sum(task["status"] not in FAILURES for task in tasks)
    return texts, graded_samples + greedy + failed


def _outcome(task: Task, greedy: Score, sampled: list[Score]) -> dict[str, Any]:
    why = next(filter(None, map(failure_of, (greedy, *sampled))), "")
    return {
        "key": task.key,
        "skills": list(task.skills),
        "greedy": greedy.correct,
        "status": greedy.status,
        "samples": sum(not score.failed for score in sampled),
        "correct": sum(score.correct for score in sampled),
        "reward": sum(score.reward for score in sampled if not score.failed),
        "grader_failures": sum(score.failed for score in (greedy, *sampled)),
        **({"failure": why} if why else {}),
    }
