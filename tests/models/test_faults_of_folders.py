"""Model folders whose files disagree: mended when they are loaded, or one clear line.

Each case was reported of other projects; the right values are what an undamaged folder gives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import EvalSet, make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.generation.engine import SamplingParams
from rlskills.generation.hf import Transformers
from rlskills.generation.select import select_engine
from rlskills.models.choose_kernels import resolve
from rlskills.models.identity import identity_of
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.traits import traits_of

from .chat_models import CHAT, CHATML, Say, chat_tokenizer, save_model, teach, tokenizer_of

KERNELS = Kernels("eager", "highest")
ASK = ({"role": "user", "content": "Number 7. Say ok."},)


def opened(folder: Path) -> LoadedModel:
    return load(str(folder), KERNELS)


def qwen(folder: Path, tokenizer: Any = None, **more: Any) -> Path:
    given: dict[str, Any] = {"ends": 2, **more}
    return save_model(folder, Qwen3ForCausalLM, Qwen3Config, tokenizer or chat_tokenizer(), **given)


def say_sets(count: int = 6) -> list[EvalSet]:
    return make_eval_sets({"say": Say()}, (1,), count)


def accuracy(loaded: LoadedModel) -> float:
    (record,) = evaluate(loaded, say_sets(), EvalConfig(24))
    return sum(task["greedy"] for task in record["tasks"]) / len(record["tasks"])


@pytest.mark.parametrize(
    ("model", "config"), [(Qwen3ForCausalLM, Qwen3Config), (LlamaForCausalLM, LlamaConfig)]
)
def test_a_completion_ends_at_any_end_that_the_folder_names(tmp_path: Path, model, config):
    """The generation config names another end than the one that closes turns."""
    folder = save_model(
        tmp_path, model, config, chat_tokenizer(), ends=0, generation={"eos_token_id": 0}
    )
    teach(folder, "<|im_end|>", then="\nuser Number 5. Number 7. Say ok. Number 11.")
    loaded = opened(folder)
    assert loaded.codec.ends == {0, 2}
    assert loaded.codec.reply_end == 2
    assert accuracy(loaded) == 1.0
    prompts = loaded.codec.encode_openings([ASK])
    for engine in (select_engine(loaded), Transformers(loaded)):
        (found,) = engine.generate(prompts, SamplingParams(30, 0.0), 0)
        assert (found.ids[-1], found.finish_reason) == (2, "stop")


def test_a_base_model_stops_where_its_template_closes_the_turn(tmp_path: Path):
    tokenizer = tokenizer_of(CHAT, template=CHATML, eos_token="<|endoftext|>")
    loaded = opened(qwen(tmp_path, tokenizer, ends=0))
    assert loaded.codec.ends == {0, 2}


def test_a_list_of_ends_is_known_to_every_engine(tmp_path: Path):
    tokenizer = tokenizer_of(("<s>", "<|eot|>", "</s>"), eos_token="<|eot|>")
    folder = save_model(tmp_path, LlamaForCausalLM, LlamaConfig, tokenizer, ends=[1, 2])
    loaded = opened(folder)
    assert loaded.codec.ends == {1, 2}
    prompts = loaded.codec.encode_openings([ASK])
    assert len(select_engine(loaded).generate(prompts, SamplingParams(5, 0.0, 2), 0)) == 2


@pytest.mark.parametrize(
    "setting",
    [{"repetition_penalty": 1.5}, {"no_repeat_ngram_size": 2}, {"suppress_tokens": [40, 41, 42]},
     {"num_beams": 3}, {"do_sample": True, "min_p": 0.9, "top_k": 1}],
    ids=lambda setting: next(iter(setting)),
)  # fmt: skip
def test_greedy_is_the_likeliest_token_whatever_the_folder_sets(tmp_path: Path, setting):
    loaded = opened(
        qwen(tmp_path, generation={"eos_token_id": 2, **setting}, initializer_range=0.3)
    )
    (prompt,) = loaded.codec.encode_openings([ASK])
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(24):
            ids.append(int(loaded.model(torch.tensor([ids])).logits[0, -1].argmax()))
    (found,) = Transformers(loaded).generate([prompt], SamplingParams(24, 0.0), 0)
    assert found.ids == ids[len(prompt) :][: len(found.ids)]
    # Sampling uses the whole distribution: the likeliest token alone would be all that `top_k` of 1
    # or beams leave.
    drawn = Transformers(loaded).generate([prompt], SamplingParams(1, 1.0, 64), 0)
    assert len({one.ids[0] for one in drawn}) > 4


def test_a_generation_config_that_cannot_be_saved_is_not_kept(tmp_path: Path):
    folder = qwen(tmp_path / "bad")
    path = folder / "generation_config.json"
    broken = {"do_sample": False, "temperature": 0.9, "top_p": 0.6}
    path.write_text(json.dumps(json.loads(path.read_text()) | broken))
    loaded = opened(folder)
    loaded.save(tmp_path / "saved")
    assert opened(tmp_path / "saved").codec.ends == loaded.codec.ends
    assert not (tmp_path / "saved.new").exists()


def test_one_token_may_be_unknown_first_and_last(tmp_path: Path):
    one = "<|endoftext|>"
    tokenizer = tokenizer_of((one,), first=one, eos_token=one, bos_token=one, unk_token=one)
    loaded = opened(qwen(tmp_path, tokenizer, ends=0))
    env = Say()
    loaded.check([(env, env.task("train", 1, 0))], 8)
    (prompt,) = loaded.codec.encode_tasks([env.task("train", 1, 0)])
    assert (prompt[0], prompt.count(0)) == (0, 1)


def test_an_added_padding_token_without_embedding_is_not_used(tmp_path: Path):
    tokenizer = tokenizer_of(("</s>",), eos_token="</s>")
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    loaded = opened(qwen(tmp_path, tokenizer, rows=rows, ends=0))
    assert loaded.codec.pad == 0
    found = Transformers(loaded).generate([[5], [6, 7, 8]], SamplingParams(3), 0)
    assert len(found) == 2


def test_tokens_without_embeddings_and_a_missing_end_are_one_line(tmp_path: Path):
    tokenizer = chat_tokenizer()
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|turn|>"]})
    beyond = qwen(tmp_path / "beyond", tokenizer, rows=rows)
    with pytest.raises(UserError, match=f"has {rows + 1} tokens, the model {rows} embeddings"):
        opened(beyond)
    endless = qwen(tmp_path / "endless", tokenizer_of(("<s>",)), ends=None)
    with pytest.raises(UserError, match="has no end token"):
        opened(endless)


def test_embeddings_beyond_the_tokens_are_no_fault(tmp_path: Path):
    """Models are given more rows than tokens, for the sake of speed; any of them may be drawn."""
    tokens = len(chat_tokenizer())
    loaded = opened(qwen(tmp_path / "wide", rows=tokens + 290))
    loaded.check([(Say(), Say().task("train", 1, 0))], 8)
    assert loaded.codec.decode([[tokens + 250, *loaded.codec.encode_replies(["ok"])[0]]]) == ["ok"]
    with torch.no_grad():  # it says nothing else
        loaded.model.get_output_embeddings().weight[:tokens] = 0
    for engine in (select_engine(loaded), Transformers(loaded)):
        found = engine.generate(loaded.codec.encode_openings([ASK]), SamplingParams(5, 0.1, 4), 0)
        assert any(max(one.ids) >= tokens for one in found)
        assert all(
            isinstance(text, str) for text in loaded.codec.decode([one.ids for one in found])
        )
    loaded.save(tmp_path / "saved")
    assert opened(tmp_path / "saved").model.get_input_embeddings().weight.shape[0] == tokens + 290


def test_answer_tags_that_are_special_tokens_are_read(tmp_path: Path):
    tags = (*CHAT, "<answer>", "</answer>")
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    folder = qwen(tmp_path, tokenizer_of(tags, template=CHATML, **names))
    teach(folder, "<|im_end|>")
    assert accuracy(opened(folder)) == 1.0


def test_an_answer_that_the_tokenizer_loses_is_named(tmp_path: Path):
    """The check is of the round trip from a right answer to ids and back."""
    tokenizer = tokenizer_of((*CHAT, "ok"), template=CHATML, eos_token="<|im_end|>", bos_token="ok")
    loaded = opened(qwen(tmp_path, tokenizer))
    env = Say()
    with pytest.raises(UserError, match=r"right answer of say \(level 1\) is not right any more"):
        loaded.check([(env, env.task("train", 1, 0))], 8)


def test_attention_is_one_that_the_model_has(tmp_path: Path):
    folder = save_model(tmp_path, Gemma2ForCausalLM, Gemma2Config, chat_tokenizer(), ends=2)
    traits = traits_of(str(folder))
    assert not traits.has("sdpa")
    for _ in range(3):
        assert resolve(Kernels(), "cpu", traits).attention == "eager"
    loaded = load(str(folder), Kernels())
    assert loaded.model.config._attn_implementation == "eager"
    assert len(Transformers(loaded).generate([[5, 6]], SamplingParams(3), 0)) == 1


REFUSING = "{{ raise_exception('System role not supported') }}"


def test_a_refusing_template_is_one_line(tmp_path: Path):
    loaded = opened(qwen(tmp_path))
    loaded.codec.tokenizer.chat_template = REFUSING
    with pytest.raises(UserError, match="refuses a conversation of system, user: System role not"):
        loaded.codec.encode_openings([({"role": "system", "content": "Be brief."}, *ASK)])


def test_every_eval_task_is_checked(tmp_path: Path):
    class Long(Say):
        def make(self, rng: Any, cfg: Any) -> Any:
            draft = super().make(rng, cfg)
            times = 60 if rng.random() < 0.15 else 1
            return type(draft)(prompt="Number " * times + str(draft.prompt), answer="ok")

    tokenizer = tokenizer_of(("</s>",), eos_token="</s>")
    small: dict[str, Any] = {"max_position_embeddings": 80, "n_embd": 64, "n_layer": 1, "n_head": 2}
    folder = save_model(tmp_path, GPT2LMHeadModel, GPT2Config, tokenizer, ends=0, **small)
    env = Long()
    asked = [(env, env.task("train", 1, index)) for index in range(40)]
    first = next(i for i, (_, task) in enumerate(asked) if len(task.text) > 300)
    assert first >= 4
    with pytest.raises(UserError, match="does not fit the model's 80 positions"):
        opened(folder).check(asked, 16)


@pytest.mark.parametrize(
    "name", ["chat_template.jinja", "tokenizer.json", "generation_config.json", "config.json"]
)
def test_identity_is_of_all_files_that_decide_answers(tmp_path: Path, name: str):
    folder = qwen(tmp_path)
    before = identity_of(str(folder))
    (folder / "README.md").write_text("A card decides nothing.")
    assert identity_of(str(folder)) == before
    path = folder / name
    path.write_text(path.read_text() + "\n")
    assert identity_of(str(folder)) != before


def test_identity_knows_old_weight_files(tmp_path: Path):
    folder = qwen(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    before = identity_of(str(folder))
    (folder / "pytorch_model.bin").write_bytes(b"other weights")
    assert identity_of(str(folder)) != before


@pytest.mark.parametrize("kept", [0, 20_000])
def test_half_a_weights_file_is_one_line(tmp_path: Path, kept: int):
    folder = qwen(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(UserError, match="cannot load model"):
        opened(folder)


def test_an_end_that_a_tokenizer_appends_is_not_shown(tmp_path: Path):
    from tokenizers import processors

    tokenizer = tokenizer_of(("</s>",), eos_token="</s>")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    loaded = opened(qwen(tmp_path, tokenizer, ends=0))
    (prompt,) = loaded.codec.encode_openings([ASK])
    assert 0 not in prompt
