"""From tasks to graded rollouts: prompts, engine or episodes, grading, shared by all processes.

Every process knows all tasks of a round, samples its share of the groups, and receives what the
others sampled and how it was graded; so all of them hold the same rollouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from accelerate.utils import gather_object

from ..curricula import Choice
from ..environments import (
    Environment,
    Message,
    Play,
    Score,
    Task,
    demonstration,
    score_batch,
    seed_from,
)
from ..environments.guard import undisturbed
from ..generation.engine import Completion, Engine, SamplingParams
from ..generation.episodes import TokenLimits, rollout_episodes, transcribe
from ..models.loaded import LoadedModel
from .batch import Rollout
from .spans import step_spans


@dataclass(frozen=True)
class Request:
    """A group to sample: a task, the choice that led to it, and the messages to show for it."""

    env: Environment
    task: Task
    choice: Choice
    group: int
    messages: Sequence[Message] | None = None
    """None shows the task's own prompt."""


@dataclass(frozen=True)
class Processes:
    """Which of several processes that share work this one is.

    Neighbours that sample as one (`Engine.together`) count as one and do the same work.
    """

    index: int = 0
    count: int = 1
    first: bool = True
    """Of the neighbours; what the others find is not counted."""
    together: int = 1

    @classmethod
    def of(cls, index: int, count: int, together: int) -> Processes:
        """Process `index` of `count` in a world where `together` neighbours sample as one."""
        return cls(index // together, count // together, index % together == 0, together)

    def gathered(self, mine: list[Any]) -> list[Any]:
        """Everyone's items, in the order of the processes."""
        if self.count * self.together == 1:
            return mine
        return gather_object(mine if self.first else [])


Sampled: TypeAlias = tuple[
    list[int], list[int], list[int], list[float] | None, str, bool, Score, int
]
"""Prompt ids, ids, mask, log-probabilities, text, truncated, score, turns: what travels."""


class RolloutSampler:
    """Samples and grades groups of `n` completions with one engine."""

    def __init__(
        self,
        loaded: LoadedModel,
        engine: Engine,
        seed: int,
        processes: Processes | None = None,
        with_steps: bool = False,
    ) -> None:
        """`with_steps` has rollouts say which tokens their worked steps are."""
        self.codec = loaded.codec
        self.engine = engine
        self.seed = seed
        self.processes = processes or Processes()
        self.with_steps = with_steps
        self.positions = loaded.positions

    def sample(
        self, requests: Sequence[Request], params: SamplingParams, spent: int, episodes: bool
    ) -> list[Rollout]:
        """`params.n` rollouts of each request, those of a request next to each other.

        `spent` is the number of rollouts so far, which sets the seed. `episodes` has all tasks
        played as episodes, also those of one turn. The number of requests must be a multiple of
        that of processes.
        """
        share = -(-len(requests) // self.processes.count)
        first = self.processes.index * share
        mine = requests[first : first + share]
        play = self._episodes if episodes else self._completions
        sampled = self.processes.gathered(play(mine, params, spent) if mine else [])
        return [self._rollout(requests[i // params.n], values) for i, values in enumerate(sampled)]

    def _rollout(self, request: Request, values: Sampled) -> Rollout:
        prompt, ids, mask, logprobs, text, truncated, score, turns = values
        rollout = Rollout(
            request.env, request.task, request.choice, request.group,
            prompt, ids, mask, text, truncated, score, logprobs, turns,
        )  # fmt: skip
        if self.with_steps and turns == 1 and score.steps:
            rollout.steps = step_spans(ids, score.steps, self.codec)
        return rollout

    def _completions(
        self, requests: Sequence[Request], params: SamplingParams, spent: int
    ) -> list[Sampled]:
        """Where one completion is the answer."""
        openings = [list(r.messages or r.task.messages) for r in requests]
        prompts = self.codec.encode_openings(openings)
        found = self.engine.generate(prompts, params, self._seed_of(spent, 0))
        texts = self.codec.decode([completion.ids for completion in found])
        cut = [completion.finish_reason == "length" for completion in found]
        owners = [request for request in requests for _ in range(params.n)]
        scores = score_batch(
            (request.env, request.task, text, truncated)
            for request, text, truncated in zip(owners, texts, cut, strict=True)
        )
        return [
            (prompts[i // params.n], c.ids, [1] * len(c.ids), c.logprobs, text, truncated, score, 1)
            for i, (c, text, truncated, score) in enumerate(
                zip(found, texts, cut, scores, strict=True)
            )
        ]

    def _episodes(
        self, requests: Sequence[Request], params: SamplingParams, spent: int
    ) -> list[Sampled]:
        """Where the policy replies in several turns; each rollout is an episode of its own."""
        plays = [Play(r.env.start(r.task)) for r in requests for _ in range(params.n)]

        def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
            # Before its first reply a whole group has the same context.
            alike = params.n if turn == 0 else 1
            limited = replace(params, max_new_tokens=limit, n=alike)
            return self.engine.generate(contexts[::alike], limited, self._seed_of(spent, turn))

        limits = TokenLimits(params.max_new_tokens, self.positions)
        found = rollout_episodes(plays, self.codec, sample, limits)
        texts = self.codec.decode([transcript.ids for transcript in found])
        with undisturbed():
            scores = [transcript.play.score() for transcript in found]
        return [
            (
                t.prompt, t.ids, t.mask, t.logprobs or None, text, t.play.truncated, score,
                t.play.turns,
            )
            for t, text, score in zip(found, texts, scores, strict=True)
        ]  # fmt: skip

    def _seed_of(self, spent: int, turn: int) -> int:
        later = [turn] if turn else []
        return seed_from("sample", self.seed, self.processes.index, spent, *later)

    def demonstrate(self, like: Sequence[Rollout]) -> list[Rollout]:
        """A worked solution of the task of each rollout, in its group, without any weight."""
        found = []
        for rollout in like:
            play = demonstration(rollout.env, rollout.task)
            shown = transcribe(play, self.codec)
            (text,) = self.codec.decode([shown.ids])
            row = Rollout(
                rollout.env, rollout.task, rollout.choice, rollout.group,
                shown.prompt, shown.ids, shown.mask, text, False, play.score(), turns=play.turns,
            )  # fmt: skip
            row.drop()
            found.append(row)
        return found
