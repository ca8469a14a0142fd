"""One way from conversations to ids and back, for templates as models have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from rlskills.environments import demonstration
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.generation.episodes import transcribe
from rlskills.generation.select import select_engine
from rlskills.models.codec import Codec
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.training.sampler import Request, RolloutSampler
from rlskills_envs.function_guess import FunctionGuess

from .chat_models import CHAT, CHATML, Say, save_model, teach, tokenizer_of

GEMMA = (
    "{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else 'user' }}\n"
    "{{ m['content'] }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
KERNELS = Kernels("eager", "highest")


def gemma() -> Codec:
    specials = ("<eos>", "<start_of_turn>", "<end_of_turn>")
    tokenizer = tokenizer_of(specials, template=GEMMA, eos_token="<eos>")
    return Codec(tokenizer, frozenset({0, 2}), pad=0)


def test_demonstrations_close_turns_as_the_template_does():
    codec, env = gemma(), FunctionGuess(preset="tiny")
    played = demonstration(env, env.task("train", 1, 0))
    shown = transcribe(played, codec)
    text = codec.tokenizer.decode(shown.context)
    rendered = codec.tokenizer.apply_chat_template(played.messages, tokenize=False)
    assert text == str(rendered).rstrip("\n")
    assert "<eos>" not in text
    assert codec.encode_replies(["a"])[0][-1] == codec.reply_end == 2


def test_training_and_evaluation_read_the_same_text(tmp_path: Path):
    """A tokenizer that would split thoughts from answers, and an answer in an open thought."""
    template = CHATML.replace("assistant\n{% endif", "assistant\n<think>{% endif")
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    tokenizer = tokenizer_of(CHAT, template=template, **names)
    tokenizer.response_template = {  # pyright: ignore[reportAttributeAccessIssue]
        "defaults": {"role": "assistant"},
        "start_anchor": "<|im_start|>assistant\n",
        "fields": {
            "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
            "content": {"content": "text", "close": "<|im_end|>"},
        },
    }
    folder = save_model(tmp_path, Qwen3ForCausalLM, Qwen3Config, tokenizer, ends=2)
    teach(folder, "<|im_end|>")
    loaded, env = load(str(folder), KERNELS), Say()
    assert loaded.codec.tokenizer.response_template  # pyright: ignore
    sets = make_eval_sets({"say": env}, (1,), 4)
    (record,) = evaluate(loaded, sets, EvalConfig(24))
    assert all(task["greedy"] for task in record["tasks"])
    from rlskills.curricula import Choice
    from rlskills.generation.engine import SamplingParams

    sampler = RolloutSampler(loaded, select_engine(loaded), 0)
    requests = [Request(env, task, Choice("L1"), i) for i, task in enumerate(sets[0].tasks)]
    rollouts = sampler.sample(requests, SamplingParams(24, 0.0), 0, episodes=False)
    assert all(rollout.score.correct for rollout in rollouts)


@pytest.mark.parametrize("given", ["", "Be brief."])
def test_a_system_prompt_comes_first_unless_there_is_one(given: str):
    tokenizer = tokenizer_of(CHAT, template=CHATML, eos_token="<|im_end|>")
    codec = Codec(tokenizer, frozenset({2}), 0, system_prompt="Think.")
    messages = [{"role": "user", "content": "Say ok."}]
    if given:
        messages.insert(0, {"role": "system", "content": given})
    text = str(tokenizer.decode(codec.encode_openings([messages])[0]))
    assert text.startswith(f"<|im_start|>system\n{given or 'Think.'}<|im_end|>\n<|im_start|>user")
    assert text.count("system") == 1


def test_template_options_reach_the_template():
    template = "{% if thinking is defined %}[{{ thinking }}]{% endif %}" + CHATML
    tokenizer = tokenizer_of(CHAT, template=template, eos_token="<|im_end|>")
    codec = Codec(tokenizer, frozenset({2}), 0, template_options={"thinking": "off"})
    (ids,) = codec.encode_openings([[{"role": "user", "content": "Say ok."}]])
    assert str(tokenizer.decode(ids)).startswith("[off]<|im_start|>user")


FIRST = "<|endoftext|>"


@pytest.mark.parametrize("added", [False, True], ids=["", "added by the tokenizer"])
@pytest.mark.parametrize("written", [None, False, True], ids=["plain", "template", "written by it"])
def test_a_prompt_begins_with_its_first_token_once(written: bool | None, added: bool):
    """Some templates write it, some tokenizers add it, and some models come with both."""
    template = None if written is None else f"{FIRST * written}{CHATML}"
    tokenizer = tokenizer_of(CHAT, FIRST * added, template, bos_token=FIRST, eos_token="<|im_end|>")
    codec = Codec(tokenizer, frozenset({2}), 2)
    (prompt,) = codec.encode_openings([[{"role": "user", "content": "Say ok."}]])
    expected = added if written is None else written
    assert (prompt[0] == 0, prompt.count(0)) == (expected, expected)
    assert 0 not in codec.encode_replies(["ok"])[0]
    assert 0 not in codec.encode_observation([{"role": "user", "content": "Again."}])


RIGHT_AFTER = CHATML.replace("assistant\n{% endif", "Assistant.{% endif")


@pytest.mark.parametrize("template", [None, RIGHT_AFTER], ids=["plain", "template"])
def test_tokens_do_not_reach_over_where_a_reply_begins(template: str | None):
    """A tokenizer that would merge the end of the prompt with the beginning of the reply."""
    tokenizer = tokenizer_of(CHAT, template=template, eos_token="<|im_end|>")
    codec, env = Codec(tokenizer, frozenset({2}), 0), Say()
    task = env.task("train", 1, 0)
    (prompt,), text = codec.encode_tasks([task]), env.answer_only(task)
    (reply,) = codec.encode_replies([text])
    merged: Any = tokenizer(str(tokenizer.decode(prompt)) + text, add_special_tokens=False)
    assert merged["input_ids"] != prompt + reply[:-1], "it would merge them"
    shown = transcribe(demonstration(env, task), codec)
    assert (shown.prompt, shown.ids, shown.mask) == (prompt, reply, [1] * len(reply))
    assert codec.decode([reply]) == [text]


class Wrapped(PreTrainedTokenizerFast):
    """One whose way of decoding is not the library's own."""

    def _decode(self, *given: Any, **settings: Any) -> Any:
        return super()._decode(*given, **settings)


@pytest.mark.parametrize("kind", [PreTrainedTokenizerFast, Wrapped])
def test_blanks_before_punctuation_are_kept(kind: type[PreTrainedTokenizerFast]):
    tokenizer = kind(
        tokenizer_object=tokenizer_of(CHAT).backend_tokenizer, eos_token="<|im_end|>",
        clean_up_tokenization_spaces=True,
        clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True,
    )  # fmt: skip
    codec, text = Codec(tokenizer, frozenset({2}), 0), "a , b . it 's ok ?"
    (reply,) = codec.encode_replies([text])
    assert str(tokenizer.decode(reply[:-1])) != text
    assert codec.decode([reply]) == [text]
