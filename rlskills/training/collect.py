"""One update's rollouts: draw, sample, show the curriculum, run the treatments' stages, repeat.

The data flow of an update in one class, without TRL: `Collector.collect` returns its rounds, every
rollout with its credit and weights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace

import torch
from torch import Tensor

from ..curricula import Curriculum, find, option_names
from ..environments import Message, StepScore
from ..environments.failures import GradingFailures, failure_of
from ..errors import UserError
from ..generation.engine import SamplingParams
from ..runs.metrics import Budget
from .batch import Rollout, RolloutBatch, zero_variance
from .prompt_limit import PromptLimit
from .reader import START, Reader
from .sampler import Request, RolloutSampler
from .settings import RLSettings
from .spans import step_spans
from .statistics import nanstd
from .stream import Drawn, TaskStream
from .treatments import CurriculumGate, Treatment, TruncationMask, in_stage

FAILED_ROUNDS = 5
"""Rounds on end without a single graded completion after which training stops."""
Log = Callable[[str, float], None]
Features = Callable[[Sequence[Request]], Sequence[tuple[float, ...] | None]]
"""What a curriculum wants to know of prompts, by group."""


class Collector:
    """Draws tasks from `stream` and turns them into rounds under `treatments`."""

    def __init__(
        self,
        stream: TaskStream,
        sampler: RolloutSampler,
        settings: RLSettings,
        treatments: Sequence[Treatment],
        budget: Budget,
        log: Log,
        features: Features,
        limit: PromptLimit,
        reader: Reader,
    ) -> None:
        """A `UserError` where both the curriculum and a treatment sample further rounds."""
        check_resampling(stream.curriculum, treatments)
        self.stream = stream
        self.sampler = sampler
        self.settings = settings
        # The gate is last, so that no other stage lets in what it refuses.
        masks = [TruncationMask()] if settings.mask_truncated else []
        self.treatments = [*treatments, *masks, CurriculumGate(stream.curriculum)]
        self.budget = budget
        self.log = log
        self.features = features
        self.limit = limit
        self.reader = reader
        self.failures = GradingFailures()
        """Tells the user of gradings that failed."""
        self._failed_rounds = 0
        self.episodes = any(source.env.multi_turn for source in stream.sources.values())

    def collect(self, step: int) -> list[RolloutBatch]:
        """Rounds until enough rollouts are kept, or no treatment asks for more."""
        wanted = self.settings.prompts_per_step * self.settings.group_size
        most = 1 + max(treatment.max_resamples for treatment in self.treatments)
        rounds = [self.round(step)]
        while len(rounds) < most and sum(len(batch.kept) for batch in rounds) < wanted:
            rounds.append(self.round(step))
        return rounds

    def round(self, step: int) -> RolloutBatch:
        """One round through all stages."""
        params = self._params(step)
        drawn = self._draw()
        requests = [
            Request(d.env, d.task, d.choice, i, self._asked(d)) for i, d in enumerate(drawn)
        ]
        spent = self.budget.rollouts
        batch = RolloutBatch(self.sampler.sample(requests, params, spent, self.episodes), step)
        for group, known in zip(batch.groups(), self.features(requests), strict=True):
            group[0].meta["features"] = known
        self._observe(batch)
        self._spend(batch.rollouts)
        self._record(batch)
        self._tell_failures(batch.rollouts)
        extra = _Extra(self, params)
        for treatment in self.treatments:
            treatment.augment(batch, extra)
        for stage in ("shape", "credit", "select", "adapt"):
            for treatment in in_stage(self.treatments, stage):
                getattr(treatment, stage)(batch)
        for treatment in self.treatments:
            called = treatment.name or type(treatment).__name__
            for name, value in treatment.metrics().items():
                self.log(f"treatment/{called}/{name}", value)
        return batch

    def _draw(self) -> list[Drawn]:
        """The problems of a round, none too long for the model."""
        before, settings = self.stream.skipped, self.settings
        drawn = self.stream.draw(
            settings.prompts_per_step, settings.group_size, accept=self.limit.accept
        )
        if self.limit.accept:
            self.log("train/prompts_skipped", self.stream.skipped - before)
        else:
            self.limit.check([(one.env, one.task) for one in drawn])
        return drawn

    def _asked(self, drawn: Drawn) -> Sequence[Message] | None:
        """The messages that treatments have made of a task's; None: they changed nothing."""
        messages: Sequence[Message] = drawn.task.messages
        for treatment in self.treatments:
            messages = treatment.prompt(messages, drawn.task)
        return None if messages == drawn.task.messages else messages

    def _params(self, step: int) -> SamplingParams:
        settings = self.settings
        params = SamplingParams(
            settings.max_new_tokens, settings.temperature, settings.group_size,
            top_p=settings.top_p,
        )  # fmt: skip
        for treatment in self.treatments:
            params = treatment.sampling(params, step)
        return params

    def _observe(self, batch: RolloutBatch) -> None:
        """All groups are shown before any is asked about: the state must have seen every one."""
        self.stream.observe([outcome for outcome in batch.outcomes() if outcome.pass_rates])

    def _spend(self, rollouts: Sequence[Rollout]) -> None:
        self.budget.rollouts += len(rollouts)
        self.budget.samples += len(rollouts)
        self.budget.generated_tokens += sum(rollout.sampled for rollout in rollouts)

    def _tell_failures(self, rollouts: Sequence[Rollout]) -> None:
        """A `UserError` where all gradings of several rounds on end failed: nothing is learned."""
        texts = [text for rollout in rollouts if (text := failure_of(rollout.score))]
        self.failures.tell(texts, len(rollouts), "train/grader_failures")
        self._failed_rounds = self._failed_rounds + 1 if len(texts) == len(rollouts) else 0
        if self._failed_rounds == FAILED_ROUNDS:
            raise UserError(
                f"grading failed for all completions of {FAILED_ROUNDS} rounds on end, so nothing "
                f"is learned: {texts[0]}"
            )

    def _record(self, batch: RolloutBatch) -> None:
        rewards, rollouts = batch.rewards(), batch.rollouts
        self.log("train/reward", torch.nanmean(rewards).item())
        self.log("train/reward_std", nanstd(rewards).item())
        lengths = torch.tensor([float(rollout.sampled) for rollout in rollouts])
        self.log("train/response_length", lengths.mean().item())
        cut = torch.tensor([float(rollout.truncated) for rollout in rollouts])
        self.log("train/truncated", cut.mean().item())
        if self.episodes:
            self.log("train/turns", share(rollout.turns for rollout in rollouts))
        groups = batch.groups()
        self.log("train/zero_variance_groups", share(map(zero_variance, groups)))
        self.log("train/parse_failures", share(r.score.status == "unparsed" for r in rollouts))
        self.log("train/grader_failures", share(r.score.failed for r in rollouts))
        for tag, values in accuracies(rollouts).items():
            self.log(tag, share(values))
        for name, value in self.stream.metrics().items():
            self.log(f"curriculum/{name}", value)


def check_resampling(curriculum: Curriculum, treatments: Sequence[Treatment]) -> None:
    """A `UserError` where two bounds on further rounds stand against each other."""
    named = [treatment.spec.name for treatment in treatments if treatment.max_resamples]
    if not curriculum.max_resamples or not named:
        return
    bounded = "max_resamples" in option_names(find(curriculum.spec.name))
    hint = " (the curriculum only drops them with max_resamples=0)" if bounded else ""
    raise UserError(
        f"treatment {named[0]} and curriculum {curriculum.spec} cannot be combined: each "
        f"samples further rounds in place of groups that are dropped{hint}"
    )


class _Extra:
    """What `augment` samples and shows, counted in the budgets."""

    def __init__(self, collector: Collector, params: SamplingParams) -> None:
        self.collector = collector
        self.params = params

    def sample(
        self,
        like: Sequence[Rollout],
        prompts: Sequence[Sequence[Message]],
        n: int,
        begun: Sequence[str] = (),
        temperature: float | None = None,
    ) -> list[Rollout]:
        """See `Sampler`."""
        if not like:
            return []
        requests = [
            Request(rollout.env, rollout.task, rollout.choice, rollout.group, messages, start)
            for rollout, messages, start in zip(
                like, prompts, begun or [""] * len(like), strict=True
            )
        ]
        limited = self.params.limited(self.params.max_new_tokens, n)
        if temperature is not None:
            limited = replace(limited, temperature=temperature)
        spent = self.collector.budget.rollouts
        found = self.collector.sampler.sample(requests, limited, spent, episodes=False)
        self.collector._spend(found)
        return found

    def demonstrate(self, like: Sequence[Rollout]) -> list[Rollout]:
        """See `Sampler`."""
        self.collector.budget.samples += len(like)
        return self.collector.sampler.demonstrate(like)

    def ask_plainly(self, rows: Sequence[Rollout]) -> None:
        """See `Sampler`."""
        prompts = self.collector.sampler.codec.encode_tasks([row.task for row in rows])
        for row, prompt in zip(rows, prompts, strict=True):
            row.prompt_ids = prompt

    def behind(
        self, rows: Sequence[Rollout], prompts: Sequence[Sequence[Message]]
    ) -> list[Rollout]:
        """See `Sampler`."""
        encoded = self.collector.sampler.codec.encode_openings(prompts)
        copies = [copy(row) for row in rows]
        for row, prompt in zip(copies, encoded, strict=True):
            row.prompt_ids = prompt
        return copies

    def spans(self, row: Rollout, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """See `Sampler`."""
        steps = [StepScore(start, end, False) for start, end in places]
        found, _ = step_spans(row.ids, steps, self.collector.sampler.codec)
        return [(start, end) for start, end, _ in found]

    def logprobs(self, rows: Sequence[Rollout], model: str = "") -> list[Tensor]:
        """See `Sampler`."""
        return self.collector.reader.logprobs(rows, model) if rows else []

    def hidden(self, rows: Sequence[Rollout], model: str = START) -> Tensor:
        """See `Sampler`."""
        return self.collector.reader.hidden(rows, model)


def accuracies(rollouts: Iterable[Rollout]) -> Mapping[str, list[bool]]:
    """Right or wrong of every graded completion, by tag: overall, by level and by skill."""
    found: dict[str, list[bool]] = defaultdict(list)
    for rollout in rollouts:
        task, score = rollout.task, rollout.score
        if score.failed:
            continue
        found["train/accuracy"].append(score.correct)
        found[f"train/L{task.level}/accuracy"].append(score.correct)
        for skill in dict.fromkeys(task.skills):
            found[f"train/skill/{skill}/accuracy"].append(score.correct)
    return found


def share(values: Iterable[float]) -> float:
    """The mean of numbers or truth values; 0 of none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
