"""GRPO and RFT on episodes of several turns, through TRL's `rollout_func`.

TRL asks for the tokens behind each prompt and for a mask of those that the policy wrote
(`env_mask`); what the environment said is then part of the context, but neither of the loss nor of
its normaliser. Groups share one task, and each completion plays an episode of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..environments import Play
from ..generation.episodes import Replies, Rollout, TokenCaps, roll
from ..models.loading import positions_of

if TYPE_CHECKING:
    from .rollouts import RolloutTrainer


def play_round(prompts: list[Any], trainer: RolloutTrainer) -> dict[str, Any]:
    """Play the episodes of one round; the form is that of TRL 1.16's `rollout_func`.

    TRL's copies of the prompts are not used: the tasks themselves are in `trainer.drawn`. The
    extra field `rollouts` reaches the reward function, an entry a row.
    """
    plays = [Play(one.env.start(one.task)) for one in trainer.drawn]
    model = trainer.accelerator.unwrap_model(trainer.model)

    def sample(contexts: list[list[int]], turn: int, limit: int) -> Replies:
        # Before its first reply a whole group has the same context.
        alike = trainer.settings.group_size if turn == 0 else 1
        return trainer.sample_replies(contexts, alike, turn, limit)

    caps = TokenCaps(trainer.settings.max_new_tokens, positions_of(model))
    found = roll(plays, trainer.processing_class, trainer.ends, sample, caps)
    return {
        "prompt_ids": [one.prompt for one in found],
        "completion_ids": [one.ids for one in found],
        "env_mask": [one.mask for one in found],
        "logprobs": [one.logprobs for one in found] if found[0].logprobs else None,
        "rollouts": found,
    }


def rollouts_of(inputs: list[dict[str, Any]]) -> list[Rollout]:
    """The episodes of a round, once they were played; empty where completions are the answers."""
    return [one["rollouts"] for one in inputs if "rollouts" in one]
