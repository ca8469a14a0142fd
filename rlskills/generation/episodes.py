"""Episodes in tokens: what a model sampled and what it observed, in the order in which it saw them.

History is only ever appended to: a reply keeps the very ids that were sampled, and an observation
is encoded once, behind them. A mask tells the two apart, so that only what the model sampled is
learned from. Demonstrations are laid out by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..environments import Message, Play
from ..environments.guard import undisturbed
from ..models.codec import Codec
from .engine import Completion

Sample: TypeAlias = Callable[[list[list[int]], int, int], list[Completion]]
"""`(contexts, turn, limit)` to one reply for each context, of at most about `limit` tokens."""


@dataclass
class Transcript:
    """One episode: `prompt`, then `ids`, where `mask` is 1 for what the model sampled, else 0."""

    play: Play
    prompt: list[int]
    ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """Of the sampled tokens, 0 elsewhere; empty if the engine does not return them."""

    @property
    def context(self) -> list[int]:
        """All that the model has seen and sampled so far."""
        return self.prompt + self.ids

    @property
    def sampled(self) -> int:
        """Tokens that the model sampled."""
        return sum(self.mask)

    def append(self, ids: Sequence[int], sampled: bool, logprobs: Sequence[float] | None) -> None:
        """Go on with `ids`, which the model sampled itself or observed."""
        self.ids.extend(ids)
        self.mask.extend([int(sampled)] * len(ids))
        if logprobs is not None:
            self.logprobs.extend(logprobs)


@dataclass(frozen=True)
class TokenLimits:
    """What ends an episode as truncated, in tokens."""

    sampled: int
    """Tokens that the model may sample in the whole episode."""
    positions: int | None = None
    """Tokens that the model can see at all."""

    def left(self, transcript: Transcript) -> int:
        """Tokens that the model may still sample; at least one in its first reply."""
        left = self.sampled - transcript.sampled
        if self.positions is not None:
            left = min(left, self.positions - len(transcript.prompt) - len(transcript.ids))
        return left if transcript.ids else max(1, left)


def rollout_episodes(
    plays: Sequence[Play],
    codec: Codec,
    sample: Sample,
    limits: TokenLimits,
) -> list[Transcript]:
    """Play all episodes side by side to their ends, one reply of each at a time."""
    openings = codec.encode_openings([play.messages for play in plays])
    transcripts = [Transcript(play, ids) for play, ids in zip(plays, openings, strict=True)]
    live, turn = [t for t in transcripts if _goes_on(t, limits)], 0
    while live:
        limit = max(limits.left(transcript) for transcript in live)
        replies = sample([transcript.context for transcript in live], turn, limit)
        kept = [reply.ids[: limits.left(t)] for t, reply in zip(live, replies, strict=True)]
        texts = codec.decode(kept)
        with undisturbed():
            for transcript, reply, ids, text in zip(live, replies, kept, texts, strict=True):
                _reply(transcript, ids, reply.logprobs, text, codec)
        live, turn = [t for t in live if _goes_on(t, limits)], turn + 1
    return transcripts


def _reply(
    transcript: Transcript,
    ids: list[int],
    logprobs: list[float] | None,
    text: str,
    codec: Codec,
) -> None:
    """Give a sampled reply to the episode, and append what it says to that."""
    transcript.append(ids, True, None if logprobs is None else logprobs[: len(ids)])
    messages = transcript.play.reply(text, cut=not ids or ids[-1] not in codec.ends)
    if not transcript.play.over:
        observed = _without_end(codec.encode_observation(messages), ids, codec.ends)
        transcript.append(observed, False, None if logprobs is None else [0.0] * len(observed))


def _goes_on(transcript: Transcript, limits: TokenLimits) -> bool:
    if not transcript.play.over and limits.left(transcript) <= 0:
        transcript.play.stop()
    return not transcript.play.over


def transcribe(play: Play, codec: Codec) -> Transcript:
    """An episode that was played, as it would stand there had the model sampled its replies."""
    messages = play.messages
    first = next((i for i, m in enumerate(messages) if m["role"] == "assistant"), len(messages))
    transcript = Transcript(play, codec.encode_openings([messages[:first]])[0])
    observed: list[Message] = []
    for message in messages[first:]:
        if message["role"] != "assistant":
            observed.append(message)
            continue
        if observed:
            between = codec.encode_observation(observed)
            transcript.append(_without_end(between, transcript.ids, codec.ends), False, None)
            observed = []
        transcript.append(codec.encode_replies([message["content"]])[0], True, None)
    return transcript


def _without_end(observed: list[int], sampled: Sequence[int], ends: frozenset[int]) -> list[int]:
    """The end of a turn is not repeated where the model sampled it itself."""
    closed = bool(sampled) and sampled[-1] in ends
    return observed[1:] if closed and observed and observed[0] in ends else observed
