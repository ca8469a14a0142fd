"""Episodes in tokens: appended only, masked rightly, capped, and laid out alike everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.environments import Play, Task, demonstration
from rlskills.generation.engine import Completion, SamplingParams, completion_of
from rlskills.generation.episodes import (
    TokenLimits,
    rollout_episodes,
    transcribe,
)
from rlskills.generation.llama_cpu import decode
from rlskills.models.codec import Codec
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.models.tiny import tiny_tokenizer
from rlskills_envs.function_guess import FunctionGuess

ENV = FunctionGuess(preset="tiny")
EOS = 1
ENDS = frozenset({EOS})
PLAIN = Codec(tiny_tokenizer(), ENDS, pad=0)
# As Qwen3 does, this one shows the last reply otherwise than earlier ones.
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>"
    "{% if m['role'] == 'assistant' and loop.last %}[thought]{% endif %}"
    "{{ m['content'] }}<eos>\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHAT = Codec(tiny_tokenizer(), ENDS, pad=0)
CHAT.tokenizer.chat_template = TEMPLATE


def task(level: int = 5, index: int = 0) -> Task:
    return ENV.task("train", level, index)


def scripted(texts: list[list[str]], codec: Codec, seen: list[list[list[int]]]):
    """A sampler that replies `texts[turn]` to the episodes still live, and notes contexts."""

    def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
        seen.append(contexts)
        said = texts[turn][: len(contexts)]
        return [completion_of(row, ENDS) for row in codec.encode_replies(said)]

    return sample


@pytest.mark.parametrize("codec", [PLAIN, CHAT], ids=["plain", "chat"])
def test_history_is_only_appended_to_and_the_mask_tells_who_wrote(codec):
    seen: list[list[list[int]]] = []
    replies = [[">ab"], [">cd"], ["#a"]]
    (found,) = rollout_episodes(
        [Play(ENV.start(task()))], codec, scripted(replies, codec, seen),
        TokenLimits(100),
    )  # fmt: skip
    whole = found.context
    contexts = [rows[0] for rows in seen]
    assert all(whole[: len(context)] == context for context in contexts)
    assert len(found.ids) == len(found.mask)
    assert found.sampled == sum(len(text[0]) + 1 for text in replies)
    runs: list[tuple[int, list[int]]] = []
    for token, mine in zip(found.ids, found.mask, strict=True):
        if not runs or runs[-1][0] != mine:
            runs.append((mine, []))
        runs[-1][1].append(token)
    assert [mine for mine, _ in runs] == [1, 0, 1, 0, 1]
    # What the model wrote is there to the token, and each context ends where a reply begins.
    assert [codec.tokenizer.decode(ids) for mine, ids in runs if mine] == [
        ">ab<eos>", ">cd<eos>", "#a<eos>",
    ]  # fmt: skip
    told = [m["content"] for m in found.play.messages[2::2]]
    frame = "{}" if codec is PLAIN else "\n<user>{}<eos>\n<assistant>"
    assert [codec.tokenizer.decode(ids) for mine, ids in runs if not mine] == [
        frame.format(text) for text in told
    ]


@pytest.mark.parametrize("codec", [PLAIN, CHAT], ids=["plain", "chat"])
def test_with_a_plain_rendering_the_whole_is_what_one_call_would_give(codec):
    """Where a template shows every reply alike, appending equals rendering all at once."""
    played = demonstration(ENV, task())
    rollout = transcribe(played, codec)
    text = codec.tokenizer.decode(rollout.context)
    if codec is CHAT:
        rendered = codec.tokenizer.apply_chat_template(
            played.messages, tokenize=False, add_generation_prompt=False
        )
        assert text + "\n" == rendered.replace("[thought]", "")
    else:
        said = [m["content"] + "<eos>" * (m["role"] == "assistant") for m in played.messages]
        assert text == "".join(said)


@pytest.mark.parametrize("codec", [PLAIN, CHAT], ids=["plain", "chat"])
@pytest.mark.parametrize("level", [1, 4, 6])
def test_a_demonstration_is_laid_out_as_a_rollout_with_the_same_replies(codec, level):
    tasks = [task(level, index) for index in range(6)]
    for one in tasks:
        shown = transcribe(demonstration(ENV, one), codec)
        script = [[text] for text in ENV.replies(one)]
        (rolled,) = rollout_episodes(
            [Play(ENV.start(one))], codec, scripted(script, codec, []),
            TokenLimits(500),
        )  # fmt: skip
        assert (shown.prompt, shown.ids, shown.mask) == (rolled.prompt, rolled.ids, rolled.mask)
        assert rolled.play.score().correct


token = st.integers(0, 98)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 40), st.integers(20, 80))
def test_caps_hold_whatever_is_sampled(data, written, positions):
    """Episodes of random tokens end; no cap is passed; a cut reply counts for nothing."""
    plays = [Play(ENV.start(task(1, i))) for i in range(3)]
    limits = []

    def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
        limits.append(limit)
        rows = st.lists(token, max_size=50)
        return [Completion(data.draw(rows), "length") for _ in contexts]

    found = rollout_episodes(plays, PLAIN, sample, TokenLimits(written, positions))
    assert all(0 < limit <= written for limit in limits)
    for one in found:
        assert one.play.over
        assert one.sampled <= written
        assert len(one.context) <= max(positions, len(one.prompt) + 1) + 3
        assert one.play.turns <= 5
        ends = one.ids and one.ids[-1] == EOS and one.mask[-1] == 1
        assert ends or one.play.score().status == "truncated"


def test_the_tokens_learned_are_the_models_own_choices_in_that_context(small_model: Path):
    """Read in one pass, a greedy episode predicts every token it wrote, and not what it was told.

    So cached decoding, turn after turn, saw exactly the context that training will see.
    """
    model = load(str(small_model), Kernels("eager", "highest")).model.eval()
    plays = [Play(ENV.start(task(2, i))) for i in range(4)]

    def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
        # An untrained model seldom ends a turn, so each reply is cut to three tokens.
        sampled = decode(model, contexts, SamplingParams(3, 0.0), 0, ENDS)
        return [completion_of([*c.ids[:3], EOS], ENDS) for c in sampled]

    found = rollout_episodes(plays, PLAIN, sample, TokenLimits(60, 256))
    assert all(one.play.turns == 5 for one in found)
    for one in found:
        ids = torch.tensor([one.context])
        with torch.inference_mode():
            best = model(ids).logits[0].argmax(-1).tolist()
        start = len(one.prompt)
        agree = [
            best[start + i - 1] == one.ids[i]
            for i in range(len(one.ids))
            if one.mask[i] and one.ids[i] != EOS
        ]
        assert len(agree) == 15
        assert all(agree)


def test_samplers_log_probabilities_stay_beside_their_tokens():
    def sample(contexts: list[list[int]], turn: int, limit: int) -> list[Completion]:
        (ids,) = PLAIN.encode_replies([[">ab", "#a"][turn]])
        drawn = [-float(turn + 1)] * len(ids)
        return [completion_of(ids, ENDS, drawn) for _ in contexts]

    (found,) = rollout_episodes([Play(ENV.start(task()))], PLAIN, sample, TokenLimits(50))
    assert len(found.logprobs) == len(found.ids)
    assert [p for p, mine in zip(found.logprobs, found.mask, strict=True) if mine] == (
        [-1.0] * 4 + [-2.0] * 3
    )
    assert all(p == 0 for p, mine in zip(found.logprobs, found.mask, strict=True) if not mine)


def test_openings_of_both_kinds():
    messages = task().messages
    assert PLAIN.tokenizer.decode(PLAIN.encode_openings([messages])[0]) == task().text
    opened = CHAT.tokenizer.decode(CHAT.encode_openings([messages])[0])
    assert opened == f"<user>{task().text}<eos>\n<assistant>"
    told = CHAT.tokenizer.decode(CHAT.encode_observation([{"role": "user", "content": "=f"}]))
    assert told == "<eos>\n<user>=f<eos>\n<assistant>"
