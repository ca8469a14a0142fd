"""Answers of a model on the eval sets: greedy, and sampled for pass@k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..environments import Environment, Play, Task, score_batch, seed_from
from ..environments.failures import failure_of
from ..environments.guard import undisturbed
from ..generation.batching import CPU_ROWS, GPU_ROWS, generate_in_batches
from ..generation.engine import Completion, Engine, SamplingParams
from ..generation.episodes import TokenLimits, rollout_episodes
from ..generation.select import select_engine
from ..models.loaded import LoadedModel
from .eval_sets import EvalSet
from .explained import Answer, explained
from .settings import EvalConfig

Asked: TypeAlias = Sequence[tuple[Environment, Task]]


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
    says why the first one failed. Further keys, where they apply, are those of `explained`.
    `engine` samples; None takes the one that `select_engine` chooses.
    """
    asker = _Asker(loaded, engine or select_engine(loaded), seed)
    tasks = [(eval_set.env, task) for eval_set in eval_sets for task in eval_set.tasks]
    greedy = asker.answers(tasks, SamplingParams(how.max_new_tokens, 0.0))
    sampled: list[list[Answer]] = [[] for _ in greedy]
    if how.samples:
        params = SamplingParams(how.max_new_tokens, how.temperature, how.samples)
        sampled = asker.answers(tasks, params)
    answers = zip((first for (first,) in greedy), sampled, strict=True)
    records = []
    for eval_set in eval_sets:
        with undisturbed():
            rows = [_outcome(eval_set, i, *next(answers)) for i in range(len(eval_set.tasks))]
        about = {"group": eval_set.group, "level": eval_set.level, "split": eval_set.split}
        records.append({**about, "tasks": rows})
    return records


class _Asker:
    """Asks one model, through one engine, and grades what it says."""

    def __init__(self, loaded: LoadedModel, engine: Engine, seed: int) -> None:
        self.loaded = loaded
        self.engine = engine
        self.seed = seed_from("evaluate", seed)
        self.rows = CPU_ROWS if loaded.device.type == "cpu" else GPU_ROWS

    def answers(self, asked: Asked, params: SamplingParams) -> list[list[Answer]]:
        """All completions, a list for each task; all tasks are decoded together."""
        answers: dict[int, list[Answer]] = {}
        for several, method in ((False, self._answers), (True, self._episodes)):
            places = [i for i, (env, _) in enumerate(asked) if env.multi_turn == several]
            if places:
                found = method([asked[i] for i in places], params)
                answers |= dict(zip(places, found, strict=True))
        return [answers[i] for i in range(len(asked))]

    def _generate(
        self, prompts: list[list[int]], params: SamplingParams, seed: int
    ) -> list[Completion]:
        return generate_in_batches(self.engine, prompts, params, seed, self.rows)

    def _answers(self, asked: Asked, params: SamplingParams) -> list[list[Answer]]:
        """Answers of one completion."""
        prompts = self.loaded.codec.encode_tasks([task for _, task in asked])
        found = self._generate(prompts, params, self.seed)
        texts = self.loaded.codec.decode([completion.ids for completion in found])
        owners = [pair for pair in asked for _ in range(params.n)]
        scores = score_batch(
            (env, task, text, completion.finish_reason == "length")
            for (env, task), text, completion in zip(owners, texts, found, strict=True)
        )
        return _grouped(list(map(Answer, scores, texts)), params.n)

    def _episodes(self, asked: Asked, params: SamplingParams) -> list[list[Answer]]:
        """Answers where the model replies in several turns, one episode for each sample."""
        plays = [Play(env.start(task)) for env, task in asked for _ in range(params.n)]

        def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
            # Samples of one task begin alike: their opening is encoded once.
            alike = params.n if turn == 0 else 1
            seed = seed_from("turn", self.seed, turn)
            return self._generate(contexts[::alike], params.limited(limit, alike), seed)

        limits = TokenLimits(params.max_new_tokens, self.loaded.positions)
        rollout_episodes(plays, self.loaded.codec, sample, limits)
        with undisturbed():
            return _grouped([Answer(play.score()) for play in plays], params.n)


def _grouped(answers: Sequence[Answer], size: int) -> list[list[Answer]]:
    return [list(answers[i : i + size]) for i in range(0, len(answers), size)]


def _outcome(asked: EvalSet, place: int, first: Answer, rest: list[Answer]) -> dict[str, Any]:
    task, greedy, sampled = asked.tasks[place], first.score, [answer.score for answer in rest]
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
        **explained(asked.env, task, first, rest, place < asked.shown),
    }
