"""From tasks to graded rollouts: prompts, engine or episodes, grading, shared by all processes.

Every process knows all tasks of a round, samples its share of the groups, and receives what the
others sampled and how it was graded; so all of them hold the same rollouts.
"""

from __future__ import annotations

import sys
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
from ..errors import UserError
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
    begun: str = ""
    """How the reply begins; the policy goes on from there. In tasks of one turn only."""


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
        self._find_steps(rollout)
        return rollout

    def _find_steps(self, rollout: Rollout) -> None:
        """Which tokens its steps are, where a treatment wants to know."""
        if self.with_steps and rollout.turns == 1 and rollout.score.steps:
            found = step_spans(rollout.ids, rollout.score.steps, self.codec)
            rollout.steps, rollout.value_starts = found

    def _completions(
        self, requests: Sequence[Request], params: SamplingParams, spent: int
    ) -> list[Sampled]:
        """Where one completion is the answer."""
        prompts = self.codec.encode_openings([r.messages or r.task.messages for r in requests])
        begun = self.codec.encode_texts([request.begun for request in requests])
        contexts = [[*prompt, *given] for prompt, given in zip(prompts, begun, strict=True)]
        # Problems were checked as they are; with help they may be longer.
        if any(request.messages or request.begun for request in requests):
            params = self._that_fits(contexts, params)
        found = self.engine.generate(contexts, params, self._seed_of(spent, 0))
        owners = [i for i in range(len(requests)) for _ in range(params.n)]
        ids = [[*begun[i], *c.ids] for i, c in zip(owners, found, strict=True)]
        texts = self.codec.decode(ids)
        cut = [completion.finish_reason == "length" for completion in found]
        scores = score_batch(
            (requests[i].env, requests[i].task, text, truncated)
            for i, text, truncated in zip(owners, texts, cut, strict=True)
        )
        sampled = []
        for i, c, row, text, truncated, score in zip(
            owners, found, ids, texts, cut, scores, strict=True
        ):
            given = len(begun[i])
            known = c.logprobs if c.logprobs is None else [0.0] * given + c.logprobs
            mask = [0] * given + [1] * len(c.ids)
            sampled.append((prompts[i], row, mask, known, text, truncated, score, 1))
        return sampled

    def _that_fits(
        self, contexts: Sequence[Sequence[int]], params: SamplingParams
    ) -> SamplingParams:
        """`params` with so many new tokens that the model has positions for all of them."""
        room = (self.positions or sys.maxsize) - max(map(len, contexts))
        if room < 1:
            raise UserError(
                f"a prompt with help in it leaves no room for an answer in the model's "
                f"{self.positions} positions"
            )
        return params.limited(min(room, params.max_new_tokens), params.n)

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
            self._find_steps(row)
            found.append(row)
        return found
