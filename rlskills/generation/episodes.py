"""Episodes in tokens: what a model wrote and what it was told, in the order in which it saw them.

History is only ever appended to: a reply keeps the very ids that were sampled, and what an
environment says is encoded once, behind them. A mask tells the two apart, so that only what the
model wrote is learned from. Demonstrations are laid out by the same code as rollouts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..environments import Message, Play, joined
from ..errors import UserError
from ..models.loading import encode_openings

Replies: TypeAlias = tuple[list[list[int]], list[list[float]] | None]
"""Token ids of one reply a context and, if the sampler knows them, their log-probabilities."""
Sampler: TypeAlias = Callable[[list[list[int]], int, int], Replies]
"""`(contexts, turn, limit)` to one reply a context, of at most about `limit` tokens each."""

_REPLY = "(reply)"


@dataclass
class Rollout:
    """One episode: `prompt`, then `ids`, of which `mask` says what the model wrote (1, else 0)."""

    play: Play
    prompt: list[int]
    ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """Of the model's own tokens, 0 elsewhere; empty if the sampler does not know them."""

    @property
    def context(self) -> list[int]:
        """All that the model has seen and written so far."""
        return self.prompt + self.ids

    @property
    def written(self) -> int:
        """Tokens that the model wrote."""
        return sum(self.mask)

    def append(self, ids: Sequence[int], mine: bool, logprobs: Sequence[float] | None) -> None:
        """Go on with `ids`, which the model wrote itself or was told."""
        self.ids.extend(ids)
        self.mask.extend([int(mine)] * len(ids))
        if logprobs is not None:
            self.logprobs.extend(logprobs)


@dataclass(frozen=True)
class TokenCaps:
    """What ends an episode as truncated, in tokens."""

    written: int
    """Tokens that the model may write in the whole episode."""
    positions: int | None = None
    """Tokens that the model can see at all."""

    def left(self, rollout: Rollout) -> int:
        """Tokens that the model may still write; at least one in its first reply."""
        left = self.written - rollout.written
        if self.positions is not None:
            left = min(left, self.positions - len(rollout.prompt) - len(rollout.ids))
        return left if rollout.ids else max(1, left)


def roll(
    plays: Sequence[Play], tokenizer: Any, ends: set[int], sample: Sampler, caps: TokenCaps
) -> list[Rollout]:
    """Play all episodes side by side to their ends, one reply of each at a time."""
    openings = encode_openings([play.messages for play in plays], tokenizer)
    rollouts = [Rollout(play, ids) for play, ids in zip(plays, openings, strict=True)]
    live, turn = [one for one in rollouts if _goes_on(one, caps)], 0
    while live:
        limit = max(caps.left(one) for one in live)
        replies, logprobs = sample([one.context for one in live], turn, limit)
        kept = [ids[: caps.left(one)] for one, ids in zip(live, replies, strict=True)]
        texts = tokenizer.batch_decode(kept, skip_special_tokens=True)
        for i, (one, ids, text) in enumerate(zip(live, kept, texts, strict=True)):
            one.append(ids, True, None if logprobs is None else logprobs[i][: len(ids)])
            said = one.play.reply(text, cut=not ids or ids[-1] not in ends)
            if not one.play.over:
                told = _without_end(encode_told(said, tokenizer), ids, ends)
                one.append(told, False, None if logprobs is None else [0.0] * len(told))
        live, turn = [one for one in live if _goes_on(one, caps)], turn + 1
    return rollouts


def _goes_on(rollout: Rollout, caps: TokenCaps) -> bool:
    if not rollout.play.over and caps.left(rollout) <= 0:
        rollout.play.stop()
    return not rollout.play.over


def transcribe(play: Play, tokenizer: Any, end: int) -> Rollout:
    """An episode that was played, as it would stand there had the model sampled its replies."""
    messages = play.messages
    first = next((i for i, m in enumerate(messages) if m["role"] == "assistant"), len(messages))
    rollout = Rollout(play, encode_openings([messages[:first]], tokenizer)[0])
    told: list[Message] = []
    for message in messages[first:]:
        if message["role"] != "assistant":
            told.append(message)
            continue
        if told:
            rollout.append(
                _without_end(encode_told(told, tokenizer), rollout.ids, {end}), False, None
            )
            told = []
        ids = tokenizer(message["content"], add_special_tokens=False)["input_ids"]
        rollout.append([*ids, end], True, None)
    return rollout


def encode_told(messages: Sequence[Message], tokenizer: Any) -> list[int]:
    """Token ids between the text of one reply and the beginning of the next.

    With a chat template they begin with whatever closes a reply there.
    """
    if not tokenizer.chat_template:
        return tokenizer(joined(messages), add_special_tokens=False)["input_ids"]
    # Some templates treat the last reply otherwise than earlier ones, so a whole conversation is
    # rendered and what stands behind the reply in it is taken.
    dummy = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _REPLY}, *messages]
    text = tokenizer.apply_chat_template(dummy, add_generation_prompt=True, tokenize=False)
    _, found, behind = text.partition(_REPLY)
    if not found:
        raise UserError("the model's chat template does not show replies; episodes need that")
    return tokenizer(behind, add_special_tokens=False)["input_ids"]


def _without_end(told: list[int], written: Sequence[int], ends: set[int]) -> list[int]:
    """The end of a turn is not repeated where the model wrote it itself."""
    closed = bool(written) and written[-1] in ends
    return told[1:] if closed and told and told[0] in ends else told
