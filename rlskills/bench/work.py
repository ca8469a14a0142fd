"""What all contestants are given: the same settings, and the same problems in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .. import environments
from ..environments import Environment, score_batch
from ..errors import UserError
from ..generation.engine import SamplingParams
from ..generation.select import select_engine
from ..models.loaded import LoadedModel
from ..training.settings import RLSettings
from ..training.stream import Drawn, TaskStream, uniform
from .options import TrainOptions

STILL = 1e-7
"""A learning rate at which the policy, and with it the length of its answers, stays as it is."""

PROBED = 8
"""Problems that are looked at before, and completions of each."""


@dataclass(frozen=True)
class Work:
    """Settings of all contestants, and their problems."""

    settings: RLSettings
    env: Environment
    levels: tuple[int, ...]

    @classmethod
    def timed(cls, options: TrainOptions) -> Work:
        """One turn of a contestant while speed is measured."""
        steps = options.warmup + options.updates
        return cls.of(options, max_steps=steps, learning_rate=STILL)

    @classmethod
    def of(cls, options: TrainOptions, **settings: object) -> Work:
        """The common part of `options`, with `settings` of the training beside it.

        Raises:
            UserError: there is no such environment or level.
        """
        env = environments.load(options.env)
        for level in options.levels:
            if not 1 <= level <= len(env.levels):
                raise UserError(f"{env.name} has levels 1 to {len(env.levels)}, not {level}")
        rl = RLSettings(
            prompts_per_step=options.prompts_per_step, group_size=options.group_size,
            max_new_tokens=options.max_new_tokens, eval_every=0,
            gradient_accumulation_steps=options.micro_batches,
            gradient_checkpointing=options.gradient_checkpointing,
            **settings,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        return cls(rl, env, options.levels)

    @property
    def completions(self) -> int:
        """Of an update."""
        return self.settings.prompts_per_step * self.settings.group_size

    def stream(self) -> TaskStream:
        """The problems, from the first on."""
        return uniform(self.env, "train", self.levels, self.settings.seed)

    @cached_property
    def problems(self) -> list[Drawn]:
        """Those of all updates, in the order in which the stream gives them."""
        stream, settings = self.stream(), self.settings
        return [
            drawn
            for _ in range(settings.max_steps)
            for drawn in stream.draw(settings.prompts_per_step, settings.group_size)
        ]

    def mixed_groups(self, loaded: LoadedModel) -> int:
        """How many of the first `PROBED` problems have right and wrong answers among a few."""
        asked = [(drawn.env, drawn.task) for drawn in self.problems[:PROBED]]
        params = SamplingParams(self.settings.max_new_tokens, self.settings.temperature, PROBED)
        prompts = loaded.codec.encode_tasks([task for _, task in asked])
        found = select_engine(loaded).generate(prompts, params, self.settings.seed)
        texts = loaded.codec.decode([completion.ids for completion in found])
        owners = [pair for pair in asked for _ in range(PROBED)]
        scores = score_batch(
            (env, task, text, completion.finish_reason == "length")
            for (env, task), text, completion in zip(owners, texts, found, strict=True)
        )
        rewards = [score.reward for score in scores]
        groups = [rewards[i : i + PROBED] for i in range(0, len(rewards), PROBED)]
        return sum(len(set(group)) > 1 for group in groups)

    def prompt_tokens(self, loaded: LoadedModel) -> float:
        """Tokens of a prompt, in the mean over all problems."""
        prompts = loaded.codec.encode_tasks([drawn.task for drawn in self.problems])
        return sum(map(len, prompts)) / len(prompts)
